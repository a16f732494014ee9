//! Whole sets of settings, as an operator gives them.

mod second_factors;
mod sources;
mod templates;
mod transport;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
use rcgen::{CertificateParams, KeyPair, date_time_ymd, generate_simple_self_signed};
use tempfile::TempDir;
use time::macros::datetime;

use super::*;
use crate::config;
use crate::domain::account::user::UnverifiedSignIn;
use crate::domain::session::authentication::{Aal2Lifetimes, MfaPolicy};
use crate::infrastructure::mail::link_base::LinkBase;
use crate::infrastructure::mail::settings::MailRoute;
use crate::infrastructure::master_key::MasterKey;
use crate::infrastructure::smtp::SmtpSettings;
use crate::infrastructure::store::DatabaseUrl;
use crate::presentation::net::TrustedProxies;
use crate::telemetry::log::LogFormat;

/// Some time after the simplest certificates begin to be valid, and before they cease to be.
pub(super) fn now() -> Timestamp {
    datetime!(2026-03-01 12:00 UTC)
}

fn key() -> String {
    STANDARD.encode((100..132).collect::<Vec<u8>>())
}

pub(super) fn accepted<T, E>(parse: impl Fn(&str) -> Result<T, E>, texts: &[&str]) {
    for text in texts {
        assert!(parse(text).is_ok(), "{text:?}");
    }
}

pub(super) fn refused<T, E>(parse: impl Fn(&str) -> Result<T, E>, texts: &[&str]) {
    for text in texts {
        assert!(parse(text).is_err(), "{text:?}");
    }
}

/// A test's settings: a complete environment for production, or `--dev`, and what the test adds to it.
struct Case {
    folder: TempDir,
    options: LoadOptions,
}

impl Case {
    fn production() -> Self {
        let mut case = Self::dev();
        case.options.dev = false;
        case.set("IPSE_DATABASE_URL", "postgres://ipse:hunter2@db.example/ipse")
            .set("IPSE_MASTER_KEY", &key())
            .set("IPSE_ISSUER", "https://id.example")
            .set("IPSE_PLAINTEXT", "true")
            .set("IPSE_SMTP_URL", "smtps://ipse:hunter2@mail.example")
            .set("IPSE_MAIL_FROM", "ipse@id.example")
            .set("IPSE_LINK_BASE", "https://app.example")
    }

    fn dev() -> Self {
        let options = LoadOptions { dev: true, ..LoadOptions::default() };
        Self { folder: TempDir::new().unwrap(), options }
    }

    fn set(mut self, name: &str, text: &str) -> Self {
        self = self.unset(name);
        self.options.environment.push((name.into(), text.into()));
        self
    }

    fn unset(mut self, name: &str) -> Self {
        self.options.environment.retain(|(variable, _)| variable != name);
        self
    }

