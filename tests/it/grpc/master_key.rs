//! The change of the master key while the service runs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipse::application::keys::Rewrapped;
use ipse::composition::{App, Overrides};
use ipse::domain::secret::SecretKey;
use ipse::infrastructure::master_key::MasterKey;
use ipse::proto::ErrorReason::TokenInvalid;
use ipse::proto::{CreateRoleRequest, Role, role_service_client::RoleServiceClient};
use tonic::Status;

use crate::support::key_holder::{KeyHolder, keys, signer_of};
use crate::support::letterbox::Service;
use crate::support::on_both_backends;
use crate::support::person::Device;
use crate::support::refusal::reason;
use crate::support::world::{MASTER_KEY, Replica, World};

on_both_backends! {
    World::start =>
    the_master_key_is_changed_without_an_interruption
    a_replica_that_lacks_the_new_master_key_learns_of_a_revocation
    what_does_not_open_is_left_and_told_of
    damaged_secrets_stop_the_start
}

const NEW_KEY: [u8; 32] = *b"abcdefghijklmnopqrstuv0123456789";
const ID: &str = "0b0e7b4e-8c1a-4d5e-9f10-111111111111";

fn settings(current: [u8; 32], others: &[[u8; 32]]) -> [String; 2] {
    let others: Vec<_> = others.iter().map(|key| STANDARD.encode(key)).collect();
    [format!("MASTER_KEY={}", STANDARD.encode(current)), format!("OTHER_MASTER_KEYS={}", others.join(","))]
}

async fn restart(world: World, current: [u8; 32], others: &[[u8; 32]]) -> World {
    let settings = settings(current, others);
    world.restart_with(&settings.each_ref().map(String::as_str)).await
}

async fn rewrap(replica: &Replica) -> Vec<Rewrapped> {
    let mut seen = 0;
    let tables = replica.keys.rewrap(&mut |rows| seen += rows).await.unwrap();
    assert!(seen > 0);
    tables
}

/// How many values of each table were sealed anew, and how many are left.
fn counts(tables: &[Rewrapped]) -> Vec<(&'static str, u64, u64)> {
    tables.iter().map(|table| (table.table, table.resealed, table.left)).collect()
}

async fn create_role(device: &Device<'_>) -> Result<Role, Status> {
    let role = Role { name: "desk".to_owned(), ..Role::default() };
    let request = CreateRoleRequest { role: Some(role), request_id: ID.to_owned() };
    let response = RoleServiceClient::new(device.channel()).create_role(device.request(request)).await?;
    Ok(response.into_inner().role.unwrap())
}

/// Whether everything that was sealed before is of use: the tokens of a person, an answer, and a new sign-in.
async fn all_works(world: &World, token: &str, role: &Role) {
    let root = world.stranger("root").log_in().await.unwrap();
    root.bearing(token).me().await.unwrap();
    assert_eq!(create_role(&root).await.unwrap(), *role);
}

async fn the_master_key_is_changed_without_an_interruption(world: World) {
    let root = world.administrator().await;
    let role = create_role(&root).await.unwrap();
    let token = root.tokens.access_token;
    world.letterbox.set(Service::Closed);
    world.stranger("bob").register().await.unwrap();

    // Everybody learns to open what is sealed under the new key, then everybody seals under it.
    let world = restart(world, MASTER_KEY, &[NEW_KEY]).await;
    all_works(&world, &token, &role).await;
    let still_old = world.another_replica().await;
    let world = restart(world, NEW_KEY, &[MASTER_KEY]).await;
    all_works(&world, &token, &role).await;
    world.stranger("carol").register().await.unwrap();
    still_old.keys.rotate_by_system(None).await.unwrap();

    let expected = [
        ("server_secrets", 2, 0),
        ("signing_keys", 2, 0),
        ("jobs", 1, 0),
        ("answered_requests", 1, 0),
        ("factors", 0, 0),
        ("factor_enrolments", 0, 0),
    ];
    assert_eq!(counts(&rewrap(world.replica()).await), expected);
    assert!(counts(&rewrap(world.replica()).await).iter().all(|(_, resealed, left)| resealed + left == 0));
    // A server that seals under the old key is not done with it.
    still_old.keys.reload().await.unwrap();
    still_old.keys.rotate_by_system(None).await.unwrap();
    assert_eq!(counts(&rewrap(world.replica()).await)[1], ("signing_keys", 1, 0));
    still_old.stop().await;

    let world = restart(world, NEW_KEY, &[]).await;
    all_works(&world, &token, &role).await;
    world.letterbox.set(Service::Open);
    world.wait(time::Duration::minutes(5));
    let mails = world.mails().await;
    let recipients: Vec<_> = mails.iter().map(|mail| mail.recipient.written()).collect();
    assert!(recipients.contains(&"bob@example.com") && recipients.contains(&"carol@example.com"), "{recipients:?}");
}

/// Whoever left out the first step has a replica that cannot sign, but none that believes a stolen key.
async fn a_replica_that_lacks_the_new_master_key_learns_of_a_revocation(world: World) {
    let phone = world.person("alice").await.log_in().await.unwrap();
    let mut ahead = world.settings.clone();
    ahead.master_keys.others = vec![SecretKey::new(MASTER_KEY)];
    ahead.master_keys.current = MasterKey::Given(SecretKey::new(NEW_KEY));
    let ahead = world.another_replica_with(&ahead).await;
    KeyHolder::new(&world).await.through(&ahead.channel).revoke(&signer_of(&phone)).await.unwrap();
    assert_eq!(reason(phone.me().await), TokenInvalid, "the database tells of it");
    assert!(world.replica().keys.reload().await.is_err());
    assert_eq!(reason(phone.me().await), TokenInvalid);
    let old_and_new = [keys(&world.replica().channel).await, keys(&ahead.channel).await];
    assert_eq!(old_and_new[0], old_and_new[1], "verifiers are told of the new key by both");
    ahead.stop().await;
}

async fn what_does_not_open_is_left_and_told_of(world: World) {
    world.letterbox.set(Service::Closed);
    world.stranger("bob").register().await.unwrap();
    world.stranger("carol").register().await.unwrap();
    let world = restart(world, NEW_KEY, &[MASTER_KEY]).await;
    let one = "(SELECT id FROM jobs ORDER BY id LIMIT 1)";
    let damage = format!("UPDATE jobs SET payload = substr(payload, 1, 20) WHERE id = {one}");
    world.database.outsider().await.execute(&damage).await;
    let tables = counts(&rewrap(world.replica()).await);
    assert_eq!(tables[..3], [("server_secrets", 2, 0), ("signing_keys", 1, 0), ("jobs", 1, 1)]);
}

async fn damaged_secrets_stop_the_start(world: World) {
    world.database.outsider().await.execute("UPDATE server_secrets SET sealed = substr(sealed, 1, 20)").await;
    let refused = App::build(&world.settings, Overrides::default()).await;
    let why = refused.err().expect("the secrets cannot be opened").to_string();
    let told = "IPSE_DATABASE_URL: sealed values in the database are damaged: restore those that the log names from a \
                backup";
    assert_eq!(why, told);
}
