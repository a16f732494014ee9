use ipse::proto::SigningKeyState;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};
use time::Duration;

use crate::support::database::Backend;
use crate::support::forge::Key;
use crate::support::key_holder::keys;
use crate::support::on_both_backends;
use crate::support::token;
use crate::support::world::{AUDIENCE, ISSUER, World};

on_both_backends! {
    World::start =>
    the_key_says_what_it_is
    other_services_can_check_tokens_by_the_key
    no_private_member_is_told
    a_restart_changes_no_key
    replicas_that_start_together_agree_on_one_key
    private_keys_are_sealed
}

on_both_backends! {
    with_eddsa =>
    an_operator_may_choose_eddsa
}

on_both_backends! {
    with_rs256 =>
    an_operator_may_choose_rs256
}

async fn with_eddsa(backend: Backend) -> World {
    World::with(backend, &["SIGNING_ALGORITHM=EdDSA"]).await
}

async fn with_rs256(backend: Backend) -> World {
    World::with(backend, &["SIGNING_ALGORITHM=RS256"]).await
}

async fn the_key_says_what_it_is(world: World) {
    let [key] = &keys(&world.replica().channel).await[..] else { panic!("one key") };
    assert_eq!(key.state(), SigningKeyState::Active);
    assert_eq!(key.algorithm, "ES256");
    assert_eq!(key.create_time.unwrap().seconds, token::seconds(&world));
    assert_eq!((key.activate_time, key.retire_time), (key.create_time, None));
    let jwk: Value = serde_json::from_str(&key.jwk).unwrap();
    assert_eq!((&jwk["kid"], &jwk["alg"], &jwk["use"]), (&json!(key.kid), &json!("ES256"), &json!("sig")));
    assert!(key.kid.len() == 43 && key.jwk.len() <= 2048);
    let access_token = world.person("alice").await.log_in().await.unwrap().tokens.access_token;
    assert_eq!(token::read(&access_token).0["kid"], json!(key.kid));
}

/// Checks a token as another service would, with nothing but the listed keys.
async fn check(world: &World, token: &str, algorithm: Algorithm) -> Result<Value, jsonwebtoken::errors::Error> {
    let (header, _) = token::read(token);
    let keys = keys(&world.replica().channel).await;
    let key = keys.iter().find(|key| header["kid"] == json!(key.kid)).expect("the key is listed");
    let jwk: Jwk = serde_json::from_str(&key.jwk).unwrap();
    let mut rules = Validation::new(algorithm);
    rules.set_issuer(&[ISSUER]);
    rules.set_audience(&[AUDIENCE]);
    // The world has another time than the library reads.
    rules.validate_exp = false;
    decode::<Value>(token, &DecodingKey::from_jwk(&jwk)?, &rules).map(|token| token.claims)
}

async fn signed_in_for_orders(world: &World) -> String {
    let alice = world.person("alice").await;
    let request = ipse::proto::LoginRequest {
        identifier: alice.email.clone(),
        audience: AUDIENCE.to_owned(),
        ..ipse::proto::LoginRequest::default()
    };
    alice.log_in_with(request).await.unwrap().tokens.access_token
}

async fn other_services_can_check_tokens_by_the_key(world: World) {
    let token = signed_in_for_orders(&world).await;
    let claims = check(&world, &token, Algorithm::ES256).await.unwrap();
    assert_eq!(claims, token::read(&token).1);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let changed = if signature.starts_with('A') { "B" } else { "A" };
    check(&world, &format!("{signed}.{changed}{}", &signature[1..]), Algorithm::ES256).await.unwrap_err();
}

async fn an_operator_may_choose_eddsa(world: World) {
    let token = signed_in_for_orders(&world).await;
    assert_eq!(token::read(&token).0["alg"], json!("EdDSA"));
    assert_eq!(keys(&world.replica().channel).await[0].algorithm, "EdDSA");
    check(&world, &token, Algorithm::EdDSA).await.unwrap();
}

async fn an_operator_may_choose_rs256(world: World) {
    let token = signed_in_for_orders(&world).await;
    assert_eq!(token::read(&token).0["alg"], json!("RS256"));
    check(&world, &token, Algorithm::RS256).await.unwrap();
    let [key] = &keys(&world.replica().channel).await[..] else { panic!("one key") };
    let jwk: serde_json::Map<String, Value> = serde_json::from_str(&key.jwk).unwrap();
    let members: Vec<_> = jwk.keys().map(String::as_str).collect();
    assert_eq!(members, ["alg", "e", "kid", "kty", "n", "use"]);
}

async fn no_private_member_is_told(world: World) {
    for key in keys(&world.replica().channel).await {
        let jwk: serde_json::Map<String, Value> = serde_json::from_str(&key.jwk).unwrap();
        let mut members: Vec<_> = jwk.keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    }
}

async fn a_restart_changes_no_key(world: World) {
    let before = keys(&world.replica().channel).await;
    let token = world.person("alice").await.log_in().await.unwrap().tokens.access_token;
    world.wait(Duration::minutes(5));
    let world = world.restart().await;
    assert_eq!(keys(&world.replica().channel).await, before);
    world.stranger("alice").log_in().await.unwrap().bearing(&token).me().await.unwrap();
}

async fn replicas_that_start_together_agree_on_one_key(world: World) {
    let mut database = world.database.outsider().await;
    database.execute("DELETE FROM signing_keys; DELETE FROM server_secrets").await;
    let (one, other) = tokio::join!(world.another_replica(), world.another_replica());
    assert_eq!(world.count("signing_keys").await, 1);
    assert_eq!(keys(&one.channel).await, keys(&other.channel).await);
    let alice = world.stranger("alice").through(&one.channel);
    alice.register().await.unwrap();
    alice.verify(&alice.mailed_token().await).await.unwrap();
    let phone = alice.log_in().await.unwrap();
    let elsewhere = alice.through(&other.channel).refresh(&phone.tokens.refresh_token).await.unwrap();
    elsewhere.me().await.unwrap();
    elsewhere.bearing(&phone.tokens.access_token).me().await.unwrap();
    one.stop().await;
    other.stop().await;
}

async fn private_keys_are_sealed(world: World) {
    let keys = world.store().read().await.unwrap().signing_keys().list_signing_keys().await.unwrap();
    // The object identifier of the curve, which is in every private key on it.
    let curve = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let sealed = &keys[0].sealed_private_key;
    assert!(!sealed.windows(curve.len()).any(|bytes| bytes == curve));
    // The right master key opens it, or this would panic.
    assert_eq!(Key::of(&world).await.public["kid"], json!(keys[0].kid));
}
