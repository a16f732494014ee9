//! Roles as an operator handles them.

use futures_util::future::join_all;
use ipse::domain::access::role::ADMINISTRATOR;
use ipse::proto::ErrorReason::{
    EtagMismatch, FieldInvalid, LastAdmin, NameTaken, PageTokenInvalid, PermissionMissing, RequestIdReused,
    ResourceNotFound, RoleBuiltIn, RoleInUse, StepUpRequired, UserStateInvalid,
};
use ipse::proto::{DeleteRoleRequest, ListGrantsRequest, Role, list_grants_request};
use time::Duration;
use tonic::Status;

use crate::support::custodian::Custodian;
use crate::support::database::Backend;
use crate::support::on_both_backends;
use crate::support::operator::{Operator, role};
use crate::support::person::Device;
use crate::support::refusal::{reason, refusal};
use crate::support::registrar::Registrar;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    a_role_is_made_read_changed_and_erased
    a_role_opens_what_it_grants_at_once_and_closes_it_at_once
    a_change_of_a_role_holds_at_once_for_those_who_have_it
    nobody_hands_on_changes_or_takes_away_what_they_lack
    built_in_roles_stay_as_they_are
    a_role_that_somebody_has_stays
    a_role_is_taken_from_everybody_by_force
    a_grant_takes_a_fresh_sign_in
    an_account_that_the_next_may_take_over_gets_no_role
    the_last_active_administrator_remains_one
    two_administrators_cannot_take_each_other_away
    a_stale_change_is_refused_and_loses_nothing
    a_mask_says_what_changes
    names_are_taken_once
    a_repeat_has_no_second_effect_and_the_first_answer
    lists_come_page_by_page
}

async fn id_of(device: &Device<'_>) -> String {
    device.me().await.unwrap().user.unwrap().id
}

async fn a_role_is_made_read_changed_and_erased(world: World) {
    let root = Operator::root(&world).await;
    let made = root
        .create_as(
            "",
            Role {
                description: "Takes orders.".to_owned(),
                mfa_required: true,
                ..role("desk", &["orders.read", "crm.*"])
            },
        )
        .await
        .unwrap();
    assert_eq!((made.name.as_str(), made.description.as_str(), made.built_in), ("desk", "Takes orders.", false));
    assert_eq!(made.permissions, ["crm.*", "orders.read"]);
    assert!(made.mfa_required);
    assert_eq!(root.get(&made.id).await.unwrap(), made);
    world.wait(Duration::minutes(1));
    let changed =
        root.update(Role { permissions: vec!["orders.*".to_owned()], ..made.clone() }, &["permissions"]).await;
    let changed = changed.unwrap();
    assert_ne!((&changed.etag, changed.update_time), (&made.etag, made.update_time));
    assert_eq!(root.get(&made.id).await.unwrap(), changed);
    root.delete(&made.id, &changed.etag).await.unwrap();
    let gone = refusal(root.get(&made.id).await);
    assert_eq!((gone.reason, gone.resource), (ResourceNotFound, Some(("Role".to_owned(), made.id.clone()))));
    assert_eq!(reason(root.delete(&made.id, "").await), ResourceNotFound);
    assert_eq!(reason(root.update(made, &[]).await), ResourceNotFound);
}

async fn a_role_opens_what_it_grants_at_once_and_closes_it_at_once(world: World) {
    let root = Operator::root(&world).await;
    let alice = Operator(world.person("alice").await.log_in().await.unwrap());
    let id = alice.id().await;
    let missing = refusal(alice.roles(0, "").await);
    assert_eq!((missing.reason, missing.metadata["permission"].as_str()), (PermissionMissing, "roles.read"));
    let reader = root.create("reader", &["roles.read"]).await.unwrap();
    root.grant(&reader.id, &id).await.unwrap();
    root.grant(&reader.id, &id).await.unwrap();
    alice.roles(0, "").await.unwrap();
    assert_eq!(reason(alice.create("more", &[]).await), PermissionMissing);
    root.revoke(&reader.id, &id).await.unwrap();
    assert_eq!(reason(alice.roles(0, "").await), PermissionMissing);
    assert_eq!(reason(root.revoke(&reader.id, &id).await), ResourceNotFound);
}

async fn a_change_of_a_role_holds_at_once_for_those_who_have_it(world: World) {
    let root = Operator::root(&world).await;
    let alice = Operator(world.person("alice").await.log_in().await.unwrap());
    let desk = root.create("desk", &["orders.read"]).await.unwrap();
    root.grant(&desk.id, &alice.id().await).await.unwrap();
    assert_eq!(reason(alice.roles(0, "").await), PermissionMissing);
    root.update(Role { permissions: vec!["roles.*".to_owned()], ..desk.clone() }, &["permissions"]).await.unwrap();
    alice.roles(0, "").await.unwrap();
}

