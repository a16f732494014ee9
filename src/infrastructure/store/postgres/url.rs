//! URLs of PostgreSQL: which of them are taken, and how safe the way is that they name.

use std::net::IpAddr;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::domain::secret::Secret;
use crate::infrastructure::store::InvalidDatabaseUrl;

/// The options that the client library takes after the question mark.
const SUPPORTED: [&str; 19] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "sslmode",
    "sslnegotiation",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// Options that other clients take, and what to write instead.
const UNSUPPORTED: [(&str, &str); 17] = [
    ("sslrootcert", "name the file in IPSE_DATABASE_TLS_CA_FILE"),
    ("sslcert", "client certificates are not shown to databases"),
    ("sslkey", "client certificates are not shown to databases"),
    ("sslpassword", "client certificates are not shown to databases"),
    ("ssl", "write sslmode=require or sslmode=disable"),
    ("sslcrl", "leave it out"),
    ("sslsni", "leave it out"),
    ("ssl_min_protocol_version", "leave it out: TLS 1.2 is the least"),
    ("passfile", "give the whole URL in a file that IPSE_DATABASE_URL_FILE names"),
    ("service", "write host and database into the URL"),
    ("gssencmode", "leave it out"),
    ("client_encoding", "leave it out: it is UTF-8"),
    ("pgbouncer", "leave it out: poolers are recognised"),
    ("schema", "write options=-csearch_path%3DNAME"),
    ("currentSchema", "write options=-csearch_path%3DNAME"),
    ("connection_limit", "set IPSE_DATABASE_MAX_CONNECTIONS"),
    ("pool_timeout", "leave it out"),
];

/// Reads a URL. Certificates are always checked, chain and host name, so the modes of libpq that ask for it are the same
/// as `require`. A URL without a mode asks for TLS too, unless the server is on this machine: the client library would
/// settle for plaintext as soon as somebody on the way says that there is no TLS, and send the password.
pub(in crate::infrastructure::store) fn parse_url(url: &Secret) -> Result<Config, InvalidDatabaseUrl> {
    let (address, query) = split_query(url.expose());
    let parameters = || {
        query.split('&').map(|parameter| match parameter {
            "sslmode=verify-full" | "sslmode=verify-ca" => "sslmode=require",
            other => other,
        })
    };
    let plain = zeroize::Zeroizing::new(address.to_owned() + &parameters().collect::<Vec<_>>().join("&"));
    let mut config: Config = plain.parse().map_err(|_| wrong_option(query).unwrap_or(InvalidDatabaseUrl::Postgres))?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(InvalidDatabaseUrl::Postgres);
    }
    if config.get_hosts().is_empty() {
        // The certificate is to be for the address then.
        for address in config.get_hostaddrs().to_vec() {
            config.host(address.to_string());
        }
    }
    if config.get_hosts().len() > 1 && config.get_hosts().iter().any(|host| matches!(host, Host::Unix(_))) {
        return Err(InvalidDatabaseUrl::Socket);
    }
    if !parameters().any(|parameter| parameter.starts_with("sslmode=")) {
        config.ssl_mode(if is_local(&config) { SslMode::Prefer } else { SslMode::Require });
    }
    Ok(config)
}

/// A URL up to its question mark, and what comes after it. One in the password belongs to that.
fn split_query(url: &str) -> (&str, &str) {
    let host = url.find('@').unwrap_or(0);
    url.split_at(url[host..].find('?').map_or(url.len(), |mark| host + mark + 1))
}

/// What is wrong with the parameters. Only names that are known are told: what looks like one may be of a password.
fn wrong_option(query: &str) -> Option<InvalidDatabaseUrl> {
    query.split('&').filter(|parameter| !parameter.is_empty()).find_map(|parameter| {
        let name = parameter.split_once('=').map_or(parameter, |(name, _)| name);
        if let Some((known, what)) = UNSUPPORTED.into_iter().find(|(known, _)| *known == name) {
            return Some(InvalidDatabaseUrl::Unsupported(known, what));
        }
        let Some(known) = SUPPORTED.into_iter().find(|known| *known == name) else {
            return Some(InvalidDatabaseUrl::Option(SUPPORTED.join(", ")));
        };
        let alone = zeroize::Zeroizing::new(format!("postgres://localhost/?{parameter}"));
        let is_wrong = alone.parse::<Config>().is_err() && !parameter.starts_with("sslmode=verify-");
        is_wrong.then_some(InvalidDatabaseUrl::Value(known))
    })
}

