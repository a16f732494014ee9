//! Where mail is handed in.

use lettre::transport::smtp::authentication::Credentials;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// Why a text is not the URL of a mail server. None of these messages holds the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSmtpUrl {
    /// Not a URL, or more than one of a server.
    #[error("must be a URL such as smtps://user:password@mail.example.com:465, special characters percent-encoded")]
    Form,
    /// Another scheme.
    #[error("must begin with smtps://, smtp:// (STARTTLS) or smtp+plaintext://")]
    Scheme,
    /// No host, or not the name or address of one.
    #[error("must name a host")]
    Host,
    /// Half of the credentials, or something in them that no server can take.
    #[error("must have both user and password, or neither, without control characters")]
    Credentials,
    /// Credentials for a connection that anybody can read.
    #[error("must not have user and password with smtp+plaintext://")]
    PlaintextCredentials,
}

/// How the connection is protected. There is no way from one to a weaker one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// `smtps`: TLS from the first byte (RFC 8314), port 465.
    Tls,
    /// `smtp`: TLS after STARTTLS (RFC 3207), port 587. A server that does not offer it gets no mail.
    StartTls,
    /// `smtp+plaintext`: none, port 25. For a relay on the same machine or a trusted network.
    Plaintext,
}

/// A mail server and how to sign in to it: `smtps://user:password@host:465` or with another scheme of [`Protection`].
/// User and password are percent-encoded; both may be left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpUrl {
    /// How the connection is protected.
    pub protection: Protection,
    /// A host name in A-labels, or an IP address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whom to sign in as.
    pub credentials: Option<Credentials>,
}

impl SmtpUrl {
    /// Reads a URL.
    pub fn parse(text: &str) -> Result<Self, InvalidSmtpUrl> {
        let url = Url::parse(text).map_err(|_| InvalidSmtpUrl::Form)?;
        let (protection, default_port) = match url.scheme() {
            "smtps" => (Protection::Tls, 465),
            "smtp" => (Protection::StartTls, 587),
            "smtp+plaintext" => (Protection::Plaintext, 25),
            _ => return Err(InvalidSmtpUrl::Scheme),
        };
        let port = url.port().unwrap_or(default_port);
        let only_a_server = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        if !only_a_server || port == 0 {
            return Err(InvalidSmtpUrl::Form);
        }
        let credentials = credentials(&url)?;
        if protection == Protection::Plaintext && credentials.is_some() {
            return Err(InvalidSmtpUrl::PlaintextCredentials);
        }
        Ok(Self { protection, host: host(&url)?, port, credentials })
    }
}

fn host(url: &Url) -> Result<String, InvalidSmtpUrl> {
    match Host::parse(url.host_str().unwrap_or_default()).map_err(|_| InvalidSmtpUrl::Host)? {
        Host::Domain(name) => Ok(name),
        Host::Ipv4(address) => Ok(address.to_string()),
        Host::Ipv6(address) => Ok(address.to_string()),
    }
}

fn credentials(url: &Url) -> Result<Option<Credentials>, InvalidSmtpUrl> {
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None | Some("")) => Err(InvalidSmtpUrl::Credentials),
        (user, Some(password)) => Ok(Some(Credentials::new(decode(user)?, decode(password)?))),
    }
}

fn decode(text: &str) -> Result<String, InvalidSmtpUrl> {
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| InvalidSmtpUrl::Credentials)?;
    if decoded.chars().any(char::is_control) { Err(InvalidSmtpUrl::Credentials) } else { Ok(decoded.into_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_server_protection_and_credentials() {
        let user = |user: &str, password: &str| Some(Credentials::new(user.to_owned(), password.to_owned()));
        for (text, protection, host, port, credentials) in [
            ("smtps://u:p@mail.example.com", Protection::Tls, "mail.example.com", 465, user("u", "p")),
            ("smtps://u:p@mail.example.com:8465/", Protection::Tls, "mail.example.com", 8465, user("u", "p")),
            (
                "smtp://a%40b.de:%2F%3A%C3%A9%25@h.example",
                Protection::StartTls,
                "h.example",
                587,
                user("a@b.de", "/:é%"),
            ),
            ("smtp://h.example:2525", Protection::StartTls, "h.example", 2525, None),
            ("SMTPS://MAIL.Example", Protection::Tls, "mail.example", 465, None),
            ("smtps://bücher.example", Protection::Tls, "xn--bcher-kva.example", 465, None),
            ("smtp+plaintext://localhost", Protection::Plaintext, "localhost", 25, None),
            ("smtp+plaintext://127.0.0.1:1025", Protection::Plaintext, "127.0.0.1", 1025, None),
            ("smtp+plaintext://[::1]:1025", Protection::Plaintext, "::1", 1025, None),
        ] {
            let host = host.to_owned();
            assert_eq!(SmtpUrl::parse(text), Ok(SmtpUrl { protection, host, port, credentials }), "{text}");
        }
    }

    #[test]
    fn other_urls_are_refused_without_being_repeated() {
        for (text, reason) in [
            ("", InvalidSmtpUrl::Form),
            ("canary", InvalidSmtpUrl::Form),
            ("http://canary@mail.example.com", InvalidSmtpUrl::Scheme),
            ("smtp+insecure://mail.example.com", InvalidSmtpUrl::Scheme),
            ("mail.example.com:465", InvalidSmtpUrl::Scheme),
            ("smtps:mail.example.com", InvalidSmtpUrl::Form),
            ("smtps://", InvalidSmtpUrl::Host),
            ("smtps://canary%00.example", InvalidSmtpUrl::Host),
            ("smtps://u:canary@mail.example.com:0", InvalidSmtpUrl::Form),
            ("smtps://u:canary#@mail.example.com", InvalidSmtpUrl::Form),
            ("smtps://mail.example.com/canary", InvalidSmtpUrl::Form),
            ("smtp://mail.example.com?tls=opportunistic", InvalidSmtpUrl::Form),
            ("smtps://mail.example.com#canary", InvalidSmtpUrl::Form),
            ("smtps://canary@mail.example.com", InvalidSmtpUrl::Credentials),
            ("smtps://canary:@mail.example.com", InvalidSmtpUrl::Credentials),
            ("smtps://:canary@mail.example.com", InvalidSmtpUrl::Credentials),
            ("smtps://u:canary%00@mail.example.com", InvalidSmtpUrl::Credentials),
            ("smtps://u:canary%ff@mail.example.com", InvalidSmtpUrl::Credentials),
            ("smtp+plaintext://u:canary@localhost", InvalidSmtpUrl::PlaintextCredentials),
        ] {
            let refused = SmtpUrl::parse(text).unwrap_err();
            assert_eq!(refused, reason, "{text}");
            assert!(!format!("{refused} {refused:?}").contains("canary"), "{text}");
        }
    }

    #[test]
    fn credentials_are_not_printed() {
        let url = SmtpUrl::parse("smtps://canary:canary@mail.example.com").unwrap();
        assert!(!format!("{url:?}").contains("canary"));
    }
}
