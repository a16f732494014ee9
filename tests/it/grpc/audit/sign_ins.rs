//! What the trail tells of those who come and go.

use ipse::proto::ErrorReason::{AccountDisabled, CredentialsInvalid, RateLimited, RefreshTokenInvalid};
use time::Duration;

use crate::support::on_both_backends;
use crate::support::refusal::reason;
use crate::support::trail::Trail;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    signing_in
    states_that_keep_people_out
    a_success_after_failures_stands_out
    a_password_disabled_by_failures_stands_out
    sessions_that_end
    a_replayed_refresh_token
    mailed_resets
    the_own_password
}

async fn signing_in(world: World) {
    let alice = world.person("alice").await;
    let mut trail = Trail::from_now_on(&world).await.knowing(&["alice"]).await;
    let device = alice.log_in().await.unwrap();
    assert_eq!(reason(alice.guess().await), CredentialsInvalid);
    assert_eq!(reason(world.stranger("nobody").log_in().await), CredentialsInvalid);
    device.refresh().await.unwrap().me().await.unwrap();
    let events = trail.events().await;
    let details = |number: usize| &events[number].event.details;
    assert_eq!(events.len(), 3, "a refresh and a reading are no events");
    assert_eq!((&details(0)["session_id"], details(0)["method"].as_str()), (&device.tokens.session_id, "pwd"));
    assert_eq!(
        trail.tell(&events),
        [
            "authn_login_success success alice>alice",
            "authn_login_fail failure ->alice PASSWORD_WRONG",
            "authn_login_fail failure ->- IDENTIFIER_UNKNOWN",
        ]
    );
}

async fn states_that_keep_people_out(world: World) {
    for name in ["alice", "bob", "carol"] {
        world.person(name).await;
    }
    world.stranger("dave").register().await.unwrap();
    let mut trail = Trail::from_now_on(&world).await.knowing(&["alice", "bob", "carol", "dave"]).await;
    world.suspend("alice@example.com").await;
    world.change_user("bob@example.com", |user| user.delete(Duration::days(1), user.update_time).unwrap()).await;
    world.change_user("carol@example.com", |user| user.password_change_required = true).await;
    assert_eq!(reason(world.stranger("alice").log_in().await), AccountDisabled);
    assert_eq!(reason(world.stranger("bob").log_in().await), CredentialsInvalid);
    world.stranger("carol").log_in().await.unwrap_err();
    assert_eq!(reason(world.stranger("dave").log_in().await), CredentialsInvalid);
    assert_eq!(
        trail.lines().await,
        [
            "authn_login_fail denied alice>alice ACCOUNT_DISABLED",
            "authn_login_fail failure ->bob ACCOUNT_DELETED",
            "authn_login_fail denied carol>carol PASSWORD_CHANGE_REQUIRED",
            "authn_login_fail failure ->dave EMAIL_NOT_VERIFIED",
        ]
    );
}

async fn a_success_after_failures_stands_out(world: World) {
    let alice = world.person("alice").await;
    for _ in 0..4 {
        alice.guess().await.unwrap_err();
    }
    let mut trail = Trail::from_now_on(&world).await.knowing(&["alice"]).await;
    alice.log_in().await.unwrap();
    assert_eq!(trail.lines().await, ["authn_login_success success alice>alice"]);
    for _ in 0..5 {
        alice.guess().await.unwrap_err();
    }
    world.wait(Duration::seconds(1));
    trail.events().await;
    alice.mails().await;
    alice.log_in().await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["new_sign_in"], "the person is told, too");
    let [event] = &trail.events().await[..] else { panic!("one event is expected") };
    assert_eq!(event.event.kind.as_str(), "authn_login_successafterfail");
    assert_eq!(event.event.details["failures_before"], "5");
}

