//! What an API key is exchanged for, and when it is not.

use ipse::domain::credential::api_key_secret::ApiKeySecret;
use ipse::domain::id::ApiKeyId;
use ipse::proto::ErrorReason::{
    AudienceUnknown, CredentialsInvalid, FieldInvalid, PermissionMissing, RateLimited, TokenInvalid, TokenMissing,
};
use ipse::proto::{ApiKey, ExchangeApiKeyRequest};
use prost_types::Timestamp as ProtoTime;
use serde_json::json;
use time::Duration;
use tonic::Code;

use crate::support::custodian::{Custodian, Program, exchange, new_key};
use crate::support::database::Backend;
use crate::support::on_both_backends;
use crate::support::operator::Operator;
use crate::support::refusal::{reason, refusal};
use crate::support::token::{self, seconds};
use crate::support::trail::Trail;
use crate::support::world::{AUDIENCE, ISSUER, START, World};

on_both_backends! {
    World::start =>
    a_token_says_who_has_it_and_what_for
    an_audience_is_one_of_those_allowed
    a_token_is_limited_to_what_key_and_account_have
    what_the_account_lost_the_key_lost
    no_token_outlives_its_key
    keys_that_open_nothing_are_refused_with_the_same_bytes
    keys_that_are_refused_are_told_of_five_times_an_hour
    keys_that_are_none_slow_their_network_down
    the_last_use_is_written_down_once_a_minute
    an_exchange_waits_for_no_writer
    a_key_is_no_access_token_and_a_token_is_no_key
}

async fn a_token_says_who_has_it_and_what_for(world: World) {
    let root = Custodian::root(&world).await;
    let program = root.program(&world, "service", &[]).await;
    root.give_role(&program.account.id, "auditor").await.unwrap();
    let answer = program.exchange().await.unwrap();
    let (header, mut claims) = token::read(&answer.access_token);
    assert_eq!(header["typ"], "at+jwt");
    let id = claims.as_object_mut().unwrap().remove("jti").unwrap();
    let now = seconds(&world);
    assert_eq!(
        claims,
        json!({
            "iss": ISSUER, "sub": program.account.id, "client_id": program.account.id, "sid": program.key.id,
            "aud": [ISSUER], "iat": now, "exp": now + 900, "roles": ["auditor", "service"],
        })
    );
    assert_eq!(answer.expire_time, Some(ProtoTime { seconds: now + 900, nanos: 0 }));
    let again = token::read(&program.exchange().await.unwrap().access_token).1;
    assert_ne!(again["jti"], id, "each token has an id of its own");
}

fn for_audience(program: &Program<'_>, audience: &str) -> ExchangeApiKeyRequest {
    ExchangeApiKeyRequest {
        api_key: program.secret.clone(),
        audience: audience.to_owned(),
        scopes: vec![],
        request_id: String::new(),
    }
}

async fn an_audience_is_one_of_those_allowed(world: World) {
    let root = Custodian::root(&world).await;
    let program = root.program(&world, "auditor", &[]).await;
    for own in ["", ISSUER] {
        let token = exchange(&world, for_audience(&program, own)).await.unwrap().access_token;
        assert_eq!(token::read(&token).1["aud"], json!([ISSUER]));
        Operator(program.calling_with(&token)).roles(0, "").await.unwrap();
    }
    let token = exchange(&world, for_audience(&program, AUDIENCE)).await.unwrap().access_token;
    assert_eq!(token::read(&token).1["aud"], json!([AUDIENCE]));
    let elsewhere = Operator(program.calling_with(&token)).roles(0, "").await;
    assert_eq!(reason(elsewhere), TokenInvalid, "it is for others alone");
    assert_eq!(reason(exchange(&world, for_audience(&program, "order")).await), AudienceUnknown);
}

