//! What verifiers find out from the issuer alone (OpenID Connect Discovery 1.0, sections 3 and 4; RFC 8414, sections 2
//! and 3).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::domain::token::signing_key::{SigningKey, SigningKeyState};

/// Where the key set is.
pub const KEY_SET: &str = "/.well-known/jwks.json";
const OPENID: &str = "/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server";

/// The claims of access tokens.
const CLAIMS: [&str; 13] =
    ["iss", "sub", "aud", "exp", "iat", "jti", "sid", "auth_time", "acr", "amr", "client_id", "scope", "roles"];

/// A document below `/.well-known/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Document {
    /// The public keys.
    KeySet,
    /// What there is to know of the issuer.
    Metadata,
}

/// The paths of the documents. Where the issuer has a path, OpenID puts it before the path of the document and RFC
/// 8414 after it; a proxy in front may also have taken it off.
pub(super) fn paths(issuer: &str) -> BTreeMap<String, Document> {
    let issuer = path_of(issuer);
    let key_set = [KEY_SET.to_owned(), format!("{issuer}{KEY_SET}")];
    let metadata = [OPENID, OAUTH].into_iter().flat_map(|well_known| {
        [well_known.to_owned(), format!("{issuer}{well_known}"), format!("{well_known}{issuer}")]
    });
    let key_set = key_set.into_iter().map(|path| (path, Document::KeySet));
    key_set.chain(metadata.map(|path| (path, Document::Metadata))).collect()
}

/// The path of a canonical URL, without a slash at its end.
fn path_of(issuer: &str) -> &str {
    let authority_and_path = issuer.split_once("://").map_or("", |(_, rest)| rest);
    authority_and_path.find('/').map_or("", |begin| &authority_and_path[begin..])
}

/// The metadata of the issuer. It names no endpoint, as signing in is done by gRPC and not by OAuth; members with nothing
/// in them have to be left out (RFC 8414, section 3.2). The response type has to be there all the same, and is what other
/// issuers say whose tokens come from elsewhere.
pub(super) fn metadata(issuer: &str, keys: &[(SigningKey, SigningKeyState)]) -> Value {
    let algorithms: BTreeSet<&str> = keys.iter().map(|(key, _)| key.algorithm.name()).collect();
    json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}{KEY_SET}"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
        "claims_supported": CLAIMS,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(issuer: &str, path: &str) -> Option<Document> {
        paths(issuer).get(path).copied()
    }

    #[test]
    fn documents_are_at_their_well_known_places() {
        for issuer in ["https://id.example", "https://id.example:8443"] {
            for (path, document) in
                [(KEY_SET, Document::KeySet), (OPENID, Document::Metadata), (OAUTH, Document::Metadata)]
            {
                assert_eq!(find(issuer, path), Some(document), "{issuer} {path}");
                for other in [format!("{path}/"), format!("{path}/x"), format!("/x{path}"), path.to_uppercase()] {
                    assert_eq!(find(issuer, &other), None, "{issuer} {other}");
                }
            }
            for nothing in ["", "/", "*", "/.well-known", "/.well-known/"] {
                assert_eq!(find(issuer, nothing), None, "{issuer} {nothing}");
            }
        }
    }

    #[test]
    fn the_path_of_an_issuer_goes_before_or_after() {
        let issuer = "https://id.example/a/b";
        for (path, document) in [
            ("/a/b/.well-known/jwks.json", Some(Document::KeySet)),
            ("/a/b/.well-known/openid-configuration", Some(Document::Metadata)),
            ("/a/b/.well-known/oauth-authorization-server", Some(Document::Metadata)),
            ("/.well-known/oauth-authorization-server/a/b", Some(Document::Metadata)),
            ("/.well-known/openid-configuration/a/b", Some(Document::Metadata)),
            ("/.well-known/jwks.json", Some(Document::KeySet)),
            ("/.well-known/openid-configuration", Some(Document::Metadata)),
            ("/.well-known/jwks.json/a/b", None),
            ("/a/.well-known/openid-configuration", None),
            ("/a/b/.well-known/openid-configuration/a/b", None),
            ("/.well-known/oauth-authorization-server/a", None),
            ("/a/b", None),
            ("/a/b/metrics", None),
        ] {
            assert_eq!(find(issuer, path), document, "{path}");
        }
    }
}