async fn a_password_disabled_by_failures_stands_out(world: World) {
    let alice = world.person("alice").await;
    world.database.outsider().await.execute("UPDATE passwords SET failures = 98").await;
    let mut trail = Trail::from_now_on(&world).await.knowing(&["alice"]).await;
    alice.guess().await.unwrap_err();
    alice.guess().await.unwrap_err();
    assert_eq!(reason(alice.log_in().await), CredentialsInvalid);
    assert_eq!(
        trail.lines().await,
        [
            "authn_login_fail failure ->alice PASSWORD_WRONG",
            "authn_login_lock failure ->alice PASSWORD_WRONG",
            "authn_login_fail failure ->alice PASSWORD_DISABLED",
        ]
    );
}

async fn sessions_that_end(world: World) {
    let alice = world.person("alice").await;
    let (phone, laptop) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    let (desk, tablet) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    let mut trail = Trail::from_now_on(&world).await.knowing(&["alice"]).await;
    phone.log_out().await.unwrap();
    alice.log_out(&tablet.tokens.refresh_token).await.unwrap();
    alice.log_out(&tablet.tokens.refresh_token).await.unwrap();
    laptop.revoke(&desk.tokens.session_id).await.unwrap();
    alice.log_in().await.unwrap();
    laptop.revoke_others().await.unwrap();
    laptop.revoke_others().await.unwrap();
    assert_eq!(
        trail.lines().await,
        [
            "authn_logout success alice>alice",
            "authn_logout success alice>alice",
            "session_revoked success alice>alice",
            "authn_login_success success alice>alice",
            "session_revoked success alice>alice",
        ]
    );
}

async fn a_replayed_refresh_token(world: World) {
    let alice = world.person("alice").await;
    let stolen = alice.log_in().await.unwrap();
    let next = stolen.refresh().await.unwrap();
    let mut trail = Trail::from_now_on(&world).await.knowing(&["alice"]).await;
    world.wait(Duration::minutes(1));
    assert_eq!(reason(stolen.refresh().await), RefreshTokenInvalid);
    assert_eq!(reason(next.refresh().await), RefreshTokenInvalid);
    assert_eq!(reason(stolen.refresh().await), RefreshTokenInvalid);
    assert_eq!(trail.lines().await, ["authn_token_reuse failure ->alice REFRESH_TOKEN_REUSED"]);
}

async fn mailed_resets(world: World) {
    let alice = world.person("alice").await;
    let mut trail = Trail::from_now_on(&world).await.knowing(&["alice"]).await;
    alice.request_reset().await.unwrap();
    alice.request_reset().await.unwrap();
    world.stranger("nobody").request_reset().await.unwrap();
    alice.reset(&alice.mailed_token().await, "another long way home").await.unwrap();
    let events = trail.events().await;
    let mailed: Vec<&str> = events[..3].iter().map(|event| event.event.details["mailed"].as_str()).collect();
    assert_eq!(mailed, ["true", "false", "false"]);
    assert_eq!(
        trail.tell(&events),
        [
            "authn_password_reset_request success ->alice",
            "authn_password_reset_request success ->alice",
            "authn_password_reset_request success ->-",
            "authn_password_reset success alice>alice",
        ]
    );
}

async fn the_own_password(world: World) {
    let alice = world.person("alice").await;
    let device = alice.log_in().await.unwrap();
    let mut trail = Trail::from_now_on(&world).await.knowing(&["alice"]).await;
    for _ in 0..5 {
        device.change_password("not the password at all", "another long way home").await.unwrap_err();
    }
    assert_eq!(reason(device.change_password(&alice.password, "another long way home").await), RateLimited);
    world.wait(Duration::seconds(1));
    device.change_password(&alice.password, "another long way home").await.unwrap();
    let mut expected = vec!["authn_password_change failure alice>alice PASSWORD_WRONG"; 5];
    expected.push("authn_login_throttled denied alice>alice RATE_LIMITED");
    expected.push("authn_password_change success alice>alice");
    assert_eq!(trail.lines().await, expected);
}