async fn a_token_is_limited_to_what_key_and_account_have(world: World) {
    let root = Custodian::root(&world).await;
    root.operator().create("desk", &["orders.*", "crm.read"]).await.unwrap();
    let limited = root.program(&world, "desk", &["orders.*"]).await;
    let (key, secret) = root.create_key(&limited.account.id, &[]).await.unwrap();
    let unlimited = async |scopes: &[&str]| {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        let request = ExchangeApiKeyRequest { api_key: secret.clone(), scopes, ..ExchangeApiKeyRequest::default() };
        exchange(&world, request).await
    };
    let granted = |answer: ipse::proto::ExchangeApiKeyResponse| {
        let (_, claims) = token::read(&answer.access_token);
        (claims["scope"].clone(), claims["roles"].clone())
    };
    assert_eq!(granted(limited.exchange().await.unwrap()), (json!("orders.*"), json!(null)));
    assert_eq!(
        granted(limited.exchange_for(&["orders.read", "orders.pay"]).await.unwrap()).0,
        "orders.pay orders.read"
    );
    assert_eq!(granted(unlimited(&[]).await.unwrap()), (json!(null), json!(["desk"])));
    assert_eq!(granted(unlimited(&["crm.read", "orders.*"]).await.unwrap()), (json!("crm.read orders.*"), json!(null)));
    for (outcome, missing) in [
        (limited.exchange_for(&["crm.read"]).await, "crm.read"),
        (limited.exchange_for(&["*"]).await, "*"),
        (unlimited(&["crm.*"]).await, "crm.*"),
        (unlimited(&["orders.read", "users.read"]).await, "users.read"),
    ] {
        let refused = refusal(outcome);
        assert_eq!((refused.reason, refused.metadata["permission"].as_str()), (PermissionMissing, missing));
    }
    for scopes in [&[""][..], &["orders"], &["orders.read"; 17]] {
        let refused = refusal(unlimited(scopes).await);
        assert_eq!((refused.reason, refused.fields), (FieldInvalid, vec!["scopes".to_owned()]), "{scopes:?}");
    }
    assert_eq!(key.scopes, Vec::<String>::new());
}

async fn what_the_account_lost_the_key_lost(world: World) {
    let root = Custodian::root(&world).await;
    let desk = root.operator().create("desk", &["orders.*", "crm.read"]).await.unwrap();
    let program = root.program(&world, "desk", &["orders.*", "crm.read"]).await;
    let narrowed =
        ipse::proto::Role { permissions: vec!["orders.read".to_owned(), "crm.*".to_owned()], ..desk.clone() };
    root.operator().update(narrowed, &["permissions"]).await.unwrap();
    let scope = token::read(&program.exchange().await.unwrap().access_token).1["scope"].clone();
    assert_eq!(scope, "crm.read", "only what the account has whole");
    program.exchange_for(&["orders.read"]).await.unwrap();
    root.operator().revoke_from_service(&desk.id, &program.account.id).await.unwrap();
    let refused = refusal(program.exchange().await);
    assert_eq!((refused.reason, refused.metadata["permission"].as_str()), (PermissionMissing, "crm.read"));
}

async fn no_token_outlives_its_key(world: World) {
    let root = Custodian::root(&world).await;
    let program = root.program(&world, "auditor", &[]).await;
    let expire_time = ProtoTime { seconds: seconds(&world) + 600, nanos: 0 };
    let short = ApiKey { expire_time: Some(expire_time), ..new_key(&program.account.id, &[]) };
    let (_, secret) = root.create_key_as("", short).await.unwrap();
    let wish = ExchangeApiKeyRequest { api_key: secret, ..ExchangeApiKeyRequest::default() };
    world.wait(Duration::seconds(590));
    let answer = exchange(&world, wish.clone()).await.unwrap();
    assert_eq!(answer.expire_time, Some(expire_time));
    assert_eq!(token::read(&answer.access_token).1["exp"], expire_time.seconds);
    world.wait(Duration::seconds(10));
    assert_eq!(reason(exchange(&world, wish).await), CredentialsInvalid);
}

