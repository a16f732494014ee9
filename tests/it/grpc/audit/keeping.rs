//! That the trail is complete, stays as it is, holds nothing that it should not, and ends at its time.

use ipse::domain::audit::filter::AuditFilter;
use ipse::proto::ErrorReason::InternalError;
use time::Duration;

use crate::support::auditor::Auditor;
use crate::support::database::Backend;
use crate::support::on_both_backends;
use crate::support::person::token_in;
use crate::support::refusal::reason;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    without_its_event_nothing_is_done
    the_trail_holds_neither_secrets_nor_personal_data
    what_is_older_than_the_retention_is_erased
}

on_both_backends! {
    thirty_days =>
    the_retention_is_a_setting
}

async fn thirty_days(backend: Backend) -> World {
    World::with(backend, &["AUDIT_RETENTION=30d"]).await
}

async fn without_its_event_nothing_is_done(world: World) {
    let alice = world.person("alice").await;
    let (device, other) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    let mut outsider = world.database.outsider().await;
    let state = async || {
        let mut rows = Vec::new();
        for table in ["users", "passwords", "sessions", "action_tokens", "jobs", "throttles"] {
            rows.push(world.count(table).await);
        }
        rows
    };
    world.deliver_mail().await;
    let before = state().await;
    outsider.execute("ALTER TABLE audit_events RENAME TO elsewhere").await;
    assert_eq!(reason(world.stranger("bob").register().await), InternalError);
    assert_eq!(reason(alice.log_in().await), InternalError);
    assert_eq!(reason(alice.guess().await), InternalError);
    assert_eq!(reason(alice.request_reset().await), InternalError);
    assert_eq!(reason(device.change_password(&alice.password, "another long way home").await), InternalError);
    assert_eq!(reason(device.revoke_others().await), InternalError);
    assert_eq!(reason(device.delete(&alice.password).await), InternalError);
    assert_eq!(reason(device.log_out().await), InternalError);
    assert_eq!(state().await, before);
    other.me().await.expect("no session was ended");
    outsider.execute("ALTER TABLE elsewhere RENAME TO audit_events").await;
    alice.log_in().await.expect("the password is the old one");
}

/// All that the trail holds, as text.
async fn dump(world: &World) -> String {
    let columns = ["type", "actor", "subject", "outcome", "reason", "user_agent", "request_id", "trace_id", "details"];
    let query = format!("SELECT {} AS value FROM audit_events", columns.join(" || ' ' || "));
    world.database.outsider().await.values(&query).await.join("\n")
}

async fn the_trail_holds_neither_secrets_nor_personal_data(world: World) {
    let auditor = Auditor::new(&world).await;
    let alice = world.person("canary").await.known_as("canary");
    let device = alice.log_in().await.unwrap();
    let user = ipse::proto::User {
        username: "canary".to_owned(),
        display_name: "The Canary".to_owned(),
        ..ipse::proto::User::default()
    };
    device.update(user, &["username", "display_name"]).await.unwrap();
    alice.with_password("canary in the password").log_in().await.unwrap_err();
    world.stranger("unknown.canary").log_in().await.unwrap_err();
    alice.request_reset().await.unwrap();
    let reset = alice.mailed_token().await;
    alice.reset(&reset, "the canary's new password").await.unwrap();
    let alice = alice.with_password("the canary's new password");
    let device = alice.log_in().await.unwrap();
    device.change_email("new.canary@example.com").await.unwrap();
    let change: Vec<String> = world.stranger("new.canary").mails().await.iter().map(token_in).collect();
    alice.confirm_email_change(&change[0]).await.unwrap();
    let refreshed = device.refresh().await.unwrap();
    world.wait(Duration::minutes(1));
    device.refresh().await.unwrap_err();
    let id = {
        let tx = world.store().read().await.unwrap();
        let events = tx.audit_events().list_audit_events(&AuditFilter::default(), (None, 1)).await.unwrap();
        events[0].event.subject.clone()
    };
    assert!(auditor.list(&format!("subject = {id}")).await.unwrap().len() >= 8);
    let dump = dump(&world).await;
    assert!(dump.contains(&id) && dump.contains("PASSWORD_WRONG"), "{dump}");
    let tokens = [&device, &refreshed].map(|device| [&device.tokens.access_token, &device.tokens.refresh_token]);
    let secrets = tokens.as_flattened().iter().copied().chain([&reset, &change[0]]);
    for secret in secrets.map(String::as_str).chain(["canary", "Canary", "@", "$argon2", "way home"]) {
        assert!(!dump.contains(secret), "{secret} in {dump}");
    }
}

/// How many events there are after erasing what is over.
async fn kept(world: &World) -> usize {
    world.purge().await;
    world.count("audit_events").await
}

async fn what_is_older_than_the_retention_is_erased(world: World) {
    world.person("alice").await;
    assert_eq!(world.count("audit_events").await, 3);
    world.wait(Duration::days(400));
    assert_eq!(kept(&world).await, 3);
    world.wait(Duration::MICROSECOND);
    assert_eq!(kept(&world).await, 0);
}

async fn the_retention_is_a_setting(world: World) {
    world.person("alice").await;
    world.wait(Duration::days(30));
    assert_eq!(kept(&world).await, 3);
    world.wait(Duration::MICROSECOND);
    assert_eq!(kept(&world).await, 0);
}
