//! The one table of settings: what there is, what it means, and what it may be.

use std::fmt::Write as _;

/// One setting as an operator sees it.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The key in the file, lower snake case.
    pub key: &'static str,
    /// What it means, in one or two sentences.
    pub meaning: &'static str,
    /// Whether it must be given, except with `--dev`.
    pub required: bool,
    /// Its value unless given.
    pub default: Option<&'static str>,
    /// Its value with `--dev` unless given.
    pub dev_default: Option<&'static str>,
    /// The least and the greatest value.
    pub limits: Option<(&'static str, &'static str)>,
    /// Whether it is secret, so that it can also be given by the name of a file.
    pub secret: bool,
}

impl Setting {
    /// The name of the environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        variable(self.key)
    }

    const fn new(key: &'static str, meaning: &'static str) -> Self {
        Self { key, meaning, required: false, default: None, dev_default: None, limits: None, secret: false }
    }

    /// The default, in `--dev` too.
    const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self.dev_default = Some(default);
        self
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn or_in_dev(mut self, default: &'static str) -> Self {
        self.dev_default = Some(default);
        self
    }

    const fn between(mut self, least: &'static str, most: &'static str) -> Self {
        self.limits = Some((least, most));
        self
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

/// The name of the environment variable for a key.
pub(super) fn variable(key: &str) -> String {
    format!("IPSE_{}", key.to_ascii_uppercase())
}

/// Every setting, in the order in which they are listed.
pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "database_url",
        "The database: postgres://USER:PASSWORD@HOST/DATABASE or sqlite:PATH. With --dev, ipse.db in the data folder.",
    )
    .required()
    .secret(),
    Setting::new("database_max_connections", "The most connections to the database that calls may have at once. Two more follow revocations.")
        .or("16")
        .between("1", "1000"),
    Setting::new(
        "database_tls_ca_file",
        "PEM file of the authorities that may vouch for PostgreSQL, instead of those of the system.",
    ),
    Setting::new(
        "database_runtime_role",
        "The PostgreSQL role that the service runs as, if it is another one than `ipse migrate`: migrating grants it what \
         the service needs and no more, so that it can neither change the schema nor rewrite the audit trail.",
    ),
    Setting::new("grpc_listen", "Address and port that serve gRPC. Port 0 takes a free one.").or("127.0.0.1:50051"),
    Setting::new(
        "http_listen",
        "Address and port of the HTTP side port, without TLS: the key set and the OpenID discovery for gateways, /metrics, \
         /healthz, /readyz. Port 0 takes a free one; off: there is none.",
    )
    .or("127.0.0.1:8080"),
    Setting::new("tls_cert_file", "PEM file of the server's certificate chain, its own certificate first."),
    Setting::new("tls_key_file", "PEM file of the private key of the server's certificate."),
    Setting::new(
        "tls_client_ca_file",
        "PEM file of the authorities for client certificates. If given, every client must show one.",
    ),
    Setting::new(
        "plaintext",
        "Whether to serve without TLS, as behind a proxy that ends it. With --dev, true on a loopback address unless \
         there is a certificate.",
    )
    .or("false"),
    Setting::new(
        "trusted_proxies",
        "Addresses and networks, with commas between, whose X-Forwarded-For is believed. Empty: nobody's.",
    )
    .or(""),
    Setting::new("reflection", "Whether the server describes its API to tools such as grpcurl.")
        .or("false")
        .or_in_dev("true"),
    Setting::new("request_timeout", "The longest that a call may take, whatever the client allows.")
        .or("10s")
        .between("1s", "60s"),
    Setting::new("max_in_flight", "The most calls at once; further ones are refused at once.")
        .or("1024")
        .between("1", "100000"),
    Setting::new("max_connections", "The most client connections at once.").or("1024").between("1", "100000"),
    Setting::new("shutdown_grace", "How long calls under way may still take after a request to stop.")
        .or("30s")
        .between("0s", "10m"),
    Setting::new(
        "master_key",
        "Base64 of 32 random bytes, as from `openssl rand -base64 32`: seals the private keys in the database. With \
         --dev, made and kept in the data folder.",
    )
    .required()
    .secret(),
    Setting::new(
        "other_master_keys",
        "Further keys like master_key, with commas between, that open what they sealed and seal nothing. To change the \
         master key, give the new one here first, then swap the two, run `ipse keys rewrap`, and take the old one out.",
    )
    .or("")
    .secret(),
    Setting::new(
        "issuer",
        "The https URL that names this service in its tokens (claim iss), without a slash at its end.",
    )
    .required()
    .or_in_dev("https://ipse.localhost"),
    Setting::new(
        "audiences",
        "The services that tokens may be for (claim aud), with commas between; each ≤ 255 bytes.",
    )
    .or(""),
    Setting::new(
        "signing_algorithm",
        "What new keys sign tokens with: ES256, EdDSA, or RS256 for verifiers that know no other. The present key goes on \
         until it is rotated.",
    )
    .or("ES256"),
    Setting::new("signing_key_lifetime", "How long a key signs tokens before a new one takes its place.")
        .or("90d")
        .between("1h", "365d"),
    Setting::new("access_token_lifetime", "How long an access token is valid.").or("15m").between("1m", "60m"),
    Setting::new("session_lifetime", "How long after the sign-in a session ends whatever happens.")
        .or("30d")
        .between("5m", "365d"),
    Setting::new(
        "session_idle_lifetime",
        "How long after its last refresh a session ends; at most session_lifetime, and that if it is shorter than the \
         default.",
    )
    .or("14d")
    .between("5m", "365d"),
    Setting::new(
        "refresh_grace",
        "How long a replaced refresh token yields its successor again, for clients that lost the answer.",
    )
    .or("10s")
    .between("0s", "60s"),
    Setting::new("verification_lifetime", "How long the token that proves an e-mail address is valid.")
        .or("8h")
        .between("1m", "24h"),
    Setting::new("reset_lifetime", "How long the token that resets a password is valid.").or("1h").between("1m", "24h"),
    Setting::new("invitation_lifetime", "How long an invitation to choose the first password is valid.")
        .or("24h")
        .between("1h", "7d"),
    Setting::new(
        "password_min_length",
        "The least code points of a new password. Below 15 the start warns (NIST SP 800-63B-4).",
    )
    .or("15")
    .between("8", "64"),
    Setting::new("unverified_sign_in", "Whether people may sign in before they have proven their e-mail address.")
        .or("false")
        .or_in_dev("true"),
    Setting::new(
        "sign_in_notice",
        "Whether people get a mail after a sign-in with a program or from a network that is not known for them. Of one after \
         several failed attempts they are told in any case.",
    )
    .or("false"),
    Setting::new("deleted_retention", "How long the data of deleted accounts is kept before it is erased.")
        .or("30d")
        .between("0s", "365d"),
    Setting::new("audit_retention", "How long the audit trail is kept before it is erased.")
        .or("400d")
        .between("30d", "3650d"),
    Setting::new("hashing_memory_kib", "Memory of one argon2id computation in KiB.")
        .or("19456")
        .between("19456", "262144"),
    Setting::new("hashing_iterations", "Passes of one argon2id computation over its memory.")
        .or("2")
        .between("2", "16"),
    Setting::new("hashing_threads", "Threads that hash passwords, each with its own memory. 0: one for each CPU.")
        .or("0")
        .between("0", "256"),
    Setting::new("hashing_queue", "The most passwords that wait for a thread; further calls are refused at once.")
        .or("512")
        .between("1", "65536"),
    Setting::new(
        "smtp_url",
        "The mail server: smtps://USER:PASSWORD@HOST:PORT, or smtp:// for STARTTLS. With --dev, mail is written to \
         the data folder instead unless this is given.",
    )
    .required()
    .secret(),
    Setting::new(
        "smtp_ca_file",
        "PEM file of the authorities that may vouch for the mail server, instead of those of the system.",
    ),
    Setting::new("mail_from", "The sender of mail: name@example.com or Name <name@example.com>.")
        .required()
        .or_in_dev("Ipse <ipse@ipse.localhost>"),
    Setting::new(
        "link_base",
        "The URL of the pages that links in mail lead to; https, or http on localhost. Without it, mail shows the token \
         itself. Nothing else ever makes links.",
    ),
    Setting::new(
        "mail_templates",
        "Folder whose files stand in place of texts of mail: LANGUAGE/KIND.subject.txt, .txt and .html, as in \
         en/welcome.subject.txt. All are checked at the start.",
    ),
    Setting::new("data_dir", "Folder for what --dev keeps: database, master key, mail. Without --dev it is not used.")
        .or_in_dev("./ipse-dev"),
    Setting::new("log_format", "json: one JSON object a line; or pretty: for people.").or("json").or_in_dev("pretty"),
    Setting::new(
        "log",
        "What is logged: error, warn, info, debug, trace or off, also by source, as in info,ipse=debug.",
    )
    .or("info"),
];

