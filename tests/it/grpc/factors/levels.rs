//! The level that tokens tell: how long it lasts, and who asks for it.

use time::Duration;

use crate::support::database::Backend;
use crate::support::gateway::question_about;
use crate::support::guard::Guard;
use crate::support::on_both_backends;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    two_factors_count_for_a_day_of_refreshes_and_an_hour_without
    the_gateway_asks_for_a_level_and_an_age
    introspection_tells_the_level
}

on_both_backends! {
    short =>
    an_operator_sets_how_long_two_factors_count
}

async fn short(backend: Backend) -> World {
    World::with(backend, &["AAL2_LIFETIME=20m", "AAL2_IDLE=10m"]).await
}

async fn two_factors_count_for_a_day_of_refreshes_and_an_hour_without(world: World) {
    let alice = world.person("alice").await;
    let enrolled = alice.log_in().await.unwrap().enrol_app().await.unwrap();
    let mut phone = alice.log_in_with_app(&enrolled.app).await.unwrap();
    for hour in 1..24 {
        world.wait(Duration::minutes(59));
        phone = phone.refresh().await.unwrap();
        assert_eq!(phone.level().0, "urn:ipse:aal:2", "{hour}");
    }
    world.wait(Duration::minutes(30));
    phone = phone.refresh().await.unwrap();
    // No token that tells of two factors outlives them.
    let lifetime = phone.tokens.access_expire_time.unwrap().seconds - world.now().unix_timestamp();
    assert!(lifetime <= 900 && phone.level().0.ends_with(":2"), "{lifetime}");
    world.wait(Duration::minutes(59));
    phone = phone.refresh().await.unwrap();
    assert_eq!(phone.level().0, "urn:ipse:aal:1");
    let session = phone.me().await.unwrap().session.unwrap();
    assert_eq!(session.acr, "urn:ipse:aal:1");
    phone = phone.step_up_with_app(&enrolled.app).await.unwrap();
    assert_eq!(phone.level().0, "urn:ipse:aal:2");
    world.wait(Duration::minutes(61));
    phone = phone.refresh().await.unwrap();
    assert_eq!(phone.level().0, "urn:ipse:aal:1", "idle for an hour");
    phone = phone.refresh().await.unwrap();
    assert_eq!(phone.level().0, "urn:ipse:aal:1", "what is lost does not come back by itself");
}

async fn an_operator_sets_how_long_two_factors_count(world: World) {
    let alice = world.person("alice").await;
    let enrolled = alice.log_in().await.unwrap().enrol_app().await.unwrap();
    let mut phone = alice.log_in_with_app(&enrolled.app).await.unwrap();
    for (minutes, level) in [(9, "urn:ipse:aal:2"), (9, "urn:ipse:aal:2"), (3, "urn:ipse:aal:1")] {
        world.wait(Duration::minutes(minutes));
        phone = phone.refresh().await.unwrap();
        assert_eq!(phone.level().0, level);
    }
    let phone = alice.log_in_with_app(&enrolled.app).await.unwrap();
    world.wait(Duration::minutes(11));
    assert_eq!(phone.refresh().await.unwrap().level().0, "urn:ipse:aal:1");
}

async fn the_gateway_asks_for_a_level_and_an_age(world: World) {
    let alice = world.person("alice").await;
    let one = alice.log_in().await.unwrap();
    let verdict = async |token: &str, demands: &[(&str, &str)]| {
        format!("{:?}", world.verdict(question_about(token, demands)).await.unwrap())
    };
    let enrolled = one.enrol_app().await.unwrap();
    let two = alice.log_in_with_app(&enrolled.app).await.unwrap();
    let (one, two) = (&one.tokens.access_token, &two.tokens.access_token);
    let level = [("acr", "urn:ipse:aal:2")];
    assert!(verdict(two, &level).await.starts_with("Passes"));
    assert!(verdict(two, &level).await.contains("urn:ipse:aal:2"), "a header tells the level");
    let refused = verdict(one, &level).await;
    assert!(refused.contains("insufficient_user_authentication") && refused.contains("urn:ipse:aal:2"), "{refused}");
    world.wait(Duration::minutes(2));
    assert!(verdict(two, &[("max_age", "180")]).await.starts_with("Passes"));
    let refused = verdict(two, &[("max_age", "60")]).await;
    assert!(refused.contains(r#"max_age=\"60\""#), "{refused}");
    let guard = Guard::new(&world).await;
    let service = verdict(&guard.0.tokens.access_token, &level).await;
    assert!(!service.starts_with("Passes"), "{service}");
    // The level of those who may only enrol a factor asks for nothing: nobody can have meant it.
    for (name, text) in [
        ("acr", "urn:ipse:aal:3"),
        ("acr", "urn:ipse:aal:0"),
        ("acr", ""),
        ("max_age", "soon"),
        ("arc", "urn:ipse:aal:2"),
    ] {
        assert!(verdict(two, &[(name, text)]).await.contains("500"), "{name} {text}");
    }
}

async fn introspection_tells_the_level(world: World) {
    let alice = world.person("alice").await;
    let enrolled = alice.log_in().await.unwrap().enrol_app().await.unwrap();
    let phone = alice.log_in_with_app(&enrolled.app).await.unwrap();
    let guard = Guard::new(&world).await;
    let active = guard.introspect(&phone.tokens.access_token).await.unwrap();
    assert!(active.active);
    assert_eq!((active.acr.as_str(), active.amr.join(" ").as_str()), ("urn:ipse:aal:2", "pwd otp mfa"));
    assert_eq!(active.auth_time.unwrap().seconds, world.now().unix_timestamp());
}
