//! Whom passkeys are made for, and where.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::{Host, Url};

use super::issuer;
use crate::config::setting::Setting;
use crate::config::source::{InvalidSetting, Source};
use crate::config::value;
use crate::infrastructure::webauthn::relying_party::RelyingParty;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new(
        "webauthn_rp_id",
        "The domain that passkeys are bound to: they work at it and below it, and nowhere after it is changed. Unless given, \
         the host of the issuer.",
    ),
    Setting::new(
        "webauthn_origins",
        "Where passkeys may be used, with commas between: https://app.example.com, http only on localhost, or \
         android:apk-key-hash:…. Unless given, the origin of the issuer. Web origins outside the domain of webauthn_rp_id \
         are related origins: browsers take them if that domain serves /.well-known/webauthn from the side port.",
    ),
];

/// What the origin of an Android app begins with; the SHA-256 of its certificate follows.
const ANDROID: &str = "android:apk-key-hash:";

/// Reads the section.
pub(in crate::config) fn read(source: &Source) -> Result<RelyingParty, InvalidSetting> {
    let audiences = issuer::read(source)?;
    let (host, origin) = issuer_place(audiences.own());
    let party = RelyingParty {
        rp_id: source.optional("webauthn_rp_id", domain)?.unwrap_or(host),
        name: issuer::host(audiences.own()).to_owned(),
        origins: source.optional("webauthn_origins", origins)?.unwrap_or_else(|| vec![origin]),
    };
    match problem(&party) {
        None => Ok(party),
        Some(problem) if source.has("webauthn_rp_id")? => Err(source.refuse("webauthn_rp_id", problem)),
        Some(problem) => Err(source.refuse("webauthn_origins", problem)),
    }
}

/// Host and origin of an issuer, which is a URL.
fn issuer_place(issuer: &str) -> (String, String) {
    let url = Url::parse(issuer).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned();
    (host, url.map(|url| url.origin().ascii_serialization()).unwrap_or_default())
}

/// A domain of two labels or more, or `localhost`. That it is no public suffix such as `co.uk`, browsers see to.
fn domain(text: &str) -> Result<String, &'static str> {
    let is_one = is_name(text) && (text.contains('.') || text == "localhost");
    is_one.then(|| text.to_owned()).ok_or("must be a domain in lower case such as example.com, or localhost")
}

/// Whether it is a host name in its canonical form, and no number.
fn is_name(text: &str) -> bool {
    let is_canonical = idna::domain_to_ascii_strict(text).is_ok_and(|ascii| ascii == text);
    is_canonical && !text.ends_with('.') && matches!(Host::parse(text), Ok(Host::Domain(_)))
}

fn origins(text: &str) -> Result<Vec<String>, &'static str> {
    const FORM: &str = "must be origins such as https://app.example.com, without a slash at the end, http only on localhost, \
                        or android:apk-key-hash: and the SHA-256 of a certificate in base64url";
    let origins = value::list(text, |item| is_origin(item).then(|| item.to_owned()).ok_or(FORM))?;
    if origins.is_empty() { Err(FORM) } else { Ok(origins) }
}

/// Clients say their origin in one form only, so that it is compared byte for byte.
fn is_origin(text: &str) -> bool {
    if let Some(hash) = text.strip_prefix(ANDROID) {
        return URL_SAFE_NO_PAD.decode(hash).is_ok_and(|bytes| bytes.len() == 32);
    }
    let Some(url) = Url::parse(text).ok().filter(|url| url.origin().ascii_serialization() == text) else {
        return false;
    };
    let name = url.host_str().unwrap_or_default();
    let is_local = name == "localhost" || name.ends_with(".localhost");
    is_name(name) && (url.scheme() == "https" || url.scheme() == "http" && is_local)
}

