//! The newest version on a database of the version before: people stay signed in, programs keep their keys, and nothing is
//! asked of anybody that was not asked before.
//!
//! The fixtures are what that version wrote itself. They stay as they are: whoever changes a migration that was released, or
//! how something stored is read, finds out here.

use std::fs;
use std::path::Path;

use ipse::infrastructure::store::migrations;
use ipse::proto::ErrorReason::MfaRequired;
use ipse::proto::{ExchangeApiKeyRequest, Tokens};
use time::Duration;

use crate::migrations::migrate_up_to;
use crate::support::custodian::exchange;
use crate::support::database::{Backend, Database};
use crate::support::guard::Guard;
use crate::support::on_both_backends;
use crate::support::person::Device;
use crate::support::refusal::reason;
use crate::support::world::World;

on_both_backends! {
    Released::new =>
    the_schema_is_brought_up_to_date_once
}

on_both_backends! {
    upgraded =>
    sessions_go_on
    an_api_key_opens_what_it_opened
    people_sign_in_as_before_and_can_enrol
    mail_that_waited_is_sent
    who_fails_now_has_failed_before
}

on_both_backends! {
    upgraded_for_production =>
    administrators_have_to_enrol_from_the_next_refresh_on
}

/// The last migration of the version before.
const LAST: &str = "0013_audit_rules";

/// A database as the version before left it.
struct Released {
    database: Database,
    /// The fixture, whose head names what people held.
    text: String,
}

impl Released {
    async fn new(backend: Backend) -> Self {
        let database = Database::empty(backend).await;
        migrate_up_to(&database, LAST).await;
        let name = match backend {
            Backend::Sqlite => "sqlite.sql",
            Backend::Postgres => "postgres.sql",
        };
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/upgrade").join(name);
        let text = fs::read_to_string(file).unwrap();
        database.outsider().await.execute(&text).await;
        Self { database, text }
    }
}

/// The newest version on such a database, a minute later.
struct Upgraded {
    world: World,
    text: String,
}

async fn upgraded(backend: Backend) -> Upgraded {
    upgraded_with(backend, &[]).await
}

async fn upgraded_for_production(backend: Backend) -> Upgraded {
    upgraded_with(backend, &["MFA=administrators"]).await
}

async fn upgraded_with(backend: Backend, settings: &[&str]) -> Upgraded {
    let Released { database, text } = Released::new(backend).await;
    migrations::run(&database.settings).await.unwrap();
    let world = World::on(database, settings).await;
    world.wait(Duration::minutes(6));
    Upgraded { world, text }
}

impl Upgraded {
    /// What somebody held.
    fn held(&self, name: &str) -> String {
        let start = format!("-- {name}: ");
        self.text.lines().find_map(|line| line.strip_prefix(&start)).expect("the fixture names it").to_owned()
    }

    /// The device of somebody who was signed in.
    fn device(&self, name: &str, access_token: &str, refresh_token: &str) -> Device<'_> {
        let tokens = Tokens {
            access_token: access_token.to_owned(),
            refresh_token: refresh_token.to_owned(),
            ..Tokens::default()
        };
        self.world.stranger(name).with_tokens(tokens)
    }
}

async fn the_schema_is_brought_up_to_date_once(released: Released) {
    let settings = &released.database.settings;
    let status = migrations::status(settings).await.unwrap();
    assert_eq!(status.applied.last().unwrap(), LAST);
    let pending = status.pending;
    assert_eq!(pending, ["0014_second_factors", "0015_barred_steps"]);
    migrations::run(settings).await.unwrap();
    let recorded = "SELECT name || ' ' || CAST(apply_time AS text) AS value FROM schema_migrations ORDER BY name";
    let mut outsider = released.database.outsider().await;
    let rows = outsider.values(recorded).await;
    migrations::run(settings).await.unwrap();
    assert_eq!(outsider.values(recorded).await, rows);
    let status = migrations::status(settings).await.unwrap();
    assert_eq!((status.applied.len(), status.pending.len()), (rows.len(), 0));
}

