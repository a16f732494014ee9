//! The key set and the metadata: what verifiers build on.

use ipse::proto::LoginRequest;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};

use crate::support::database::Backend;
use crate::support::http::{HttpAnswer, ask, get};
use crate::support::on_both_backends;
use crate::support::token;
use crate::support::world::{AUDIENCE, ISSUER, World};

on_both_backends! {
    World::start =>
    a_token_is_verified_from_the_issuer_alone
    documents_are_kept_and_asked_for_again
    every_claim_of_a_token_is_announced
    the_metadata_names_no_endpoint
    passkeys_are_used_at_the_issuer
}

on_both_backends! {
    with_eddsa =>
    the_metadata_names_the_algorithms_of_the_keys
}

on_both_backends! {
    with_a_path =>
    an_issuer_with_a_path_is_found
}

on_both_backends! {
    with_related_origins =>
    pages_elsewhere_may_use_passkeys
}

on_both_backends! {
    with_a_path_like_a_pattern =>
    the_path_of_an_issuer_is_no_pattern
}

const JWKS: &str = "/.well-known/jwks.json";
const METADATA: [&str; 2] = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];
const PASSKEY_ORIGINS: &str = "/.well-known/webauthn";
const ISSUER_WITH_PATH: &str = "https://id.example/tenants/one";

async fn with_eddsa(backend: Backend) -> World {
    World::with(backend, &["SIGNING_ALGORITHM=EdDSA"]).await
}

async fn with_a_path(backend: Backend) -> World {
    World::with(backend, &["ISSUER=https://id.example/tenants/one"]).await
}

async fn with_related_origins(backend: Backend) -> World {
    let app = "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
    let origins = format!("WEBAUTHN_ORIGINS=https://app.id.example,{app},https://shop.example:8443");
    World::with(backend, &[&origins, "ISSUER=https://id.example/tenants/one"]).await
}

async fn with_a_path_like_a_pattern(backend: Backend) -> World {
    World::with(backend, &["ISSUER=https://id.example/:a/*b"]).await
}

async fn fetch(world: &World, path: &str) -> HttpAnswer {
    let answer = get(world.replica().side_port, path).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer
}

async fn access_token(world: &World) -> String {
    let alice = world.person("alice").await;
    let request = LoginRequest { audience: AUDIENCE.to_owned(), ..LoginRequest::default() };
    let request = LoginRequest { identifier: alice.email.clone(), ..request };
    alice.log_in_with(request).await.unwrap().tokens.access_token
}

/// As a service does that knows nothing but the issuer.
async fn a_token_is_verified_from_the_issuer_alone(world: World) {
    let token = access_token(&world).await;
    let metadata = fetch(&world, METADATA[0]).await.json();
    let place = metadata["jwks_uri"].as_str().unwrap().strip_prefix(ISSUER).unwrap();
    let keys = fetch(&world, place).await;
    assert_eq!(keys.header("content-type"), "application/jwk-set+json");
    let keys: JwkSet = serde_json::from_str(&keys.body).unwrap();
    let key = keys.find(token::read(&token).0["kid"].as_str().unwrap()).unwrap();
    let mut rules = Validation::new(Algorithm::ES256);
    rules.set_issuer(&[metadata["issuer"].as_str().unwrap()]);
    rules.set_audience(&[AUDIENCE]);
    // The world has another time than the library reads.
    rules.validate_exp = false;
    let claims = decode::<Value>(&token, &DecodingKey::from_jwk(key).unwrap(), &rules).unwrap().claims;
    assert_eq!(claims, token::read(&token).1);
}

async fn documents_are_kept_and_asked_for_again(world: World) {
    let side_port = world.replica().side_port;
    for path in [JWKS, PASSKEY_ORIGINS].iter().chain(&METADATA) {
        let first = fetch(&world, path).await;
        assert_eq!(first.header("cache-control"), "public, max-age=300");
        assert_eq!(first.header("access-control-allow-origin"), "*");
        assert_eq!(first.header("content-length"), first.body.len().to_string());
        let etag = first.header("etag");
        assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 20, "{etag}");
        assert_eq!(fetch(&world, path).await, first, "the same bytes under the same tag");

        let again = ask(side_port, &format!("GET {path}"), &[&format!("if-none-match: {etag}")]).await;
        assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", etag));
        assert_eq!(again.header("cache-control"), first.header("cache-control"));
        assert!(!again.headers.contains_key("content-length"), "an answer without a body has no length");
        let other = ask(side_port, &format!("GET {path}"), &["if-none-match: \"other\""]).await;
        assert_eq!(other, first);

        let head = ask(side_port, &format!("HEAD {path}"), &[]).await;
        assert_eq!((head.status, head.headers, head.body.as_str()), (200, first.headers, ""));
    }
}