/// The setting of this key.
pub(super) fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// All settings with meaning, limits and defaults, for `ipse config --help`.
#[must_use]
pub fn reference() -> String {
    let mut text = String::from(
        "Settings\n\n\
         Each can stand in the file ipse.toml (or --config FILE) under its name in lower case without IPSE_, or in\n\
         the environment, which wins. Each secret can also be given as the name of a file: IPSE_…_FILE.\n\
         Spans are written as 30s, 15m, 8h or 30d.\n",
    );
    for setting in SETTINGS {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  {}", setting.variable());
        let _ = writeln!(text, "{}", if setting.secret { " (secret)" } else { "" });
        let _ = writeln!(text, "      {}", setting.meaning);
        let _ = writeln!(text, "      {}", values(setting));
    }
    text
}

fn values(setting: &Setting) -> String {
    let mut parts = Vec::new();
    if let Some((least, most)) = setting.limits {
        parts.push(format!("From {least} to {most}."));
    }
    parts.push(match setting.default {
        None if setting.required => "Required.".to_owned(),
        None => "Unset by default.".to_owned(),
        Some("") => "Default: empty.".to_owned(),
        Some(default) => format!("Default: {default}."),
    });
    if let Some(dev) = setting.dev_default.filter(|dev| Some(*dev) != setting.default) {
        parts.push(format!("With --dev: {dev}."));
    }
    parts.join(" ")
}
