//! The PostgreSQL role that the service runs as: what it can do, and what it cannot.

use ipse::composition;
use ipse::domain::secret::Secret;
use ipse::infrastructure::store::migrations::{self, MigrationError};
use ipse::infrastructure::store::{AuditGuard, DatabaseSettings, DatabaseUrl};
use time::Duration;

use crate::support::auditor::Auditor;
use crate::support::database::{Backend, Database, Outsider};
use crate::support::world::World;

/// A database whose schema belongs to another role than the one that its settings name. The name of that one.
async fn with_runtime_role() -> (Database, String) {
    let mut database = Database::migrated(Backend::Postgres).await;
    let role = database.new_role().await;
    let grant = DatabaseSettings { runtime_role: Some(role.clone()), ..database.settings.clone() };
    migrations::run(&grant).await.unwrap();
    // Once more, as each later migration does.
    migrations::run(&grant).await.unwrap();
    let DatabaseUrl::Postgres(url) = &database.settings.url else { panic!("it is PostgreSQL") };
    let (_, place) = url.expose().split_once('@').unwrap();
    database.settings.url = DatabaseUrl::Postgres(Secret::new(format!("postgres://{role}:{role}@{place}")));
    (database, role)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_works_with_it() {
    let (database, role) = with_runtime_role().await;
    let world = World::on(database, &[]).await;
    let user = "SELECT current_user AS value";
    assert_eq!(world.database.outsider().await.values(user).await, [role]);
    let auditor = Auditor::new(&world).await;
    let alice = world.person("alice").await;
    let device = alice.log_in().await.unwrap();
    alice.guess().await.unwrap_err();
    device.refresh().await.unwrap().change_password(&alice.password, "another long way home").await.unwrap();
    device.delete("another long way home").await.unwrap();
    assert!(auditor.list("").await.unwrap().len() > 8);
    let mut watch = auditor.watch(0).await.unwrap();
    watch.next().await.unwrap();
    world.wait(Duration::days(400) + Duration::MICROSECOND);
    world.purge().await;
    let left = world.database.outsider().await.values("SELECT type AS value FROM audit_events").await;
    assert_eq!(left, ["user_purged"], "what is left is of today, in the clock of this test");
}

async fn refused(outsider: &mut Outsider, statement: &str) {
    let answer = outsider.try_execute(statement).await;
    let why = answer.expect_err(statement);
    assert!(why.starts_with("42501 "), "{statement}: {why}");
}

#[tokio::test]
async fn it_can_neither_change_the_schema_nor_rewrite_the_trail() {
    let (database, role) = with_runtime_role().await;
    let mut outsider = database.outsider().await;
    for statement in [
        "UPDATE audit_events SET reason = ''",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "ALTER TABLE audit_events DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_events_stay ON audit_events",
        "DROP TABLE audit_events",
        "CREATE TABLE mine (id integer)",
        "CREATE SCHEMA mine",
        "ALTER TABLE users ADD COLUMN mine integer",
        "DROP TABLE users",
        "TRUNCATE users",
        "CREATE OR REPLACE FUNCTION purge_audit_events(before timestamptz, most bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 1'",
        "INSERT INTO schema_migrations (name, checksum) VALUES ('x', '')",
        "UPDATE audit_rules SET retention = interval '30 days'",
        "DELETE FROM audit_rules",
        "ALTER TABLE audit_rules ALTER COLUMN retention DROP NOT NULL",
        "DROP FUNCTION time_audit_event CASCADE",
        "DELETE FROM schema_migrations",
        "CREATE ROLE mine",
    ] {
        refused(&mut outsider, statement).await;
    }
    let rights = format!(
        "SELECT rolsuper::text || ' ' || (SELECT count(*) FROM pg_class WHERE relowner = pg_roles.oid) AS value
         FROM pg_roles WHERE rolname = '{role}'"
    );
    assert_eq!(outsider.values(&rights).await, ["false 0"], "it is no superuser and owns nothing");
}

/// What is inserted with another time than the database's gets the database's, and neither the function nor a statement of
/// the owner erases what the operator wanted kept.
#[tokio::test]
async fn the_database_holds_time_and_retention() {
    let mut owned = Database::migrated(Backend::Postgres).await;
    owned.settings.audit_retention = Duration::days(400);
    migrations::run(&owned.settings).await.unwrap();
    let mut owner = owned.outsider().await;
    owner.execute("UPDATE audit_rules SET clock_tolerance = interval '5 minutes'").await;
    let insert = |time: &str| {
        format!(
            "INSERT INTO audit_events (id, time, type, actor, subject, outcome, reason, user_agent, request_id, trace_id, \
             details) VALUES (gen_random_uuid(), {time}, 'user_purged', '', '', 'success', '', '', '', '', '{{}}')"
        )
    };
    for time in ["now() - interval '500 days'", "'infinity'", "'-infinity'", "now() + interval '1 year'", "now()"] {
        owner.execute(&insert(time)).await;
    }
    let count = "SELECT count(*)::text AS value FROM audit_events WHERE abs(extract(epoch FROM now() - time)) < 60";
    assert_eq!(owner.values(count).await, ["5"]);
    // What is a year old is to be kept for 400 days.
    owner.execute("UPDATE audit_rules SET clock_tolerance = interval '1000 years'").await;
    owner.execute(&insert("now() - interval '399 days'")).await;
    owner.execute(&insert("now() - interval '401 days'")).await;
    owner.execute("SELECT purge_audit_events('infinity', 1000)").await;
    assert_eq!(owner.values("SELECT count(*)::text AS value FROM audit_events").await, ["6"]);
    assert!(owner.try_execute("DELETE FROM audit_events").await.is_err());
}

/// A service that runs as the owner says what that means; one with a role of its own has nothing to say.
#[tokio::test]
async fn a_start_knows_what_protects_the_trail() {
    let owned = Database::migrated(Backend::Postgres).await;
    let guard = AuditGuard::read(&owned.settings).await.unwrap().unwrap();
    assert_eq!(guard, AuditGuard { is_owned: true, retention: Duration::days(30) });
    let (database, _) = with_runtime_role().await;
    let guard = AuditGuard::read(&database.settings).await.unwrap().unwrap();
    assert_eq!(guard, AuditGuard { is_owned: false, retention: Duration::days(30) });
    let file = Database::migrated(Backend::Sqlite).await;
    assert_eq!(AuditGuard::read(&file.settings).await.unwrap(), None);
}

/// A table of the same name in front of the real one, and dates from the far future: neither makes the function erase
/// what is young.
#[tokio::test]
async fn the_purge_cannot_be_talked_into_more() {
    let (database, _) = with_runtime_role().await;
    let mut outsider = database.outsider().await;
    let insert = "INSERT INTO audit_events (id, time, type, actor, subject, outcome, reason, user_agent, request_id, \
         trace_id, details) VALUES (gen_random_uuid(), now() - interval '29 days', 'user_purged', '', '', 'success', \
         '', '', '', '', '{}')";
    outsider.execute(insert).await;
    outsider.execute("CREATE TEMPORARY TABLE audit_events (sequence bigint, time timestamptz)").await;
    outsider.execute("SET search_path = pg_temp, public").await;
    outsider.execute("SELECT purge_audit_events('infinity', 1000)").await;
    let count = "SELECT count(*)::text AS value FROM public.audit_events";
    assert_eq!(outsider.values(count).await, ["1"]);
}

#[tokio::test]
async fn a_role_that_nothing_can_be_kept_from_is_refused() {
    let database = Database::migrated(Backend::Postgres).await;
    let mut outsider = database.outsider().await;
    let owner = outsider.values("SELECT current_user AS value").await.remove(0);
    let member = database.new_role().await;
    outsider.execute(&format!("GRANT {owner} TO {member}")).await;
    for role in ["nobody at all\"; DROP TABLE users; --".to_owned(), owner, member] {
        let settings = DatabaseSettings { runtime_role: Some(role.clone()), ..database.settings.clone() };
        let run = migrations::run(&settings).await;
        assert!(matches!(run, Err(MigrationError::UnfitRole)), "{role}: {run:?}");
    }
    let settings = DatabaseSettings {
        max_connections: 1,
        runtime_role: Some("nobody".to_owned()),
        ..DatabaseSettings::new(database.settings.url.clone())
    };
    let why = composition::migrate(&settings, None).await.unwrap_err().to_string();
    assert!(why.starts_with("IPSE_DATABASE_RUNTIME_ROLE: cannot be granted its rights: it must be a role"), "{why}");
}
