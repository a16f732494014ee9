//! Who must have a second factor, by the server's setting or by a role.

use ipse::proto::ErrorReason::{LastFactor, MfaRequired, TokenInvalid};
use ipse::proto::Role;
use time::Duration;

use crate::support::database::Backend;
use crate::support::gateway::question_about;
use crate::support::guard::Guard;
use crate::support::on_both_backends;
use crate::support::operator::Operator;
use crate::support::person::Device;
use crate::support::refusal::reason;
use crate::support::trail::Trail;
use crate::support::world::{AUDIENCE, ISSUER, World};

on_both_backends! {
    required =>
    who_must_have_a_factor_can_do_nothing_but_enrol_one
    the_last_factor_stays_where_one_is_demanded
}

on_both_backends! {
    of_production =>
    an_administrator_needs_a_factor
}

on_both_backends! {
    World::start =>
    a_role_demands_a_factor
    what_is_demanded_later_holds_from_the_next_refresh_on
}

async fn required(backend: Backend) -> World {
    World::with(backend, &["MFA=required"]).await
}

async fn of_production(backend: Backend) -> World {
    World::with(backend, &["MFA=administrators"]).await
}

/// Such a token opens nothing else, here or elsewhere.
async fn can_only_enrol(world: &World, device: &Device<'_>) {
    assert_eq!(device.level(), ("urn:ipse:aal:0".to_owned(), vec!["pwd".to_owned()]));
    let (_, claims) = crate::support::token::read(&device.tokens.access_token);
    assert_eq!(claims["aud"], serde_json::json!([ISSUER]));
    assert_eq!(claims.get("roles").and_then(|roles| roles.as_array()).map_or(0, Vec::len), 0);
    assert_eq!(reason(device.me().await), MfaRequired);
    assert_eq!(reason(device.sessions().await), MfaRequired);
    assert_eq!(reason(device.change_password("x", "another long way home").await), MfaRequired);
    assert_eq!(reason(Operator(device.clone()).create("x", &[]).await), MfaRequired);
    assert_eq!(reason(device.delete_factor("x").await), MfaRequired);
    let verdict = world.verdict(question_about(&device.tokens.access_token, &[])).await.unwrap();
    assert!(format!("{verdict:?}").contains("MFA_REQUIRED"), "{verdict:?}");
    assert!(device.factors().await.is_ok());
}

async fn who_must_have_a_factor_can_do_nothing_but_enrol_one(world: World) {
    let alice = world.person("alice").await;
    let audience = AUDIENCE.to_owned();
    let identifier = alice.email.clone();
    let request = ipse::proto::LoginRequest { identifier, audience, ..ipse::proto::LoginRequest::default() };
    let phone = alice.log_in_with(request).await.unwrap();
    let mut trail = Trail::from_now_on(&world).await.knowing(&["alice"]).await;
    can_only_enrol(&world, &phone).await;
    assert_eq!(trail.lines().await, ["authz_fail denied alice>- MFA_REQUIRED"; 6], "each RPC and the gateway");
    let phone = phone.refresh().await.unwrap();
    can_only_enrol(&world, &phone).await;
    can_only_enrol(&world, &alice.refresh_for(AUDIENCE, &phone.tokens.refresh_token).await.unwrap()).await;
    let enrolled = alice.log_in().await.unwrap();
    let factor = enrolled.enrol_app().await.unwrap();
    let refreshed = enrolled.refresh().await.unwrap();
    assert_eq!(refreshed.level().0, "urn:ipse:aal:1");
    refreshed.me().await.unwrap();
    assert_eq!(alice.log_in_with_app(&factor.app).await.unwrap().level().0, "urn:ipse:aal:2");
    // Signing out works at every level.
    let bob = world.person("bob").await.log_in().await.unwrap();
    bob.log_out().await.unwrap();
    assert_eq!(reason(bob.factors().await), TokenInvalid);
}

async fn the_last_factor_stays_where_one_is_demanded(world: World) {
    let alice = world.person("alice").await;
    let first = alice.log_in().await.unwrap().enrol_app().await.unwrap();
    let phone = alice.log_in_with_app(&first.app).await.unwrap();
    assert_eq!(reason(phone.delete_factor(&first.factor.id).await), LastFactor);
    let second = phone.enrol_app().await.unwrap();
    phone.delete_factor(&first.factor.id).await.unwrap();
    assert_eq!(reason(phone.delete_factor(&second.factor.id).await), LastFactor);
}

async fn an_administrator_needs_a_factor(world: World) {
    let root = world.administrator().await;
    can_only_enrol(&world, &root).await;
    let alice = world.person("alice").await.log_in().await.unwrap();
    alice.me().await.unwrap();
    let enrolled = root.enrol_app().await.unwrap();
    let root = root.owner().log_in_with_app(&enrolled.app).await.unwrap();
    Operator(root).create("x", &["orders.read"]).await.unwrap();
}

async fn a_role_demands_a_factor(world: World) {
    let root = Operator::root(&world).await;
    let mut role = root.create("treasurer", &["orders.*"]).await.unwrap();
    assert!(!role.mfa_required);
    let treasurer = world.person_with_role("alice", "treasurer").await;
    treasurer.me().await.unwrap();
    role.mfa_required = true;
    let changed: Role = root.update(role, &["mfa_required"]).await.unwrap();
    assert!(changed.mfa_required && root.get(&changed.id).await.unwrap().mfa_required);
    can_only_enrol(&world, &treasurer.refresh().await.unwrap()).await;
    can_only_enrol(&world, &treasurer.owner().log_in().await.unwrap()).await;
    let guard = Guard::new(&world).await;
    let token = treasurer.owner().log_in().await.unwrap().tokens.access_token;
    assert!(!guard.finds_good(&token).await);
}

async fn what_is_demanded_later_holds_from_the_next_refresh_on(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    let tokens = phone.tokens.clone();
    let world = world.restart_with(&["MFA=required"]).await;
    let phone = world.stranger("alice").with_tokens(tokens);
    let phone = phone.refresh().await.unwrap();
    can_only_enrol(&world, &phone).await;
    phone.enrol_app().await.unwrap();
    world.wait(Duration::minutes(1));
    assert_eq!(phone.refresh().await.unwrap().level().0, "urn:ipse:aal:1");
}