async fn nobody_hands_on_changes_or_takes_away_what_they_lack(world: World) {
    let root = Operator::root(&world).await;
    let lead = Operator(world.person("lead").await.log_in().await.unwrap());
    let bob = id_of(&world.person("bob").await.log_in().await.unwrap()).await;
    let leads = root.create("leads", &["roles.*", "orders.*"]).await.unwrap();
    root.grant(&leads.id, &lead.id().await).await.unwrap();
    let powers = root.create("powers", &["orders.read", "users.purge"]).await.unwrap();
    let missing = |outcome: Result<(), Status>| {
        let refused = refusal(outcome);
        assert_eq!(refused.reason, PermissionMissing);
        refused.metadata["permission"].clone()
    };

    let narrower = lead.create("narrower", &["orders.read", "roles.read"]).await.unwrap();
    lead.grant(&narrower.id, &bob).await.unwrap();
    lead.revoke(&narrower.id, &bob).await.unwrap();
    for permissions in [&["users.read"][..], &["*"], &["orders.read", "billing.*"]] {
        assert_eq!(reason(lead.create("wider", permissions).await), PermissionMissing, "{permissions:?}");
    }
    let widen = Role { permissions: vec!["*".to_owned()], ..narrower.clone() };
    assert_eq!(missing(lead.update(widen, &["permissions"]).await.map(|_| ())), "*");
    let narrow = Role { permissions: vec![], ..powers.clone() };
    assert_eq!(missing(lead.update(narrow, &["permissions"]).await.map(|_| ())), "users.purge");
    assert_eq!(missing(lead.delete(&powers.id, "").await), "users.purge");
    assert_eq!(missing(lead.grant(&powers.id, &bob).await), "users.purge");
    assert_eq!(missing(lead.grant(&ADMINISTRATOR.to_string(), &bob).await), "*");
    root.grant(&powers.id, &bob).await.unwrap();
    assert_eq!(missing(lead.revoke(&powers.id, &bob).await), "users.purge");
    assert_eq!(missing(lead.revoke(&ADMINISTRATOR.to_string(), &root.id().await).await), "*");
}

async fn built_in_roles_stay_as_they_are(world: World) {
    let root = Operator::root(&world).await;
    let support = root.get("00000000-0000-7000-8000-000000000002").await.unwrap();
    assert!(support.built_in);
    assert_eq!(reason(root.update(role("help", &[]), &["name"]).await), FieldInvalid);
    assert_eq!(reason(root.update(Role { name: "help".to_owned(), ..support.clone() }, &["name"]).await), RoleBuiltIn);
    assert_eq!(reason(root.delete(&support.id, "").await), RoleBuiltIn);
    assert_eq!(root.get(&support.id).await.unwrap(), support);
}

async fn a_role_that_somebody_has_stays(world: World) {
    let root = Operator::root(&world).await;
    let alice = id_of(&world.person("alice").await.log_in().await.unwrap()).await;
    let desk = root.create("desk", &[]).await.unwrap();
    root.grant(&desk.id, &alice).await.unwrap();
    assert_eq!(reason(root.delete(&desk.id, "").await), RoleInUse);
    root.revoke(&desk.id, &alice).await.unwrap();
    root.delete(&desk.id, "").await.unwrap();
}

async fn a_role_is_taken_from_everybody_by_force(world: World) {
    let root = Operator::root(&world).await;
    let alice = world.person("alice").await.log_in().await.unwrap();
    let (desk, other) = (root.create("desk", &["users.read"]).await.unwrap(), root.create("other", &[]).await.unwrap());
    let program = Custodian(root.0.clone()).create("program").await.unwrap();
    root.grant(&desk.id, &id_of(&alice).await).await.unwrap();
    root.grant(&other.id, &id_of(&alice).await).await.unwrap();
    root.grant_to_service(&desk.id, &program.id).await.unwrap();
    assert!(alice.me().await.unwrap().permissions.contains(&"users.read".to_owned()));
    let force = |id: &str| DeleteRoleRequest { id: id.to_owned(), force: true, ..DeleteRoleRequest::default() };
    root.delete_as(force(&desk.id)).await.unwrap();
    let me = alice.me().await.unwrap();
    assert_eq!((me.roles, me.permissions), (vec!["other".to_owned()], vec![]), "at once");
    assert_eq!(reason(root.get(&desk.id).await), ResourceNotFound);
    assert_eq!(reason(root.delete_as(force(&ADMINISTRATOR.to_string())).await), RoleBuiltIn);
}