    fn toml(mut self, content: &str) -> Self {
        self.options.config_file = Some(self.file("ipse.toml", content));
        self
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn set_file(self, name: &str, content: &str) -> Self {
        let path = self.file(name, content);
        self.set(name, path.to_str().unwrap())
    }

    fn load(self) -> Settings {
        Settings::load(self.options).unwrap()
    }

    fn error(self) -> String {
        Settings::load(self.options).unwrap_err().to_string()
    }
}

#[test]
fn production_has_safe_defaults() {
    let settings = Case::production().load();
    assert!(settings.dev.is_none());
    assert_eq!(settings.database.max_connections, 16);
    assert_eq!(settings.listener.endpoint.address.to_string(), "127.0.0.1:50051");
    assert_eq!(settings.listener.http_address.unwrap().to_string(), "127.0.0.1:8080");
    assert!(!settings.listener.limits.reflection);
    assert_eq!(settings.listener.limits.proxies, TrustedProxies::default());
    assert_eq!(settings.listener.limits.time_limit, Duration::from_secs(10));
    assert_eq!(settings.listener.limits.grace, Duration::from_secs(30));
    assert_eq!(settings.listener.limits.in_flight, 1024);
    assert_eq!(settings.issuer(), "https://id.example");
    assert_eq!(settings.signing_keys.algorithm.name(), "ES256");
    assert_eq!(settings.signing_keys.lifetime, time::Duration::days(90));
    assert_eq!(settings.master_keys.others.len(), 0);
    assert_eq!(settings.policy.access_token_lifetime, time::Duration::minutes(15));
    assert_eq!(settings.policy.action_tokens.verification, time::Duration::hours(8));
    assert_eq!(settings.policy.action_tokens.reset, time::Duration::hours(1));
    assert_eq!(settings.policy.action_tokens.invitation, time::Duration::hours(24));
    assert!(!settings.policy.sign_in_notice);
    assert_eq!(settings.policy.sessions.absolute, time::Duration::days(30));
    assert_eq!(settings.policy.sessions.idle, time::Duration::days(14));
    assert_eq!(settings.policy.sessions.refresh_grace, time::Duration::seconds(10));
    assert_eq!(settings.policy.passwords.minimum(), 15);
    assert_eq!(settings.policy.unverified_sign_in, UnverifiedSignIn::Refused);
    assert_eq!(settings.policy.mfa, MfaPolicy::Administrators);
    assert_eq!(
        settings.policy.sessions.aal2,
        Aal2Lifetimes { lifetime: time::Duration::DAY, idle: time::Duration::HOUR }
    );
    assert_eq!(settings.policy.factor_reset_delay, time::Duration::hours(24));
    let hashing = settings.hashing;
    assert_eq!((hashing.memory_kib, hashing.iterations, hashing.queue), (19456, 2, 512));
    assert!(hashing.threads >= 1);
    assert_eq!(settings.log.format, LogFormat::Json);
    assert_eq!(settings.mail.message.link_base.as_ref().map(LinkBase::as_str), Some("https://app.example"));
    assert!(matches!(settings.mail.route, MailRoute::Smtp(SmtpSettings { ca_file: None, .. })));
}

#[test]
fn production_guesses_nothing() {
    let required = config::settings().filter(|setting| setting.required).map(Setting::variable);
    assert_eq!(required.clone().count(), 5);
    for name in required {
        assert_eq!(Case::production().unset(&name).error(), format!("{name}: is required"));
    }
    let without_tls = Case::production().unset("IPSE_PLAINTEXT").error();
    assert_eq!(without_tls, "IPSE_TLS_CERT_FILE: is required, unless IPSE_PLAINTEXT permits to do without TLS");
    assert_eq!(Case::production().set("IPSE_PLAINTEXT", "false").error(), without_tls);
}

#[test]
fn dev_needs_nothing() {
    let settings = Case::dev().load();
    let folder = settings.dev.clone().unwrap();
    assert_eq!(folder.path(), Path::new("./ipse-dev"));
    assert_eq!(settings.database.url, DatabaseUrl::Sqlite("./ipse-dev/ipse.db".into()));
    assert!(matches!(&settings.master_keys.current, MasterKey::Kept(kept) if *kept == folder));
    assert!(matches!(&settings.mail.route, MailRoute::Folder(path) if *path == folder.mail()));
    assert_eq!(settings.issuer(), "https://ipse.localhost");
    assert!(settings.listener.limits.reflection);
    assert_eq!(settings.policy.unverified_sign_in, UnverifiedSignIn::Allowed);
    assert_eq!(settings.policy.factor_reset_delay, time::Duration::ZERO);
    assert_eq!(settings.policy.mfa, MfaPolicy::Optional);
    assert_eq!(settings.relying_party.origins, ["https://ipse.localhost"]);
    assert!(settings.listener.endpoint.tls.is_none());
    assert_eq!(settings.log.format, LogFormat::Pretty);
}

#[test]
fn reading_settings_makes_no_folder() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("dev");
    let settings = Case::dev().set("IPSE_DATA_DIR", folder.to_str().unwrap()).load();
    assert_eq!(settings.dev.unwrap().path(), folder);
    assert!(!folder.exists());
}

#[test]
fn what_is_given_wins_over_dev() {
    let settings = Case::dev()
        .set("IPSE_DATA_DIR", "/srv/try")
        .set("IPSE_MASTER_KEY", &key())
        .set("IPSE_REFLECTION", "false")
        .set("IPSE_SMTP_URL", "smtp://localhost:1025")
        .load();
    assert_eq!(settings.database.url, DatabaseUrl::Sqlite("/srv/try/ipse.db".into()));
    assert!(matches!(settings.master_keys.current, MasterKey::Given(_)));
    assert!(matches!(settings.mail.route, MailRoute::Smtp(_)));
    assert!(!settings.listener.limits.reflection);
}

