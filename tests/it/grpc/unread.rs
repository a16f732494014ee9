//! Clients that begin a stream and do not read it.

use std::time::Duration;

use ipse::proto::ErrorReason::{QuotaExceeded, RateLimited, TokenInvalid};
use ipse::proto::{ExportMyDataRequest, ExportMyDataResponse, ImportUsersRequest, User, WatchAuditEventsRequest};
use prost::Message;
use tokio::time::timeout;
use tonic::Status;

use crate::support::on_both_backends;
use crate::support::person::Device;
use crate::support::refusal::reason;
use crate::support::transfer::row;
use crate::support::wire::Unread;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    streams_that_nobody_reads_hold_no_connection
    an_import_whose_reports_nobody_reads_holds_no_transaction
    one_account_has_so_many_streams_and_no_more
    an_export_ends_with_the_session
    one_account_changes_and_exports_so_much_and_no_more
}

const EXPORT: &str = "/ipse.v1.AccountService/ExportMyData";
const WATCH: &str = "/ipse.v1.AuditService/WatchAuditEvents";
const IMPORT: &str = "/ipse.v1.UserService/ImportUsers";

/// How long others may wait meanwhile.
const PATIENCE: Duration = Duration::from_secs(5);

async fn begin(world: &World, device: &Device<'_>, (path, message): (&str, &impl Message), window: u32) -> Unread {
    Unread::begin(world.replica().address, path, &device.tokens.access_token, (message, window)).await
}

/// Asserts that the service has all its connections for others.
async fn assert_others_are_served(world: &World, device: &Device<'_>) {
    for _ in 0..20 {
        timeout(PATIENCE, device.me()).await.expect("an answer in time").unwrap();
    }
    timeout(PATIENCE, world.store().write()).await.expect("a transaction in time").unwrap();
    let busy = async {
        while world.store().pools().iter().any(|pool| pool.used > 0) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, busy).await.expect("nobody holds a connection");
}

async fn streams_that_nobody_reads_hold_no_connection(world: World) {
    let mut streams = Vec::new();
    let others = world.person("zoe").await.log_in().await.unwrap();
    // Twice as many as there are connections, with room for nothing, for one byte, and for a beginning.
    for number in 0..2 * world.database.settings.max_connections {
        let device = world.person(&format!("p{number}")).await.log_in().await.unwrap();
        let window = [0, 1, 600][number % 3];
        streams.push(begin(&world, &device, (EXPORT, &ExportMyDataRequest {}), window).await);
    }
    let root = world.administrator().await;
    for window in [0, 1, 600, 5000] {
        streams.push(begin(&world, &root, (WATCH, &WatchAuditEventsRequest { after_sequence: 0 }), window).await);
    }
    assert_others_are_served(&world, &others).await;
}

async fn an_import_whose_reports_nobody_reads_holds_no_transaction(world: World) {
    let others = world.person("zoe").await.log_in().await.unwrap();
    let root = world.administrator().await;
    let batch = |number: usize| ImportUsersRequest {
        rows: (0..50).map(|row_number| row(&format!("u{number}x{row_number}@example.com"))).collect(),
        dry_run: false,
        request_id: String::new(),
    };
    let token = &root.tokens.access_token;
    let mut import = Unread::begin_stream(world.replica().address, IMPORT, token, (&batch(0), 0)).await;
    for number in 1..8 {
        import.send(&batch(number)).await;
    }
    assert_others_are_served(&world, &others).await;
    timeout(PATIENCE, world.person("yves")).await.expect("somebody signs up meanwhile");
}

async fn one_account_has_so_many_streams_and_no_more(world: World) {
    let device = world.person("alice").await.log_in().await.unwrap();
    let mut first = begin(&world, &device, (EXPORT, &ExportMyDataRequest {}), 0).await;
    first.begun().await;
    let second = begin(&world, &device, (EXPORT, &ExportMyDataRequest {}), 65_535).await;
    assert_eq!(reason(second.status().await), QuotaExceeded);
    // Other accounts are not concerned, and the account is not once the stream is over.
    let bob = world.person("bob").await.log_in().await.unwrap();
    begin(&world, &bob, (EXPORT, &ExportMyDataRequest {}), 65_535).await.status().await.unwrap();
    drop(first);
    let again = async {
        while begin(&world, &device, (EXPORT, &ExportMyDataRequest {}), 65_535).await.status().await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, again).await.expect("the place is free again");
}

async fn an_export_ends_with_the_session(world: World) {
    let device = world.person("alice").await.log_in().await.unwrap();
    let id = device.me().await.unwrap().user.unwrap().id;
    let insert = format!(
        "INSERT INTO audit_events (id, time, type, actor, subject, outcome, reason, ip_address, user_agent, request_id, \
         trace_id, details) SELECT id, time, type, '', '{id}', outcome, reason, ip_address, user_agent, request_id, \
         trace_id, details FROM audit_events WHERE type = 'user_created' LIMIT 1"
    );
    let mut outsider = world.database.outsider().await;
    for _ in 0..1000 {
        outsider.execute(&insert).await;
    }
    let mut stream = begin(&world, &device, (EXPORT, &ExportMyDataRequest {}), 10).await;
    stream.first_bytes().await;
    device.log_out().await.unwrap();
    let (parts, outcome) = stream.read::<ExportMyDataResponse>().await;
    assert_eq!(reason(outcome), TokenInvalid);
    assert!(parts.len() <= 5, "{} parts of more than ten were read before the end", parts.len());
}

async fn one_account_changes_and_exports_so_much_and_no_more(world: World) {
    let device = world.person("alice").await.log_in().await.unwrap();
    let name = |number: usize| User { display_name: format!("Alice {number}"), ..User::default() };
    let mut outcomes = Vec::new();
    for number in 0..61 {
        outcomes.push(device.update(name(number), &["display_name"]).await);
    }
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 60);
    assert_eq!(reason(outcomes.pop().unwrap()), RateLimited);
    let addresses = |number: usize| format!("n{number}@example.com");
    for number in 0..10 {
        device.change_email(&addresses(number)).await.unwrap();
    }
    assert_eq!(reason(device.change_email(&addresses(10)).await), RateLimited);
    for _ in 0..10 {
        whole_export(&world, &device).await.unwrap();
    }
    assert_eq!(reason(whole_export(&world, &device).await), RateLimited);
    // Others are not concerned, and an hour later nobody is.
    let bob = world.person("bob").await.log_in().await.unwrap();
    bob.update(name(0), &["display_name"]).await.unwrap();
    world.wait(time::Duration::hours(1));
    let device = device.refresh().await.unwrap();
    device.update(name(61), &["display_name"]).await.unwrap();
}

async fn whole_export(world: &World, device: &Device<'_>) -> Result<(), Status> {
    begin(world, device, (EXPORT, &ExportMyDataRequest {}), 65_535).await.read::<ExportMyDataResponse>().await.1
}
