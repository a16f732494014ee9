//! What somebody enrols who merely signed up with the address of another does not stay.

use ipse::domain::access::role::ADMINISTRATOR;
use ipse::proto::ErrorReason::TokenInvalid;
use time::Duration;

use crate::support::database::Backend;
use crate::support::on_both_backends;
use crate::support::operator::Operator;
use crate::support::refusal::reason;
use crate::support::world::World;

on_both_backends! {
    lenient =>
    the_proof_of_a_disputed_address_leaves_no_factor
    a_reset_of_an_unproven_sign_up_leaves_no_factor
}

on_both_backends! {
    of_production =>
    who_is_granted_a_role_that_demands_a_factor_enrols_one_first
}

async fn lenient(backend: Backend) -> World {
    World::with(backend, &["UNVERIFIED_SIGN_IN=true"]).await
}

async fn of_production(backend: Backend) -> World {
    World::with(backend, &["MFA=administrators"]).await
}

async fn the_proof_of_a_disputed_address_leaves_no_factor(world: World) {
    let stranger = world.stranger("alice").with_password("a password of the stranger");
    stranger.register().await.unwrap();
    let phone = stranger.log_in().await.unwrap();
    let enrolled = phone.enrol_app().await.unwrap();
    stranger.mails().await;
    world.wait(Duration::minutes(2));
    let owner = world.stranger("alice");
    owner.register().await.unwrap();
    owner.verify(&owner.mailed_token().await).await.unwrap();
    owner.reset(&owner.mailed_token().await, &owner.password).await.unwrap();
    let device = owner.log_in().await.unwrap();
    assert!(device.factors().await.unwrap().is_empty());
    assert!(!device.me().await.unwrap().user.unwrap().mfa_enabled);
    assert!(stranger.log_in_with_app(&enrolled.app).await.is_err() && phone.refresh().await.is_err());
}

async fn a_reset_of_an_unproven_sign_up_leaves_no_factor(world: World) {
    let stranger = world.stranger("alice").with_password("a password of the stranger");
    stranger.register().await.unwrap();
    stranger.log_in().await.unwrap().enrol_app().await.unwrap();
    stranger.mails().await;
    world.wait(Duration::minutes(2));
    let owner = world.stranger("alice");
    owner.request_reset().await.unwrap();
    owner.reset(&owner.mailed_token().await, &owner.password).await.unwrap();
    assert!(owner.log_in().await.unwrap().factors().await.unwrap().is_empty());
}

/// The token from before the grant does not open what the role opens.
async fn who_is_granted_a_role_that_demands_a_factor_enrols_one_first(world: World) {
    let root = world.administrator().await;
    let enrolled = root.enrol_app().await.unwrap();
    let root = Operator(root.owner().log_in_with_app(&enrolled.app).await.unwrap());
    let bob = world.person("bob").await.log_in().await.unwrap();
    let id = bob.me().await.unwrap().user.unwrap().id;
    root.grant(&ADMINISTRATOR.to_string(), &id).await.unwrap();
    assert_eq!(reason(bob.me().await), TokenInvalid);
    assert_eq!(bob.owner().log_in().await.unwrap().level().0, "urn:ipse:aal:0");
}
