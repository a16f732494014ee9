//! The change of the root secret while the service runs.

use ipse::application::error::{Error, Refusal};
use ipse::proto::ErrorReason::{PageTokenInvalid, RefreshTokenInvalid, RequestIdReused};
use ipse::proto::{CreateRoleRequest, Role, Tokens, role_service_client::RoleServiceClient};
use time::Duration;
use tonic::Status;

use crate::support::guard::Guard;
use crate::support::on_both_backends;
use crate::support::operator::Operator;
use crate::support::person::Device;
use crate::support::refusal::reason;
use crate::support::trail::Trail;
use crate::support::world::{Replica, World};

on_both_backends! {
    World::start =>
    what_was_made_before_stays_good
    a_lost_answer_comes_again_across_the_change
    waiting_times_stay
    another_replica_accepts_what_it_does_not_make_yet
    an_old_secret_goes_when_nothing_needs_it
    a_rotation_is_repeated_without_effect_and_bounded
    a_clock_that_was_ahead_bars_no_rotation
}

const LEAD: Duration = Duration::minutes(5);
const ID: &str = "0b0e7b4e-8c1a-4d5e-9f10-111111111111";

/// Replaces the root secret, and lets the new one come into use at this replica.
async fn rotate(world: &World) {
    world.replica().keys.rotate_root_secret().await.unwrap();
    use_it(world, world.replica(), LEAD).await;
}

async fn use_it(world: &World, replica: &Replica, after: Duration) {
    world.wait(after);
    replica.keys.reload().await.unwrap();
}

async fn create_role(device: &Device<'_>, name: &str) -> Result<Role, Status> {
    let role = Role { name: name.to_owned(), ..Role::default() };
    let request = CreateRoleRequest { role: Some(role), request_id: ID.to_owned() };
    let response = RoleServiceClient::new(device.channel()).create_role(device.request(request)).await?;
    Ok(response.into_inner().role.unwrap())
}

async fn secrets(world: &World) -> Vec<String> {
    let stored = world.store().read().await.unwrap().server_secrets().list_server_secrets().await.unwrap();
    stored.into_iter().map(|secret| secret.name).filter(|name| name.starts_with("root")).collect()
}

async fn what_was_made_before_stays_good(world: World) {
    let alice = world.person("alice").await;
    let [phone, tablet] = [alice.log_in().await.unwrap(), alice.log_in().await.unwrap()];
    let root = Operator::root(&world).await;
    let role = create_role(&root.0, "desk").await.unwrap();
    let (_, next_page) = root.roles(1, "").await.unwrap();
    let pages = root.roles(1, &next_page).await.unwrap();
    rotate(&world).await;

    assert_eq!(create_role(&root.0, "desk").await.unwrap(), role, "the request is the same");
    assert_eq!(reason(create_role(&root.0, "other").await), RequestIdReused);
    assert_eq!(root.roles(1, &next_page).await.unwrap().0, pages.0);
    assert_eq!(reason(root.roles(2, "AAAA").await), PageTokenInvalid);
    let phone = phone.refresh().await.unwrap();
    phone.refresh().await.unwrap().me().await.unwrap();
    alice.log_out(&tablet.tokens.refresh_token).await.unwrap();
    assert_eq!(reason(tablet.refresh().await), RefreshTokenInvalid);
    assert!(!Guard::new(&world).await.finds_good(&tablet.tokens.access_token).await);
}

/// The successor is the same before and after the change, and works.
async fn a_lost_answer_comes_again_across_the_change(world: World) {
    let first = world.person("alice").await.log_in().await.unwrap();
    world.replica().keys.rotate_root_secret().await.unwrap();
    world.wait(LEAD - Duration::seconds(5));
    world.replica().keys.reload().await.unwrap();
    let lost = first.refresh().await.unwrap();
    use_it(&world, world.replica(), Duration::seconds(5)).await;
    let again = first.refresh().await.unwrap();
    assert_eq!(again.tokens.session_id, lost.tokens.session_id);
    again.refresh().await.unwrap();
    lost.refresh().await.expect("it is the same token, within the grace");
    world.wait(Duration::seconds(11));
    assert_eq!(reason(first.refresh().await), RefreshTokenInvalid);
}