#[test]
fn every_limit_holds_at_its_boundary() {
    let table = [
        ("database_max_connections", ["1", "1000"], ["0", "1001"]),
        ("request_timeout", ["1s", "60s"], ["0s", "61s"]),
        ("request_body_timeout", ["1s", "60s"], ["0s", "61s"]),
        ("max_in_flight", ["1", "100000"], ["0", "100001"]),
        ("max_connections", ["1", "100000"], ["0", "100001"]),
        ("shutdown_grace", ["0s", "10m"], ["-1s", "601s"]),
        ("signing_key_lifetime", ["1h", "365d"], ["59m", "366d"]),
        ("access_token_lifetime", ["1m", "60m"], ["59s", "61m"]),
        ("session_lifetime", ["5m", "365d"], ["299s", "366d"]),
        ("session_idle_lifetime", ["5m", "365d"], ["299s", "366d"]),
        ("refresh_grace", ["0s", "60s"], ["-1s", "61s"]),
        ("verification_lifetime", ["1m", "24h"], ["59s", "25h"]),
        ("reset_lifetime", ["1m", "24h"], ["59s", "25h"]),
        ("invitation_lifetime", ["1h", "7d"], ["59m", "169h"]),
        ("password_min_length", ["8", "64"], ["7", "65"]),
        ("deleted_retention", ["0s", "365d"], ["-1s", "366d"]),
        ("aal2_lifetime", ["5m", "24h"], ["299s", "25h"]),
        ("aal2_idle", ["5m", "1h"], ["299s", "61m"]),
        ("factor_reset_delay", ["0s", "72h"], ["-1s", "73h"]),
        ("audit_retention", ["30d", "3650d"], ["29d", "3651d"]),
        ("hashing_memory_kib", ["19456", "262144"], ["19455", "262145"]),
        ("hashing_iterations", ["2", "16"], ["1", "17"]),
        ("hashing_threads", ["0", "256"], ["-1", "257"]),
        ("hashing_queue", ["1", "65536"], ["0", "65537"]),
        ("otlp_trace_one_in", ["1", "1000000"], ["0", "1000001"]),
    ];
    let limited: Vec<&str> = config::settings().filter(|setting| setting.limits.is_some()).map(|s| s.key).collect();
    assert_eq!(table.map(|(key, ..)| key).as_slice(), limited);
    for (key, accepted, refused) in table {
        let name = format!("IPSE_{}", key.to_uppercase());
        let case = || Case::production().set("IPSE_SESSION_LIFETIME", "365d");
        for text in accepted {
            case().set(&name, text).load();
        }
        for text in refused {
            assert!(case().set(&name, text).error().starts_with(&format!("{name}: must be ")), "{key} {text}");
        }
    }
}

#[test]
fn an_idle_time_fits_into_its_session() {
    let short = Case::production().set("IPSE_SESSION_LIFETIME", "1d");
    assert_eq!(short.load().policy.sessions.idle, time::Duration::days(1));
    let longer = Case::production().set("IPSE_SESSION_LIFETIME", "1d").set("IPSE_SESSION_IDLE_LIFETIME", "2d");
    assert_eq!(longer.error(), "IPSE_SESSION_IDLE_LIFETIME: must be at most IPSE_SESSION_LIFETIME");
}

#[test]
fn parts_are_read_without_the_rest() {
    let source = |case: Case| Source::gather(case.options).unwrap();
    let mut bare = Case::dev().set("IPSE_DATABASE_URL", "sqlite:x");
    bare.options.dev = false;
    let source = source(bare);
    assert_eq!(database::read(&source).unwrap().url, DatabaseUrl::Sqlite("x".into()));
    assert_eq!(listener::read_endpoint(&source).unwrap().address.port(), 50051);
    assert_eq!(log::read(&source).unwrap().format, LogFormat::Json);
    assert!(Settings::read(&source).is_err());
}