/// A stolen session gives no right to anybody, unless it has just begun.
async fn a_grant_takes_a_fresh_sign_in(world: World) {
    let root = Operator::root(&world).await;
    let alice = id_of(&world.person("alice").await.log_in().await.unwrap()).await;
    let desk = root.create("desk", &[]).await.unwrap();
    world.wait(Duration::minutes(5) + Duration::SECOND);
    let refused = refusal(root.grant(&desk.id, &alice).await);
    assert_eq!(refused.reason, StepUpRequired);
    assert_eq!((&*refused.metadata["max_age"], &*refused.metadata["acr_values"]), ("300", "urn:ipse:aal:1"));
    root.get(&desk.id).await.unwrap();
    Operator(world.stranger("root").log_in().await.unwrap()).grant(&desk.id, &alice).await.unwrap();
}

async fn an_account_that_the_next_may_take_over_gets_no_role(world: World) {
    let root = Operator::root(&world).await;
    let desk = root.create("desk", &[]).await.unwrap();
    let alice = world.stranger("alice");
    alice.register().await.unwrap();
    let id = Registrar(root.0.clone()).look_up(&alice).await.id;
    assert_eq!(reason(root.grant(&desk.id, &id).await), UserStateInvalid);
    alice.verify(&alice.mailed_token().await).await.unwrap();
    root.grant(&desk.id, &id).await.unwrap();
}

async fn the_last_active_administrator_remains_one(world: World) {
    let root = Operator::root(&world).await;
    let (own, role) = (root.id().await, ADMINISTRATOR.to_string());
    assert_eq!(reason(root.revoke(&role, &own).await), LastAdmin);
    let second = world.person_with_role("second", "administrator").await;
    world.suspend("second@example.com").await;
    assert_eq!(reason(root.revoke(&role, &own).await), LastAdmin, "the other one is suspended");
    drop(second);
    world.person_with_role("third", "administrator").await;
    root.revoke(&role, &own).await.unwrap();
    assert_eq!(reason(root.roles(0, "").await), PermissionMissing);
}

async fn two_administrators_cannot_take_each_other_away(world: World) {
    let admins = [Operator::root(&world).await, Operator(world.person_with_role("second", "administrator").await)];
    let ids = [admins[0].id().await, admins[1].id().await];
    let role = ADMINISTRATOR.to_string();
    let outcomes = join_all([admins[0].revoke(&role, &ids[1]), admins[1].revoke(&role, &ids[0])]).await;
    assert!(outcomes.iter().any(Result::is_err), "one of them stays");
    assert_eq!(world.count("role_grants").await, 1);
}

async fn a_stale_change_is_refused_and_loses_nothing(world: World) {
    let root = Operator::root(&world).await;
    let read = root.create("desk", &["orders.read"]).await.unwrap();
    let first = root.update(Role { name: "orders".to_owned(), ..read.clone() }, &["name"]).await.unwrap();
    let late = Role { description: "late".to_owned(), ..read.clone() };
    assert_eq!(reason(root.update(late, &["description"]).await), EtagMismatch);
    assert_eq!(reason(root.delete(&read.id, &read.etag).await), EtagMismatch);
    assert_eq!(root.get(&read.id).await.unwrap(), first);
}

async fn a_mask_says_what_changes(world: World) {
    let root = Operator::root(&world).await;
    let made = root.create("desk", &["orders.read"]).await.unwrap();
    let wish = Role { id: made.id.clone(), name: "other".to_owned(), description: "d".to_owned(), ..Role::default() };
    let changed = root.update(wish.clone(), &["description"]).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.description.as_str()), ("desk", "d"));
    let changed = root.update(wish.clone(), &[]).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.permissions), ("other", vec!["orders.read".to_owned()]));
    let changed = root.update(wish.clone(), &["*"]).await.unwrap();
    assert_eq!(changed.permissions, Vec::<String>::new());
    let changed = root.update(wish.clone(), &["built_in", "etag"]).await.unwrap();
    assert!(!changed.built_in);
    let strict = root.update(Role { mfa_required: true, id: made.id, ..Role::default() }, &[]).await.unwrap();
    assert_eq!((strict.mfa_required, strict.name.as_str()), (true, "other"));
    assert!(root.update(wish.clone(), &["name"]).await.unwrap().mfa_required);
    assert!(!root.update(wish.clone(), &["mfa_required"]).await.unwrap().mfa_required);
    let unknown = refusal(root.update(wish, &["nothing"]).await);
    assert_eq!((unknown.reason, unknown.fields), (FieldInvalid, vec!["update_mask".to_owned()]));
}

