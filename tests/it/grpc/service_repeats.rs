//! Calls about service accounts that come twice: a client that lost the answer may ask again.

use futures_util::future::join_all;
use ipse::proto::ErrorReason::RequestIdReused;
use ipse::proto::*;
use prost::Message;
use time::Duration;

use crate::support::custodian::{Custodian, new_key};
use crate::support::on_both_backends;
use crate::support::refusal::reason;
use crate::support::wire::{Answer, Call};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    a_repeat_of_every_mutation_changes_nothing_and_gets_the_same_bytes
    parallel_repeats_make_one_key
    a_narrower_token_does_not_get_what_a_wider_one_was_answered
}

/// The answer as bytes; the transport's own id is always the same.
async fn answer(root: &Custodian<'_>, world: &World, method: &str, message: &impl Message) -> Answer {
    let bearer = format!("Bearer {}", root.0.tokens.access_token);
    let headers: [(&str, &[u8]); 2] = [("authorization", bearer.as_bytes()), ("x-request-id", b"the-same")];
    let path = format!("/ipse.v1.ServiceAccountService/{method}");
    Call::new(&path, &message.encode_to_vec()).with(&headers).send(world.replica().address).await.unwrap()
}

/// All that the service stores of service accounts, with the trail of what happened.
async fn stored(world: &World) -> Vec<String> {
    let mut outsider = world.database.outsider().await;
    let mut all = Vec::new();
    for query in [
        "SELECT name || CAST(disabled AS text) || CAST(revision AS text) AS value FROM service_accounts ORDER BY name",
        "SELECT display_name || coalesce(CAST(revoke_time AS text), '') AS value FROM api_keys ORDER BY id",
        "SELECT kind || target AS value FROM access_changes ORDER BY sequence",
        "SELECT type || actor || subject AS value FROM audit_events ORDER BY sequence",
    ] {
        all.extend(outsider.values(query).await);
    }
    all
}

async fn a_repeat_of_every_mutation_changes_nothing_and_gets_the_same_bytes(world: World) {
    let root = Custodian::root(&world).await;
    let request_id = |number: u8| format!("0b0e7b4e-8c1a-4d5e-9f10-{number:012}");
    let account = root.create("orders").await.unwrap();
    let key = root.create_key(&account.id, &[]).await.unwrap().0;
    let (id, etag) = (&account.id, String::new());
    macro_rules! twice {
        ($($number:literal $method:literal $request:expr;)*) => {$(
            let request = $request(request_id($number));
            let first = answer(&root, &world, $method, &request).await;
            first.result().unwrap();
            let after = stored(&world).await;
            world.wait(Duration::minutes(1));
            let second = answer(&root, &world, $method, &request).await;
            assert_eq!(second, first, "{}", $method);
            assert_eq!(stored(&world).await, after, "{}", $method);
        )*};
    }
    let named =
        |name: &str| Some(ServiceAccount { id: id.clone(), name: name.to_owned(), ..ServiceAccount::default() });
    twice! {
        1 "CreateServiceAccount" |request_id| CreateServiceAccountRequest { service_account: named("tills"), request_id };
        2 "UpdateServiceAccount" |request_id| UpdateServiceAccountRequest {
            service_account: named("renamed"), update_mask: None, request_id
        };
        3 "CreateApiKey" |request_id| CreateApiKeyRequest { api_key: Some(new_key(id, &[])), request_id };
        4 "RevokeApiKey" |request_id| RevokeApiKeyRequest { id: key.id, request_id };
        5 "DisableServiceAccount" |request_id| DisableServiceAccountRequest { id: id.clone(), request_id };
        6 "EnableServiceAccount" |request_id| EnableServiceAccountRequest { id: id.clone(), request_id };
        7 "DeleteServiceAccount" |request_id| DeleteServiceAccountRequest { id: id.clone(), etag, request_id };
    }
}

async fn parallel_repeats_make_one_key(world: World) {
    let root = Custodian::root(&world).await;
    let account = root.create("orders").await.unwrap();
    let id = "0b0e7b4e-8c1a-4d5e-9f10-111111111111";
    let outcomes = join_all((0..8).map(|_| root.create_key_as(id, new_key(&account.id, &[])))).await;
    let made: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    assert!(made.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(world.count("api_keys").await, 1);
}

async fn a_narrower_token_does_not_get_what_a_wider_one_was_answered(world: World) {
    let root = Custodian::root(&world).await;
    let program = root.program(&world, "administrator", &[]).await;
    let caller = async |scopes: &[&str]| {
        let token = program.exchange_for(scopes).await.unwrap().access_token;
        Custodian(program.calling_with(&token))
    };
    let (wide, narrow) = (caller(&["*"]).await, caller(&["service_accounts.*"]).await);
    let request_id = "0b0e7b4e-8c1a-4d5e-9f10-000000000001";
    let (_, secret) = wide.create_key_as(request_id, new_key(&program.account.id, &["*"])).await.unwrap();
    assert_eq!(wide.create_key_as(request_id, new_key(&program.account.id, &["*"])).await.unwrap().1, secret);
    let refused = narrow.create_key_as(request_id, new_key(&program.account.id, &["*"])).await;
    assert_eq!(reason(refused), RequestIdReused);
}