#[test]
fn risky_settings_are_warned_of() {
    let tls = generate_simple_self_signed(["id.example".to_owned()]).unwrap();
    let safe = || {
        Case::production()
            .unset("IPSE_PLAINTEXT")
            .set_file("IPSE_TLS_CERT_FILE", &tls.cert.pem())
            .set_file("IPSE_TLS_KEY_FILE", &tls.signing_key.serialize_pem())
    };
    assert_eq!(safe().load().warnings(now()), Vec::<String>::new());
    let short = safe().set("IPSE_PASSWORD_MIN_LENGTH", "14").load().warnings(now());
    assert_eq!(short, ["passwords of 14 code points are accepted; NIST SP 800-63B-4 asks for 15"]);
    assert_eq!(safe().set("IPSE_UNVERIFIED_SIGN_IN", "true").load().warnings(now()).len(), 1);
    let open = safe().set("IPSE_HTTP_LISTEN", "192.0.2.1:8080").load().warnings(now());
    assert!(open.len() == 1 && open[0].contains("192.0.2.1:8080"), "{open:?}");
    assert_eq!(safe().set("IPSE_HTTP_LISTEN", "[::1]:8080").load().warnings(now()), Vec::<String>::new());
    assert_eq!(Case::production().load().warnings(now()).len(), 1);
    assert_eq!(Case::dev().load().warnings(now()).len(), 4);
}

#[test]
fn a_certificate_that_no_client_takes_is_warned_of() {
    let served = |change: &dyn Fn(&mut CertificateParams)| {
        let mut params = CertificateParams::new(["id.example".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2026, 12, 31));
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let case = Case::production().unset("IPSE_PLAINTEXT");
        // The certificate is read again when it is asked about.
        let kept = TempDir::new().unwrap();
        let chain = kept.path().join("chain.pem");
        fs::write(&chain, params.self_signed(&key).unwrap().pem()).unwrap();
        let case = case.set("IPSE_TLS_CERT_FILE", chain.to_str().unwrap());
        let case = case.set_file("IPSE_TLS_KEY_FILE", &key.serialize_pem());
        case.load().warnings(now()).join("\n")
    };
    assert_eq!(served(&|_| {}), "");
    assert_eq!(served(&|params| params.extended_key_usages = vec![ServerAuth]), "");
    for (change, fault) in [
        (
            (&|params: &mut CertificateParams| params.not_after = date_time_ymd(2026, 2, 1)) as &dyn Fn(&mut _),
            "has expired on 2026-02-01",
        ),
        (
            &|params: &mut CertificateParams| params.not_before = date_time_ymd(2026, 4, 1),
            "is not valid before 2026-04-01",
        ),
        (
            &|params: &mut CertificateParams| params.extended_key_usages = vec![ClientAuth],
            "is not made for servers (extended key usage serverAuth)",
        ),
    ] {
        assert_eq!(served(change), format!("the certificate in IPSE_TLS_CERT_FILE {fault}: no client will take it"));
    }
}

#[test]
fn settings_are_printed_without_secrets() {
    let other = STANDARD.encode((200..232).collect::<Vec<u8>>());
    let case = Case::production().set("IPSE_OTHER_MASTER_KEYS", &other);
    let settings = case.load();
    assert_eq!(settings.master_keys.others[0].expose()[..2], [200, 201]);
    let printed = format!("{settings:?}");
    assert!(printed.contains("id.example"));
    assert!(!printed.contains("hunter2") && !printed.contains(&key()) && !printed.contains(&other));
    assert!(!printed.contains("200, 201"));
}

#[test]
fn a_bad_master_key_among_others_is_refused_by_name() {
    let keys = format!("{},c4n4ry", key());
    let problem = "must be base64 of 32 bytes";
    let error = Case::production().set("IPSE_OTHER_MASTER_KEYS", &keys).error();
    assert_eq!(error, format!("IPSE_OTHER_MASTER_KEYS: each {problem}"));
    let error = Case::production().set_file("IPSE_OTHER_MASTER_KEYS_FILE", &keys).error();
    assert_eq!(error, format!("IPSE_OTHER_MASTER_KEYS_FILE: each {problem}"));
}