async fn sessions_go_on(upgraded: Upgraded) {
    let phone = upgraded.device("alice", &upgraded.held("phone_access"), &upgraded.held("phone_refresh"));
    let me = phone.me().await.unwrap();
    let session = me.session.unwrap();
    assert_eq!((session.id, session.client_label.as_str()), (upgraded.held("phone_session"), "phone"));
    assert_eq!((session.acr.as_str(), session.amr.join(" ").as_str()), ("urn:ipse:aal:1", "pwd"));
    assert_eq!(me.roles, ["clerk"]);
    let user = me.user.unwrap();
    assert!(!user.mfa_enabled && user.email == "alice@example.com");

    let phone = phone.refresh().await.unwrap();
    assert_eq!(phone.tokens.session_id, upgraded.held("phone_session"));
    assert_eq!(phone.level(), ("urn:ipse:aal:1".to_owned(), vec!["pwd".to_owned()]));
    assert!(phone.factors().await.unwrap().is_empty());
    let sessions = phone.sessions().await.unwrap();
    assert_eq!(sessions.len(), 2, "those that were there before: {sessions:?}");
    phone.refresh().await.unwrap();
}

async fn an_api_key_opens_what_it_opened(upgraded: Upgraded) {
    let request = ExchangeApiKeyRequest { api_key: upgraded.held("key"), ..ExchangeApiKeyRequest::default() };
    let token = exchange(&upgraded.world, request).await.unwrap().access_token;
    let program = Guard(upgraded.device("program", &token, ""));
    let seen = program.introspect(&upgraded.held("phone_access")).await.unwrap();
    assert!(seen.active);
    assert_eq!((seen.acr.as_str(), seen.roles.join(" ").as_str()), ("urn:ipse:aal:1", "clerk"));
    let own = program.introspect(&token).await.unwrap();
    assert_eq!((own.acr.as_str(), own.active), ("", true));
}

async fn people_sign_in_as_before_and_can_enrol(upgraded: Upgraded) {
    let world = &upgraded.world;
    let bob = world.stranger("bob");
    let phone = bob.log_in().await.unwrap();
    assert_eq!(phone.level().0, "urn:ipse:aal:1");
    let enrolled = phone.enrol_app().await.unwrap();
    assert_eq!(enrolled.recovery_codes.len(), 10);
    assert_eq!(bob.log_in_with_app(&enrolled.app).await.unwrap().level().0, "urn:ipse:aal:2");
    world.person("dave").await.log_in().await.unwrap();
}

async fn mail_that_waited_is_sent(upgraded: Upgraded) {
    let carol = upgraded.world.stranger("carol");
    carol.verify(&carol.mailed_token().await).await.unwrap();
    carol.log_in().await.unwrap();
}

/// What slows guesses down is not forgotten.
async fn who_fails_now_has_failed_before(upgraded: Upgraded) {
    assert!(upgraded.world.count("throttles").await >= 10);
    let events = upgraded.world.count("audit_events").await;
    upgraded.world.stranger("bob").guess().await.unwrap_err();
    assert_eq!(upgraded.world.count("audit_events").await, events + 1);
}

async fn administrators_have_to_enrol_from_the_next_refresh_on(upgraded: Upgraded) {
    let root = upgraded.device("root", "", &upgraded.held("root_refresh")).refresh().await.unwrap();
    assert_eq!(root.level().0, "urn:ipse:aal:0");
    assert_eq!(reason(root.me().await), MfaRequired);
    let root = upgraded.world.stranger("root").log_in().await.unwrap();
    let enrolled = root.enrol_app().await.unwrap();
    let root = root.refresh().await.unwrap();
    assert_eq!(root.level().0, "urn:ipse:aal:1");
    assert_eq!(root.me().await.unwrap().roles, ["administrator"]);
    let root = upgraded.world.stranger("root").log_in_with_app(&enrolled.app).await.unwrap();
    assert_eq!(root.level().0, "urn:ipse:aal:2");
    // Nothing has changed for others.
    let phone = upgraded.device("alice", "", &upgraded.held("phone_refresh")).refresh().await.unwrap();
    assert_eq!(phone.level().0, "urn:ipse:aal:1");
}