/// What keeps passkeys from working at any of the origins: browsers take a domain at its own pages and those below it, and
/// at related origins, which the domain lists. A list with nothing at the domain is a mistake.
fn problem(party: &RelyingParty) -> Option<&'static str> {
    let web: Vec<Url> =
        party.origins.iter().filter_map(|origin| Url::parse(origin).ok()).filter(Url::has_host).collect();
    let is_within = |url: &&Url| {
        let host = url.host_str().unwrap_or_default();
        host == party.rp_id || host.strip_suffix(&party.rp_id).is_some_and(|above| above.ends_with('.'))
    };
    if web.iter().filter(|url| url.scheme() == "http").any(|url| !is_within(&url)) {
        return Some("does not go with an origin on localhost, which must be at IPSE_WEBAUTHN_RP_ID or below it");
    }
    let is_astray = !web.is_empty() && !web.iter().any(|url| is_within(&url));
    is_astray.then_some("does not go together: no web origin is at IPSE_WEBAUTHN_RP_ID or below it")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::tests::{accepted, refused};

    const APK: &str = "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

    #[test]
    fn a_relying_party_is_a_domain() {
        accepted(domain, &["example.com", "id.example.com", "localhost", "app.localhost", "xn--bcher-kva.example"]);
        refused(
            domain,
            &[
                "",
                "com",
                "Example.com",
                "b\u{fc}cher.example",
                "example.com.",
                ".example.com",
                "example..com",
                "https://example.com",
                "example.com:8443",
                "example.com/",
                "192.0.2.1",
                "[::1]",
                "::1",
                "127.1",
                "exa mple.com",
                "example.com,example.org",
                "*.example.com",
            ],
        );
    }

    #[test]
    fn origins_are_exact() {
        accepted(
            origins,
            &[
                "https://app.example.com",
                "https://app.example.com:8443, http://localhost:3000,http://app.localhost",
                APK,
                "https://xn--bcher-kva.example",
            ],
        );
        refused(
            origins,
            &[
                "",
                ",",
                "https://app.example.com,",
                "https://app.example.com/",
                "https://app.example.com:443",
                "https://App.example.com",
                "https://b\u{fc}cher.example",
                "https://app.example.com/login",
                "https://app.example.com?x",
                "https://u@app.example.com",
                "https://app.example.com.",
                "https://*.example.com",
                "http://app.example.com",
                "http://127.0.0.1",
                "https://192.0.2.1",
                "https://[::1]",
                "app.example.com",
                "null",
                "ftp://localhost",
                "android:apk-key-hash:",
                "android:apk-key-hash:AAAA",
                &format!("{APK}="),
                &APK.replace('-', "+").replace("android:apk+key+hash", "android:apk-key-hash"),
                "android:com.example.app",
                "ios:bundle-id:com.example.app",
            ],
        );
    }

    #[test]
    fn an_origin_is_at_the_domain_or_below_it_or_related() {
        let party = |rp_id: &str, origins: &[&str]| RelyingParty {
            rp_id: rp_id.to_owned(),
            name: String::new(),
            origins: origins.iter().map(|&origin| origin.to_owned()).collect(),
        };
        for (rp_id, origins) in [
            ("example.com", &["https://example.com"][..]),
            ("example.com", &["https://app.id.example.com:8443", APK]),
            ("example.com", &["https://example.org", "https://example.com"]),
            ("example.com", &[APK]),
            ("localhost", &["http://localhost:3000", "http://app.localhost"]),
        ] {
            assert_eq!(problem(&party(rp_id, origins)), None, "{rp_id} {origins:?}");
        }
        for (rp_id, origins) in [
            ("example.com", &["https://example.org"][..]),
            ("example.com", &["https://notexample.com", APK]),
            ("id.example.com", &["https://example.com"]),
            ("example.com", &["https://example.com", "http://localhost:3000"]),
        ] {
            assert!(problem(&party(rp_id, origins)).is_some(), "{rp_id} {origins:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(https?://|android:apk-key-hash:)?\\PC{0,40}") {
            let _ = (domain(&text), origins(&text));
        }
    }
}
