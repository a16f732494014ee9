//! Where settings are found, and how errors name them.

use crate::domain::access::audience::Audiences;
use crate::infrastructure::store::DatabaseUrl;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use super::*;

/// Refused by every setting, and looked for in every error. U+0000 can stand in no path and no name.
const CANARY: &str = "c4n4ry\0";

#[test]
fn no_error_holds_a_value() {
    for setting in config::settings() {
        let name = setting.variable();
        let in_toml = format!("{} = \"c4n4ry\\u0000\"", setting.key);
        for case in [Case::production, Case::dev] {
            let by_environment = case().set(&name, CANARY).error();
            assert!(by_environment.starts_with(&format!("{name}: ")), "{by_environment}");
            let by_file = case().unset(&name).toml(&in_toml).error();
            assert!(by_file.starts_with(&format!("{}: ", setting.key)), "{by_file}");
            for error in [by_environment, by_file] {
                assert!(!error.contains("c4n4ry") && error.lines().count() == 1, "{error}");
            }
        }
    }
}

#[test]
fn no_error_holds_the_value_or_path_of_a_secret_in_a_file() {
    for setting in config::settings().filter(|setting| setting.secret) {
        let name = format!("{}_FILE", setting.variable());
        let content = Case::production().unset(&setting.variable()).set_file(&name, CANARY).error();
        let path = Case::production().unset(&setting.variable()).set(&name, "/c4n4ry").error();
        assert_eq!(path, format!("{name}: the file cannot be read: entity not found"));
        assert!(content.starts_with(&format!("{name}: ")) && !content.contains("c4n4ry"), "{content}");
    }
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_default() {
    let toml = "audiences = \"orders\"\nhashing_queue = 9\nreflection = true\naccess_token_lifetime = \"5m\"";
    let settings = Case::production().toml(toml).set("IPSE_HASHING_QUEUE", "7").load();
    assert_eq!(settings.policy.audiences, Audiences::new("https://id.example".into(), vec!["orders".into()]));
    assert_eq!(settings.hashing.queue, 7);
    assert!(settings.listener.limits.reflection);
    assert_eq!(settings.policy.access_token_lifetime, time::Duration::minutes(5));
}

#[test]
fn a_secret_may_stand_in_a_file_of_its_own() {
    let url = |content: &str| {
        let case = Case::production().unset("IPSE_DATABASE_URL").set_file("IPSE_DATABASE_URL_FILE", content);
        case.load().database.url
    };
    for (content, path) in [("sqlite:x", "x"), ("sqlite:x\n", "x"), ("sqlite:x\r\n", "x"), ("sqlite:x y\n", "x y")] {
        assert_eq!(url(content), DatabaseUrl::Sqlite(path.into()));
    }
    let two_ends =
        Case::production().unset("IPSE_DATABASE_URL").set_file("IPSE_DATABASE_URL_FILE", "sqlite:x\n\n").error();
    assert!(two_ends.contains("control characters"), "one end of a line is the file's, further ones are the value's");
    let case = Case::production().unset("IPSE_DATABASE_URL");
    let path = case.file("url", "sqlite:y");
    let settings = case.toml(&format!("database_url_file = {path:?}")).load();
    assert_eq!(settings.database.url, DatabaseUrl::Sqlite("y".into()));
}

#[test]
fn a_secret_given_twice_is_refused() {
    let twice = Case::production().set_file("IPSE_DATABASE_URL_FILE", "sqlite:x").error();
    assert_eq!(twice, "IPSE_DATABASE_URL: is given twice, also as IPSE_DATABASE_URL_FILE");
    let toml = "smtp_url = \"smtp://a\"\nsmtp_url_file = \"/x\"";
    let twice = Case::production().unset("IPSE_SMTP_URL").toml(toml).error();
    assert_eq!(twice, "smtp_url: is given twice, also as smtp_url_file");
    let settings = Case::production().toml("database_url_file = \"/missing\"").load();
    assert!(matches!(settings.database.url, DatabaseUrl::Postgres(_)), "the environment wins");
}

#[test]
fn unknown_names_are_refused() {
    for (name, problem) in [
        ("IPSE_DATBASE_URL", "is not a setting; did you mean IPSE_DATABASE_URL?"),
        ("IPSE_MASTER_KEY_FIL", "is not a setting; did you mean IPSE_MASTER_KEY_FILE?"),
        ("IPSE_issuer", "is not a setting"),
        ("IPSE_", "is not a setting"),
        ("IPSE_XYZZY", "is not a setting"),
        ("IPSE_SMTP", "is not a setting; did you mean IPSE_SMTP_URL?"),
        ("IPSE_PORT", "is not a setting"),
        ("IPSE_SMTP_PORT", "is not a setting"),
        ("IPSE_ISSUER_FILE", "is not a setting; did you mean IPSE_ISSUER?"),
    ] {
        let error = Case::production().set(name, "c4n4ry").error();
        assert!(error.starts_with(&format!("{name}: {problem}")), "{error}");
        assert!(!error.contains("c4n4ry"));
    }
    for name in ["IPSE_VERSION", "IPSE_URL", "IPSE_XYZZY"] {
        let error = Case::production().set(name, "c4n4ry").error();
        assert_eq!(error, format!("{name}: is not a setting"), "what may have been meant would be a guess");
    }
    for (toml, error) in [
        ("isuer = \"c4n4ry\"", "isuer: is not a setting; did you mean issuer?"),
        ("[database]\nurl = \"c4n4ry\"", "database: is not a setting"),
        ("IPSE_ISSUER = \"c4n4ry\"", "IPSE_ISSUER: is not a setting"),
        ("\"a\\nb\" = 1", "a\\nb: is not a setting"),
        ("issuer = [\"c4n4ry\"]", "issuer: must be a string, a whole number, true or false"),
    ] {
        let found = Case::production().toml(toml).error();
        assert!(found.starts_with(error) && found.lines().count() == 1, "{found}");
    }
}

#[test]
fn the_variables_of_tests_and_of_others_are_ignored() {
    Case::production()
        .set("IPSE_TEST_POSTGRES_URL", "x")
        .set("IPSE_BIN", "x")
        .set("IPSE_SERVICE_HOST", "10.0.0.1")
        .set("IPSE_PORT", "tcp://10.0.0.1:50051")
        .set("IPSE_PORT_50051_TCP_ADDR", "10.0.0.1")
        .set("IPSE_GRPC_SERVICE_HOST", "10.0.0.1")
        .set("IPSE_GRPC_SERVICE_PORT_METRICS", "9090")
        .set("IPSE_GRPC_PORT", "tcp://10.0.0.1:50051")
        .set("IPSE_POSTGRESQL_PORT_5432_TCP_ADDR", "10.0.0.1")
        .set("IPSEC_MODE", "x")
        .set("DATABASE_URL", "x")
        .load();
}

#[test]
fn the_first_problem_does_not_depend_on_the_order_of_the_environment() {
    let one = Case::production().set("IPSE_BB", "").set("IPSE_AA", "").set("IPSE_ISSUER", "x").error();
    let other = Case::production().set("IPSE_ISSUER", "x").set("IPSE_AA", "").set("IPSE_BB", "").error();
    assert_eq!(one, other);
    assert!(one.starts_with("IPSE_AA: is not a setting"), "{one}");
}

#[test]
fn a_value_that_is_not_text_is_refused_by_name() {
    let mut case = Case::production();
    case.options.environment.push(("IPSE_LOG".into(), OsString::from_vec(vec![0xff])));
    assert_eq!(case.error(), "IPSE_LOG: must be UTF-8");
}

#[test]
fn a_file_that_is_not_toml_is_refused_by_line() {
    let error = Case::production().toml("# one\nlog = \"info\"\nmaster_key = c4n4ry\n").error();
    assert_eq!(error, "--config: is not valid TOML, see line 3");
    let mut case = Case::production();
    case.options.config_file = Some("/c4n4ry".into());
    assert_eq!(case.error(), "--config: the file cannot be read: entity not found");
}
