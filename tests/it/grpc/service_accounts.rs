//! Service accounts as those handle them who keep their keys.

use ipse::proto::ErrorReason::{
    CredentialsInvalid, EtagMismatch, FieldInvalid, NameTaken, PageTokenInvalid, PermissionMissing, RequestIdReused,
    ResourceNotFound,
};
use ipse::proto::ServiceAccount;
use time::Duration;
use tonic::Status;

use crate::support::custodian::Custodian;
use crate::support::on_both_backends;
use crate::support::refusal::{reason, refusal};
use crate::support::trail::Trail;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    an_account_is_made_read_changed_and_erased
    names_are_taken_once
    accounts_are_listed_page_by_page
    a_mask_says_what_changes
    a_stale_change_is_refused_and_loses_nothing
    an_account_is_disabled_and_enabled_again
    nobody_touches_an_account_that_may_do_more
    an_erased_account_is_gone_with_its_keys_and_grants
    a_repeat_has_no_second_effect_and_the_first_answer
    the_trail_tells_of_every_change_once
}

async fn an_account_is_made_read_changed_and_erased(world: World) {
    let root = Custodian::root(&world).await;
    let wish = ServiceAccount { description: "Takes orders.".to_owned(), ..named("orders") };
    let made = root.create_as("", wish).await.unwrap();
    assert_eq!((made.name.as_str(), made.description.as_str(), made.disabled), ("orders", "Takes orders.", false));
    assert_eq!(made.create_time, made.update_time);
    assert_eq!(root.get(&made.id).await.unwrap(), made);
    world.wait(Duration::minutes(1));
    let changed = root.update(ServiceAccount { name: "tills".to_owned(), ..made.clone() }, &["name"]).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.description.as_str()), ("tills", "Takes orders."));
    assert_ne!((&changed.etag, changed.update_time), (&made.etag, made.update_time));
    assert_eq!(root.get(&made.id).await.unwrap(), changed);
    root.delete(&made.id, &changed.etag).await.unwrap();
    let gone = refusal(root.get(&made.id).await);
    assert_eq!((gone.reason, gone.resource), (ResourceNotFound, Some(("ServiceAccount".to_owned(), made.id.clone()))));
    assert_eq!(reason(root.update(made.clone(), &["name"]).await), ResourceNotFound);
    assert_eq!(reason(root.disable(&made.id).await), ResourceNotFound);
    assert_eq!(reason(root.delete(&made.id, "").await), ResourceNotFound);
    assert_eq!(reason(root.create_key(&made.id, &[]).await), ResourceNotFound);
    assert_eq!(reason(root.keys(&made.id, 0, "").await), ResourceNotFound);
    assert_ne!(root.create("orders").await.unwrap().id, made.id, "no id is used again");
}

fn named(name: &str) -> ServiceAccount {
    ServiceAccount { name: name.to_owned(), ..ServiceAccount::default() }
}

async fn names_are_taken_once(world: World) {
    let root = Custodian::root(&world).await;
    let orders = root.create("orders").await.unwrap();
    assert_eq!(reason(root.create("orders").await), NameTaken);
    let tills = root.create("tills").await.unwrap();
    assert_eq!(reason(root.update(ServiceAccount { name: orders.name, ..tills }, &["name"]).await), NameTaken);
    for name in ["", "Orders", "2nd", "a b", &"a".repeat(65)] {
        let refused = refusal(root.create(name).await);
        assert_eq!(
            (refused.reason, refused.fields),
            (FieldInvalid, vec!["service_account.name".to_owned()]),
            "{name:?}"
        );
    }
    let long = ServiceAccount { description: "ü".repeat(257), ..named("long") };
    assert_eq!(refusal(root.create_as("", long).await).fields, ["service_account.description"]);
}

async fn accounts_are_listed_page_by_page(world: World) {
    let root = Custodian::root(&world).await;
    for name in ["c", "a", "e", "b", "d"] {
        root.create(name).await.unwrap();
    }
    let (first, token) = root.list(3, "").await.unwrap();
    let (second, end) = root.list(3, &token).await.unwrap();
    assert_eq!((first.concat(), second.concat(), end.as_str()), ("abc".into(), "de".into(), ""));
    assert_eq!(root.list(0, "").await.unwrap().0.concat(), "abcde");
    assert_eq!(reason(root.list(3, "invented").await), PageTokenInvalid);
    assert_eq!(reason(root.list(-1, "").await), FieldInvalid);
    let of_roles = root.operator().roles(1, "").await.unwrap().1;
    assert_eq!(reason(root.list(3, &of_roles).await), PageTokenInvalid, "the token of another list");
}

async fn a_mask_says_what_changes(world: World) {
    let root = Custodian::root(&world).await;
    let made = root.create("orders").await.unwrap();
    let wish = ServiceAccount {
        id: made.id.clone(),
        name: "tills".to_owned(),
        description: "d".to_owned(),
        disabled: true,
        ..ServiceAccount::default()
    };
    let changed = root.update(wish.clone(), &["description"]).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.description.as_str(), changed.disabled), ("orders", "d", false));
    let changed = root.update(ServiceAccount { description: String::new(), ..wish.clone() }, &[]).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.description.as_str()), ("tills", "d"), "what is populated");
    let changed = root.update(ServiceAccount { description: String::new(), ..wish.clone() }, &["*"]).await.unwrap();
    assert_eq!((changed.description.as_str(), changed.disabled), ("", false));
    for path in ["disabled", "nothing"] {
        let refused = refusal(root.update(wish.clone(), &[path]).await);
        assert_eq!((refused.reason, refused.fields), (FieldInvalid, vec!["update_mask".to_owned()]), "{path}");
    }
}

