//! Calls whose commit the database did not answer. Only PostgreSQL is at the end of a wire.

use ipse::proto::ErrorReason::{NameTaken, OutcomeUnknown, StorageUnavailable};
use ipse::proto::ServiceAccount;

use crate::support::custodian::Custodian;
use crate::support::database::{Backend, Database};
use crate::support::refusal::reason;
use crate::support::relay::Relay;
use crate::support::world::World;

const FIRST: &str = "0b0e7b4e-8c1a-4d5e-9f10-000000000001";
const SECOND: &str = "0b0e7b4e-8c1a-4d5e-9f10-000000000002";

async fn world() -> (Relay, World) {
    let mut database = Database::migrated(Backend::Postgres).await;
    let relay = Relay::before(&mut database.settings).await;
    (relay, World::on(database, &[]).await)
}

fn named(name: &str) -> ServiceAccount {
    ServiceAccount { name: name.to_owned(), ..ServiceAccount::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_without_an_id_is_not_told_that_nothing_was_changed() {
    let (relay, world) = world().await;
    let root = Custodian::root(&world).await;
    relay.lose_the_next_answer();
    assert_eq!(reason(root.create("orders").await), OutcomeUnknown);
    assert_eq!(reason(root.create("orders").await), NameTaken);
    relay.lose_the_next_commit();
    assert_eq!(reason(root.create("bills").await), OutcomeUnknown);
    root.create("bills").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_with_an_id_finds_out_by_itself() {
    let (relay, world) = world().await;
    let root = Custodian::root(&world).await;
    relay.lose_the_next_answer();
    let made = root.create_as(FIRST, named("orders")).await.unwrap();
    assert_eq!(root.create_as(FIRST, named("orders")).await.unwrap(), made);
    assert_eq!(root.get(&made.id).await.unwrap(), made);
    relay.lose_the_next_commit();
    assert_eq!(reason(root.create_as(SECOND, named("bills")).await), StorageUnavailable);
    root.create_as(SECOND, named("bills")).await.unwrap();
}