/// Whether passwords and all that is stored may be read on the way to the server of this URL.
pub(in crate::infrastructure::store) fn is_exposed(config: &Config) -> bool {
    config.get_ssl_mode() != SslMode::Require && !is_local(config)
}

/// Whether all hosts are this machine. An address goes before the name that its certificate is to have.
fn is_local(config: &Config) -> bool {
    let is_loopback = |host: &Host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()),
        Host::Unix(_) => true,
    };
    match config.get_hostaddrs() {
        [] => config.get_hosts().iter().all(is_loopback),
        addresses => addresses.iter().all(IpAddr::is_loopback),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> Config {
        parse_url(&Secret::new(url)).unwrap()
    }

    #[test]
    fn a_server_elsewhere_is_spoken_to_with_tls_unless_the_url_says_otherwise() {
        for (url, mode, exposed) in [
            ("postgres://u:p@db.example/ipse", SslMode::Require, false),
            ("postgres://u:p@10.0.0.5/ipse", SslMode::Require, false),
            ("postgres://u:p@localhost,db.example/ipse", SslMode::Require, false),
            ("postgres://u:p@db.example/ipse?hostaddr=10.0.0.5", SslMode::Require, false),
            ("postgres://u:p@db.example/ipse?sslmode=verify-full", SslMode::Require, false),
            ("postgres://u:p@db.example/ipse?sslmode=prefer", SslMode::Prefer, true),
            ("postgres://u:p@db.example/ipse?sslmode=disable", SslMode::Disable, true),
            ("postgres://u:p@localhost/ipse", SslMode::Prefer, false),
            ("postgres://u:p@127.0.0.2:6432/ipse", SslMode::Prefer, false),
            ("postgres://u:p@[::1]/ipse", SslMode::Prefer, false),
            ("postgres://u:p@%2Frun%2Fpostgresql/ipse", SslMode::Prefer, false),
            ("postgres://u:p@db.example/ipse?hostaddr=127.0.0.1", SslMode::Prefer, false),
        ] {
            let config = config(url);
            assert_eq!((config.get_ssl_mode(), is_exposed(&config)), (mode, exposed), "{url}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_option_is_told_by_its_name() {
        for (url, what) in [
            ("postgres://u:canary@h/d?sslrootcert=canary", "has the option sslrootcert, which is not supported: name"),
            ("postgres://u:canary@h/d?connect_timeout=5&sslmode=canary", "has the option sslmode with a value that"),
            (
                "postgres://u:canary@h/d?sslmode=verify-full&connect_timeout=canary",
                "has the option connect_timeout with",
            ),
            ("postgres://u:canary@h/d?canary=1", "has an option that is not supported; there are application_name, "),
            ("postgres://u:p@x?canary@h/d", "has an option that is not supported"),
            ("postgres://u:canary@h:canary/d?connect_timeout=5", "must be of the form postgres://"),
        ] {
            let refused = parse_url(&Secret::new(url)).unwrap_err().to_string();
            assert!(refused.starts_with(what) && !refused.contains("canary"), "{url}: {refused}");
        }
        for name in SUPPORTED {
            let value = match name {
                "host" | "user" | "password" | "dbname" | "options" | "application_name" => "x",
                "hostaddr" => "127.0.0.1",
                "sslmode" | "channel_binding" => "require",
                "sslnegotiation" => "direct",
                "target_session_attrs" => "any",
                "load_balance_hosts" => "disable",
                _ => "1",
            };
            assert!(format!("postgres://localhost/?{name}={value}").parse::<Config>().is_ok(), "{name}");
        }
    }

    #[test]
    fn a_password_is_no_parameter() {
        for (url, mode) in [
            ("postgres://u:sslmode=disable@db.example/ipse", SslMode::Require),
            ("postgres://u:?sslmode=verify-full@db.example/ipse", SslMode::Require),
            ("postgres://u:?sslmode=verify-full@db.example/ipse?connect_timeout=5&sslmode=verify-ca", SslMode::Require),
            ("postgres://u:?sslmode=verify-full@db.example/ipse?sslmode=prefer&connect_timeout=5", SslMode::Prefer),
        ] {
            let config = config(url);
            assert_eq!(config.get_ssl_mode(), mode, "{url}");
            let password = config.get_password().unwrap();
            assert!(url.contains(std::str::from_utf8(password).unwrap()), "{url}");
        }
    }
}