async fn names_are_taken_once(world: World) {
    let root = Operator::root(&world).await;
    let desk = root.create("desk", &[]).await.unwrap();
    assert_eq!(reason(root.create("desk", &[]).await), NameTaken);
    assert_eq!(reason(root.create("administrator", &[]).await), NameTaken);
    assert_eq!(reason(root.update(Role { name: "support".to_owned(), ..desk }, &["name"]).await), NameTaken);
}

const REQUEST: &str = "0b0e7b4e-8c1a-4d5e-9f10-111111111111";

async fn a_repeat_has_no_second_effect_and_the_first_answer(world: World) {
    let root = Operator::root(&world).await;
    let made = root.create_as(REQUEST, role("desk", &["orders.read"])).await.unwrap();
    root.update(Role { name: "renamed".to_owned(), ..made.clone() }, &["name"]).await.unwrap();
    assert_eq!(
        root.create_as(REQUEST, role("desk", &["orders.read"])).await.unwrap(),
        made,
        "as it was answered first"
    );
    assert_eq!(world.count("roles").await, 5);
    assert_eq!(reason(root.create_as(REQUEST, role("desk", &["orders.write"])).await), RequestIdReused);
    assert_eq!(reason(root.grant_as(REQUEST, &made.id, &root.id().await).await), RequestIdReused);
    let malformed = refusal(root.create_as("1", role("other", &[])).await);
    assert_eq!((malformed.reason, malformed.fields), (FieldInvalid, vec!["request_id".to_owned()]));
    let second = Operator(world.person_with_role("second", "administrator").await);
    assert_ne!(second.create_as(REQUEST, role("desk", &[])).await.unwrap().id, made.id, "the id is the caller's own");
    let query = match world.database.backend {
        Backend::Sqlite => "SELECT lower(hex(sealed)) AS value FROM answered_requests",
        Backend::Postgres => "SELECT encode(sealed, 'hex') AS value FROM answered_requests",
    };
    let stored = world.database.outsider().await.values(query).await;
    assert!(stored.len() == 2 && stored.iter().all(|sealed| !sealed.contains(&hex("desk"))), "it is sealed");
    world.wait(Duration::hours(25));
    let root = Operator(world.stranger("root").log_in().await.unwrap());
    let again = root.create_as(REQUEST, role("after-a-day", &[])).await.unwrap();
    assert_ne!(again.id, made.id);
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

async fn lists_come_page_by_page(world: World) {
    let root = Operator::root(&world).await;
    let (first, token) = root.roles(3, "").await.unwrap();
    let (second, end) = root.roles(3, &token).await.unwrap();
    assert_eq!(
        (first.join(" "), second.join(" "), end.as_str()),
        ("administrator auditor service".into(), "support".into(), "")
    );
    assert_eq!(reason(root.roles(3, "invented").await), PageTokenInvalid);
    assert_eq!(reason(root.roles(-1, "").await), FieldInvalid);

    let mut held = Vec::new();
    for name in ["alice", "bob", "carol"] {
        let device = world.person(name).await.log_in().await.unwrap();
        held.push(id_of(&device).await);
        root.grant("00000000-0000-7000-8000-000000000003", held.last().unwrap()).await.unwrap();
    }
    held.sort();
    let whose = list_grants_request::Whose::RoleId("00000000-0000-7000-8000-000000000003".to_owned());
    let (mut listed, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListGrantsRequest { whose: Some(whose.clone()), page_size: 2, page_token };
        let page = root.client().list_grants(root.0.request(request)).await.unwrap().into_inner();
        listed.extend(page.grants.into_iter().map(|grant| match grant.subject {
            Some(ipse::proto::role_grant::Subject::UserId(id)) => id,
            other => panic!("not a person: {other:?}"),
        }));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, held);
    let whose = Some(list_grants_request::Whose::UserId(held[0].clone()));
    let request = ListGrantsRequest { whose, ..ListGrantsRequest::default() };
    let grants = root.client().list_grants(root.0.request(request)).await.unwrap().into_inner().grants;
    assert_eq!(grants.len(), 1);
    assert_eq!(grants[0].role_id, "00000000-0000-7000-8000-000000000003");
}
