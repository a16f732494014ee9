//! The settings in `docs/operations.md`, written from the table that `ipse config --help` prints.

use std::fmt::Write as _;

use ipse::config::{self, Setting};

use super::bless_part;

/// The headings, each before the setting that begins its section.
const SECTIONS: [(&str, &str); 18] = [
    ("database_url", "Database"),
    ("grpc_listen", "Listeners"),
    ("tls_cert_file", "TLS"),
    ("trusted_proxies", "Calls"),
    ("master_key", "Master key"),
    ("issuer", "Issuer and audiences"),
    ("signing_algorithm", "Signing keys"),
    ("access_token_lifetime", "Tokens and sessions"),
    ("password_min_length", "Accounts"),
    ("mfa", "Second factors"),
    ("webauthn_rp_id", "Passkeys"),
    ("audit_retention", "Audit trail"),
    ("hashing_memory_kib", "Password hashing"),
    ("smtp_url", "Mail server and mail"),
    ("data_dir", "Trying it out"),
    ("log_format", "Log output"),
    ("otlp_endpoint", "Traces"),
    ("cli_ca_file", "Command line"),
];

/// Every setting, in the order of `ipse config --help`.
pub(super) fn all() -> impl Iterator<Item = &'static Setting> + Clone {
    config::settings()
}

fn sections() -> String {
    let mut text = String::new();
    for (number, setting) in all().enumerate() {
        if let Some((_, section)) = SECTIONS.iter().find(|(first, _)| *first == setting.key) {
            let gap = if number == 0 { "" } else { "\n" };
            let _ = write!(text, "{gap}### {section}\n\n| setting | default | what it is |\n|---|---|---|\n");
        }
        let _ = writeln!(text, "| `{}` | {} | {} |", setting.variable(), default(setting), meaning(setting));
    }
    text
}

fn default(setting: &Setting) -> String {
    let mut default = match setting.default {
        None if setting.required => "required".to_owned(),
        None | Some("") => "none".to_owned(),
        Some(default) => format!("`{default}`"),
    };
    if let Some(dev) = setting.dev_default.filter(|dev| Some(*dev) != setting.default) {
        let _ = write!(default, "; with `--dev` `{dev}`");
    }
    default
}

fn meaning(setting: &Setting) -> String {
    let mut meaning = setting.meaning.replace('<', "&lt;").replace('|', "\\|");
    if let Some((least, most)) = setting.limits {
        let _ = write!(meaning, " From `{least}` to `{most}`.");
    }
    if setting.secret {
        let _ = write!(meaning, " Secret: also as `{}_FILE`.", setting.variable());
    }
    meaning
}

#[test]
fn operations_list_every_setting() {
    for (first, section) in SECTIONS {
        assert!(all().any(|setting| setting.key == first), "no setting {first} begins the section {section}");
    }
    bless_part("docs/operations.md", "settings", sections().trim_end());
}