async fn waiting_times_stay(world: World) {
    let alice = world.person("alice").await;
    for _ in 0..5 {
        alice.guess().await.unwrap_err();
    }
    let before = world.count("throttles").await;
    world.replica().keys.rotate_root_secret().await.unwrap();
    let world = world.restart().await;
    rotate(&world).await;
    world.stranger("alice").guess().await.unwrap_err();
    assert_eq!(world.count("throttles").await, before, "the counters are the same ones");
}

async fn another_replica_accepts_what_it_does_not_make_yet(world: World) {
    let (other, alice) = (world.another_replica().await, world.person("alice").await);
    let before = alice.log_in().await.unwrap();
    world.replica().keys.rotate_root_secret().await.unwrap();
    other.keys.reload().await.unwrap();
    // Its clock is behind, or it has not looked since.
    use_it(&world, world.replica(), LEAD).await;
    let made_here = alice.log_in().await.unwrap();
    let made_there = made_here.through(&other.channel).refresh().await.unwrap();
    made_there.through(&world.replica().channel).refresh().await.unwrap().me().await.unwrap();
    before.through(&other.channel).refresh().await.unwrap();
    other.stop().await;
}

async fn an_old_secret_goes_when_nothing_needs_it(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    rotate(&world).await;
    world.wait(Duration::days(30) - Duration::seconds(1));
    world.replica().keys.drop_expired_root_secrets().await.unwrap();
    assert_eq!(secrets(&world).await.len(), 2);
    use_it(&world, world.replica(), Duration::seconds(1)).await;
    world.replica().keys.drop_expired_root_secrets().await.unwrap();
    let left = secrets(&world).await;
    assert!(left.len() == 1 && left[0].starts_with("root/"), "{left:?}");
    assert_eq!(reason(phone.refresh().await), RefreshTokenInvalid);
    let world = world.restart().await;
    let alice = world.stranger("alice");
    alice.log_in().await.unwrap().refresh().await.unwrap();
    assert_eq!(world.count("server_secrets").await, 2);
}

async fn a_rotation_is_repeated_without_effect_and_bounded(world: World) {
    let mut trail = Trail::from_now_on(&world).await;
    let keys = &world.replica().keys;
    let first = keys.rotate_root_secret().await.unwrap();
    world.wait(LEAD - Duration::seconds(1));
    assert_eq!(keys.rotate_root_secret().await.unwrap(), first);
    assert_eq!(secrets(&world).await.len(), 2);
    let told: Vec<_> = trail.events().await.into_iter().map(|event| event.event.kind.as_str().to_owned()).collect();
    assert_eq!(told, ["root_secret_rotated"]);
    for _ in 2..8 {
        world.wait(LEAD);
        keys.rotate_root_secret().await.unwrap();
    }
    world.wait(LEAD);
    let refused = keys.rotate_root_secret().await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::QuotaExceeded { limit: 8, .. }))), "{refused:?}");
}

async fn a_clock_that_was_ahead_bars_no_rotation(world: World) {
    let phone: Tokens = world.person("alice").await.log_in().await.unwrap().tokens;
    world.wait(Duration::days(400));
    world.replica().keys.rotate_root_secret().await.unwrap();
    world.wait(-Duration::days(400));
    world.replica().keys.reload().await.unwrap();
    let alice = world.stranger("alice");
    alice.with_tokens(phone).refresh().await.unwrap();
    let now = world.replica().keys.rotate_root_secret().await.unwrap();
    use_it(&world, world.replica(), LEAD).await;
    let phone = alice.log_in().await.unwrap();
    phone.refresh().await.unwrap();
    assert!(now <= world.replica().keys.rotate_root_secret().await.unwrap());
    assert_eq!(secrets(&world).await.len(), 4);
}