async fn a_stale_change_is_refused_and_loses_nothing(world: World) {
    let root = Custodian::root(&world).await;
    let read = root.create("orders").await.unwrap();
    let first = root.update(ServiceAccount { name: "tills".to_owned(), ..read.clone() }, &["name"]).await.unwrap();
    let late = ServiceAccount { description: "late".to_owned(), ..read.clone() };
    assert_eq!(reason(root.update(late, &["description"]).await), EtagMismatch);
    assert_eq!(reason(root.delete(&read.id, &read.etag).await), EtagMismatch);
    assert_eq!(root.get(&read.id).await.unwrap(), first);
}

async fn an_account_is_disabled_and_enabled_again(world: World) {
    let root = Custodian::root(&world).await;
    let program = root.program(&world, "service", &[]).await;
    let enabled = root.enable(&program.account.id).await.unwrap();
    assert_eq!(enabled, program.account, "it stays as it is");
    let disabled = root.disable(&program.account.id).await.unwrap();
    assert!(disabled.disabled && disabled.etag != enabled.etag);
    assert_eq!(root.disable(&program.account.id).await.unwrap(), disabled, "it stays as it is");
    assert_eq!(reason(program.exchange().await), CredentialsInvalid);
    assert!(!root.enable(&program.account.id).await.unwrap().disabled);
    program.exchange().await.unwrap();
}

async fn nobody_touches_an_account_that_may_do_more(world: World) {
    let root = Custodian::root(&world).await;
    root.operator().create("keepers", &["service_accounts.*"]).await.unwrap();
    root.operator().create("desk", &["orders.refund"]).await.unwrap();
    world.person("lead").await;
    world.give_role("lead@example.com", "keepers").await;
    let lead = Custodian(world.stranger("lead").log_in().await.unwrap());
    let mightier = root.program(&world, "desk", &[]).await;
    let id = mightier.account.id.as_str();
    let missing = |outcome: Result<(), Status>| {
        let refused = refusal(outcome);
        assert_eq!((refused.reason, refused.metadata["permission"].as_str()), (PermissionMissing, "orders.refund"));
    };
    missing(
        lead.update(ServiceAccount { name: "mine".to_owned(), ..mightier.account.clone() }, &["name"]).await.map(drop),
    );
    missing(lead.disable(id).await.map(drop));
    missing(lead.enable(id).await.map(drop));
    missing(lead.delete(id, "").await);
    missing(lead.create_key(id, &[]).await.map(drop));
    missing(lead.revoke_key(&mightier.key.id).await.map(drop));
    assert_eq!(lead.get(id).await.unwrap(), mightier.account, "to look is no harm");

    let own = lead.create("own").await.unwrap();
    lead.create_key(&own.id, &[]).await.unwrap();
    assert_eq!(reason(lead.give_role(&own.id, "desk").await), PermissionMissing);
    lead.delete(&own.id, "").await.unwrap();
}

async fn an_erased_account_is_gone_with_its_keys_and_grants(world: World) {
    let root = Custodian::root(&world).await;
    let program = root.program(&world, "service", &[]).await;
    root.delete(&program.account.id, "").await.unwrap();
    for table in ["service_accounts", "api_keys", "service_role_grants"] {
        assert_eq!(world.count(table).await, 0, "{table}");
    }
    assert_eq!(reason(program.exchange().await), CredentialsInvalid);
    assert_eq!(reason(root.revoke_key(&program.key.id).await), ResourceNotFound);
}

const REQUEST: &str = "0b0e7b4e-8c1a-4d5e-9f10-111111111111";

async fn a_repeat_has_no_second_effect_and_the_first_answer(world: World) {
    let root = Custodian::root(&world).await;
    let made = root.create_as(REQUEST, named("orders")).await.unwrap();
    root.update(ServiceAccount { name: "tills".to_owned(), ..made.clone() }, &["name"]).await.unwrap();
    assert_eq!(root.create_as(REQUEST, named("orders")).await.unwrap(), made);
    assert_eq!(world.count("service_accounts").await, 1);
    assert_eq!(reason(root.create_as(REQUEST, named("other")).await), RequestIdReused);
}

async fn the_trail_tells_of_every_change_once(world: World) {
    let root = Custodian::root(&world).await;
    let mut trail = Trail::from_now_on(&world).await.knowing(&["root"]).await;
    let account = root.create("orders").await.unwrap();
    root.update(ServiceAccount { name: "tills".to_owned(), ..account.clone() }, &["name"]).await.unwrap();
    root.give_role(&account.id, "service").await.unwrap();
    let (key, _) = root.create_key(&account.id, &[]).await.unwrap();
    for _ in 0..2 {
        root.revoke_key(&key.id).await.unwrap();
        root.disable(&account.id).await.unwrap();
    }
    root.enable(&account.id).await.unwrap();
    root.enable(&account.id).await.unwrap();
    root.delete(&account.id, "").await.unwrap();
    let events = trail.events().await;
    assert!(events.iter().all(|event| event.event.subject == account.id));
    assert_eq!((&events[3].event.details["key_id"], &events[4].event.details["key_id"]), (&key.id, &key.id));
    assert_eq!(
        trail.tell(&events),
        [
            "service_account_created success root>?",
            "service_account_updated success root>?",
            "privilege_permissions_changed success root>?",
            "api_key_created success root>?",
            "api_key_revoked success root>?",
            "service_account_disabled success root>?",
            "service_account_enabled success root>?",
            "service_account_deleted success root>?",
        ]
    );
}