async fn keys_that_open_nothing_are_refused_with_the_same_bytes(world: World) {
    let root = Custodian::root(&world).await;
    let good = root.program(&world, "service", &[]).await;
    let (disabled, deleted) = (root.create("disabled").await.unwrap(), root.create("deleted").await.unwrap());
    let secret_of = async |account_id: &str| root.create_key(account_id, &[]).await.unwrap();
    let (revoked, expired) = (secret_of(&good.account.id).await, {
        let expire_time = Some(ProtoTime { seconds: seconds(&world) + 1, nanos: 0 });
        root.create_key_as("", ApiKey { expire_time, ..new_key(&good.account.id, &[]) }).await.unwrap()
    });
    let (of_disabled, of_deleted) = (secret_of(&disabled.id).await.1, secret_of(&deleted.id).await.1);
    root.revoke_key(&revoked.0.id).await.unwrap();
    root.disable(&disabled.id).await.unwrap();
    root.delete(&deleted.id, "").await.unwrap();
    world.wait(Duration::seconds(1));
    let made_up =
        |id: &str, byte| ApiKeySecret::new(ApiKeyId::parse(id).unwrap(), [byte; 32]).expose().expose().to_owned();
    let refresh_token = world.person("alice").await.log_in().await.unwrap().tokens.refresh_token;
    let cut = good.secret[..109].to_owned();

    let path = "/ipse.v1.TokenService/ExchangeApiKey";
    let answer = async |api_key: &str| {
        let request = ExchangeApiKeyRequest { api_key: api_key.to_owned(), ..ExchangeApiKeyRequest::default() };
        world.answer(path, &request).await
    };
    let expected = answer("garbage").await;
    assert_eq!((expected.status().code(), reason(expected.result())), (Code::Unauthenticated, CredentialsInvalid));
    for (name, api_key) in [
        ("revoked", revoked.1),
        ("expired", expired.1),
        ("disabled", of_disabled),
        ("deleted", of_deleted),
        ("unknown", made_up("0190d5ac-0000-7000-8000-000000000001", 7)),
        ("another secret", made_up(&good.key.id, 7)),
        ("a typing error", good.secret.replace(&good.secret[100..], "0000000000")),
        ("cut", cut),
        ("longer", format!("{}0", good.secret)),
        ("in capitals", good.secret.to_uppercase()),
        ("with a space", format!(" {}", good.secret)),
        ("twice", format!("{0}{0}", good.secret)),
        ("the prefix", good.key.prefix.clone()),
        ("the id", good.key.id.clone()),
        ("a refresh token", refresh_token),
    ] {
        assert_eq!(answer(&api_key).await, expected, "{name}");
    }
    answer(&good.secret).await.result().unwrap();
}

async fn keys_that_are_refused_are_told_of_five_times_an_hour(world: World) {
    let root = Custodian::root(&world).await;
    let program = root.program(&world, "auditor", &["audit.read"]).await;
    let secret = ApiKeySecret::new(ApiKeyId::parse(&program.key.id).unwrap(), [7; 32]).expose();
    let guess = ExchangeApiKeyRequest { api_key: secret.expose().to_owned(), ..ExchangeApiKeyRequest::default() };
    let mut trail = Trail::from_now_on(&world).await;
    for _ in 0..8 {
        assert_eq!(reason(exchange(&world, guess.clone()).await), CredentialsInvalid);
    }
    let events = trail.events().await;
    assert_eq!(trail.tell(&events), ["api_key_refused failure ->? SECRET_WRONG"; 5]);
    let event = &events[0].event;
    assert_eq!((&event.subject, &event.details["key_id"]), (&program.account.id, &program.key.id));
    // Another cause has room of its own.
    assert_eq!(reason(program.exchange_for(&["users.write"]).await), PermissionMissing);
    let events = trail.events().await;
    assert_eq!(trail.tell(&events), ["api_key_refused denied ->? PERMISSION_MISSING"]);
    assert_eq!(events[0].event.details["permission"], "users.write");
    root.disable(&program.account.id).await.unwrap();
    program.exchange().await.unwrap_err();
    root.revoke_key(&program.key.id).await.unwrap();
    program.exchange().await.unwrap_err();
    let lines = trail.lines().await;
    assert_eq!(lines[1], "api_key_refused failure ->? ACCOUNT_DISABLED");
    assert_eq!(lines[3], "api_key_refused failure ->? REVOKED");
    // A key that there is not is told of by the network that it came from.
    let unknown = ApiKeySecret::new(ApiKeyId::NOBODY, [7; 32]).expose().expose().to_owned();
    exchange(&world, ExchangeApiKeyRequest { api_key: unknown, ..guess }).await.unwrap_err();
    assert_eq!(trail.lines().await, ["api_key_refused failure ->- KEY_UNKNOWN"]);
}