async fn every_claim_of_a_token_is_announced(world: World) {
    let (_, claims) = token::read(&access_token(&world).await);
    let announced = fetch(&world, METADATA[0]).await.json()["claims_supported"].clone();
    let announced = announced.as_array().unwrap();
    for claim in claims.as_object().unwrap().keys() {
        assert!(announced.contains(&json!(claim)), "{claim}");
    }
}

async fn the_metadata_names_no_endpoint(world: World) {
    for path in METADATA {
        let answer = fetch(&world, path).await;
        assert_eq!(answer.header("content-type"), "application/json");
        let metadata = answer.json();
        assert_eq!(metadata["issuer"], json!(ISSUER));
        assert_eq!(metadata["jwks_uri"], json!(format!("{ISSUER}{JWKS}")));
        assert_eq!(metadata["id_token_signing_alg_values_supported"], json!(["ES256"]));
        for required in ["response_types_supported", "subject_types_supported"] {
            assert!(metadata[required].as_array().is_some_and(|values| !values.is_empty()), "{required}");
        }
        for member in metadata.as_object().unwrap().keys() {
            assert!(!member.ends_with("_endpoint") && !member.contains("grant"), "{member}");
        }
    }
}

async fn the_metadata_names_the_algorithms_of_the_keys(world: World) {
    let metadata = fetch(&world, METADATA[1]).await.json();
    assert_eq!(metadata["id_token_signing_alg_values_supported"], json!(["EdDSA"]));
    assert_eq!(fetch(&world, JWKS).await.json()["keys"][0]["alg"], json!("EdDSA"));
}

/// OpenID Connect Discovery puts the well-known path after that of the issuer, RFC 8414 before it.
async fn an_issuer_with_a_path_is_found(world: World) {
    let token = access_token(&world).await;
    assert_eq!(token::read(&token).1["iss"], json!(ISSUER_WITH_PATH));
    for path in [
        "/tenants/one/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/tenants/one",
        "/.well-known/openid-configuration/tenants/one",
    ] {
        let metadata = fetch(&world, path).await.json();
        assert_eq!(metadata["issuer"], json!(ISSUER_WITH_PATH), "{path}");
        let place = metadata["jwks_uri"].as_str().unwrap().strip_prefix("https://id.example").unwrap();
        assert_eq!(fetch(&world, place).await, fetch(&world, JWKS).await);
    }
    for path in ["/tenants/one/metrics", "/tenants/one/healthz", "/tenants/.well-known/openid-configuration"] {
        assert_eq!(get(world.replica().side_port, path).await.status, 404, "{path}");
    }
}

async fn the_path_of_an_issuer_is_no_pattern(world: World) {
    for (path, status) in [
        ("/:a/*b/.well-known/jwks.json", 200),
        ("/.well-known/openid-configuration/:a/*b", 200),
        ("/x/y/.well-known/jwks.json", 404),
        ("/.well-known/openid-configuration/x/y", 404),
    ] {
        assert_eq!(get(world.replica().side_port, path).await.status, status, "{path}");
    }
}

async fn passkeys_are_used_at_the_issuer(world: World) {
    let answer = fetch(&world, PASSKEY_ORIGINS).await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.json(), json!({"origins": [ISSUER]}));
}

/// Browsers ask the domain, which is without the path of the issuer, and apps ask elsewhere.
async fn pages_elsewhere_may_use_passkeys(world: World) {
    let answer = fetch(&world, PASSKEY_ORIGINS).await;
    assert_eq!(answer.json(), json!({"origins": ["https://app.id.example", "https://shop.example:8443"]}));
    let below = format!("/tenants/one{PASSKEY_ORIGINS}");
    assert_eq!(get(world.replica().side_port, &below).await.status, 404);
}
