//! Parsers of settings that are URLs. Their errors never hold the text.

use url::{Host, Url};

/// An issuer is compared byte for byte, so only the canonical form of a URL is taken (RFC 8414, section 2).
pub(super) fn issuer(text: &str) -> Result<String, &'static str> {
    let url = plain_url(text).filter(|url| url.scheme() == "https").ok_or("must be an https URL without query")?;
    if url.as_str().trim_end_matches('/') != text {
        return Err("must be in its canonical form, without a slash at its end");
    }
    Ok(text.to_owned())
}

/// A URL to which paths and queries are added: https, as the links carry tokens, except for the developer's own machine.
pub(super) fn link_base(text: &str) -> Result<String, &'static str> {
    plain_url(text)
        .filter(|url| url.scheme() == "https" || (url.scheme() == "http" && is_local(url)))
        .map(|url| url.as_str().trim_end_matches('/').to_owned())
        .ok_or("must be an https URL without query, or http on localhost")
}

/// A server: http or https, a host and perhaps a port.
pub(super) fn origin(text: &str) -> Result<String, &'static str> {
    plain_url(text)
        .filter(|url| ["http", "https"].contains(&url.scheme()) && url.path() == "/")
        .map(|url| url.as_str().to_owned())
        .ok_or("must be http://HOST:PORT or https://HOST:PORT")
}

fn plain_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| {
        url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{accepted, refused};

    #[test]
    fn issuers_are_canonical_https_urls() {
        accepted(issuer, &["https://id.example", "https://id.example:8443/tenant"]);
        refused(
            issuer,
            &[
                "",
                "http://id.example",
                "https://",
                "https://id.example/",
                "https://id.example/tenant/",
                "https://id.example?",
                "https://id.example?q=1",
                "https://id.example#",
                "https://u@id.example",
                "https://u:p@id.example",
                "https://ID.example",
                "https://id.example:443",
                "https:id.example",
                "https://id.example/a/../b",
                "https://id.example/{a}",
                " https://id.example",
            ],
        );
    }

    #[test]
    fn an_origin_has_nothing_but_a_host_and_a_port() {
        accepted(origin, &["http://localhost:4317", "https://otel.example", "http://[::1]:4317/"]);
        refused(
            origin,
            &["", "localhost:4317", "grpc://a:1", "http://a/v1/traces", "http://a?x", "http://u:p@a", "http://:4317"],
        );
    }

    #[test]
    fn links_are_https_except_on_this_machine() {
        for (text, base) in [
            ("https://app.example", "https://app.example"),
            ("https://app.example/account/", "https://app.example/account"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://app.localhost", "http://app.localhost"),
            ("http://127.0.0.1:3000/", "http://127.0.0.1:3000"),
            ("http://[::1]", "http://[::1]"),
        ] {
            assert_eq!(link_base(text).as_deref(), Ok(base), "{text}");
        }
        refused(
            link_base,
            &[
                "",
                "http://app.example",
                "http://localhost.example",
                "http://notlocalhost",
                "ftp://localhost",
                "https://app.example?x",
                "https://app.example#x",
                "https://u:p@app.example",
                "javascript:alert(1)",
            ],
        );
    }
}