async fn the_last_use_is_written_down_once_a_minute(world: World) {
    let root = Custodian::root(&world).await;
    let program = root.program(&world, "service", &[]).await;
    let last_use = async || {
        world.replica().service_accounts.record_key_uses().await.unwrap();
        let keys = root.keys(&program.account.id, 0, "").await.unwrap().api_keys;
        keys[0].last_used_time.map(|time| time.seconds)
    };
    let begin = seconds(&world);
    assert_eq!(last_use().await, None);
    let guess = ApiKeySecret::new(ApiKeyId::parse(&program.key.id).unwrap(), [7; 32]).expose().expose().to_owned();
    exchange(&world, ExchangeApiKeyRequest { api_key: guess, ..ExchangeApiKeyRequest::default() }).await.unwrap_err();
    assert_eq!(last_use().await, None, "a refused key was not used");
    for (after, expected) in [(0, 0), (30, 0), (29, 0), (1, 60), (120, 180)] {
        world.wait(Duration::seconds(after));
        program.exchange().await.unwrap();
        assert_eq!(last_use().await, Some(begin + expected), "{after}");
    }
    // Another replica sees what this one wrote down.
    let other = world.another_replica().await;
    program.exchange().await.unwrap();
    other.service_accounts.record_key_uses().await.unwrap();
    assert_eq!(last_use().await, Some(begin + 180));
    other.stop().await;
}

async fn keys_that_are_none_slow_their_network_down(world: World) {
    let program = Custodian::root(&world).await.program(&world, "service", &[]).await;
    let mut trail = Trail::from_now_on(&world).await;
    let invented = ApiKeySecret::new(ApiKeyId::new(START, &[7; 10]), [7; 32]);
    for _ in 0..100 {
        let request = ExchangeApiKeyRequest {
            api_key: invented.expose().expose().to_owned(),
            ..ExchangeApiKeyRequest::default()
        };
        assert_eq!(reason(exchange(&world, request).await), CredentialsInvalid);
    }
    assert_eq!(trail.lines().await, ["api_key_refused failure ->- KEY_UNKNOWN"; 5]);
    let refused = refusal(program.exchange().await);
    assert_eq!((refused.reason, refused.retry_after), (RateLimited, Some(std::time::Duration::from_secs(1))));
    world.wait(Duration::seconds(1));
    program.exchange().await.unwrap();
}

async fn an_exchange_waits_for_no_writer(world: World) {
    let program = Custodian::root(&world).await.program(&world, "service", &[]).await;
    let mut outsider = world.database.outsider().await;
    let lock = match world.database.backend {
        Backend::Sqlite => "BEGIN IMMEDIATE",
        Backend::Postgres => "BEGIN; LOCK TABLE api_keys, service_accounts, audit_events, throttles IN EXCLUSIVE MODE",
    };
    outsider.execute(lock).await;
    program.exchange().await.unwrap();
    outsider.execute("ROLLBACK").await;
    world.replica().service_accounts.record_key_uses().await.unwrap();
    let query = "SELECT CAST(count(last_used_time) AS text) AS value FROM api_keys";
    assert_eq!(outsider.values(query).await, ["1"], "the use was kept in mind");
}

async fn a_key_is_no_access_token_and_a_token_is_no_key(world: World) {
    let program = Custodian::root(&world).await.program(&world, "auditor", &[]).await;
    let with_key = program.calling_with(&program.secret);
    assert_eq!(reason(Operator(with_key.clone()).roles(0, "").await), TokenInvalid);
    assert_eq!(reason(with_key.me().await), TokenInvalid);
    let bare = world.stranger("program").log_out("").await;
    assert_eq!(reason(bare), TokenMissing);
    let api_key = program.exchange().await.unwrap().access_token;
    let as_key = refusal(exchange(&world, ExchangeApiKeyRequest { api_key, ..ExchangeApiKeyRequest::default() }).await);
    assert_eq!((as_key.reason, as_key.fields), (FieldInvalid, vec!["api_key".to_owned()]), "it is far too long");
}
