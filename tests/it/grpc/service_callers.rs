//! Services as callers.

use ipse::domain::access::role::ADMINISTRATOR;
use ipse::proto::ErrorReason::{
    LastAdmin, PermissionMissing, PersonRequired, QuotaExceeded, ResourceNotFound, RoleInUse, StepUpRequired,
    TokenExpired, TokenInvalid,
};
use ipse::proto::{ListGrantsRequest, RoleGrant, check_permission_request, list_grants_request, role_grant};
use time::Duration;

use crate::support::custodian::{Custodian, new_key};
use crate::support::descriptors;
use crate::support::on_both_backends;
use crate::support::operator::Operator;
use crate::support::person::Device;
use crate::support::refusal::{reason, refusal};
use crate::support::registrar::Registrar;
use crate::support::trail::Trail;
use crate::support::wire::Call;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    roles_open_rpcs_to_a_service_at_once_and_close_them_at_once
    a_scope_limits_what_a_service_may
    a_limited_token_makes_no_wider_key
    services_have_no_account_of_their_own
    tokens_end_with_their_key
    tokens_end_when_the_account_is_disabled
    tokens_end_with_their_account
    tokens_end_with_their_time
    the_trail_tells_what_a_service_did
    grants_of_a_role_come_to_people_first_and_page_by_page
    checks_tell_what_a_service_may
    a_role_that_a_service_has_stays
    a_service_is_no_last_administrator
    a_service_has_a_hundred_roles
}

/// Whether the caller may list roles.
async fn is_let_in(caller: &Device<'_>) -> bool {
    match Operator(caller.clone()).roles(0, "").await {
        Ok(_) => true,
        refused => {
            assert!([PermissionMissing, TokenInvalid].contains(&reason(refused)));
            false
        }
    }
}

async fn roles_open_rpcs_to_a_service_at_once_and_close_them_at_once(world: World) {
    let root = Custodian::root(&world).await;
    let program = root.program(&world, "service", &[]).await;
    let caller = program.caller().await;
    assert!(!is_let_in(&caller).await);
    let reader = root.operator().create("reader", &["roles.read"]).await.unwrap();
    for _ in 0..2 {
        root.operator().grant_to_service(&reader.id, &program.account.id).await.unwrap();
    }
    assert!(is_let_in(&caller).await, "the token is the same");
    root.operator().revoke_from_service(&reader.id, &program.account.id).await.unwrap();
    assert!(!is_let_in(&caller).await);
    let again = refusal(root.operator().revoke_from_service(&reader.id, &program.account.id).await);
    assert_eq!((again.reason, again.resource.unwrap().0.as_str()), (ResourceNotFound, "RoleGrant"));
    let unknown = refusal(root.operator().grant_to_service(&reader.id, &root.operator().id().await).await);
    assert_eq!((unknown.reason, unknown.resource.unwrap().0.as_str()), (ResourceNotFound, "ServiceAccount"));
}

async fn a_scope_limits_what_a_service_may(world: World) {
    let root = Custodian::root(&world).await;
    let program = root.program(&world, "support", &["users.read", "users.write", "roles.read"]).await;
    let alice = world.person("alice").await;
    let whole = Registrar(program.caller().await);
    let id = whole.look_up(&alice).await.id;
    whole.suspend(&id, "").await.unwrap();
    assert!(is_let_in(&whole.0).await);
    let narrow = Registrar(program.calling_with(&program.exchange_for(&["users.read"]).await.unwrap().access_token));
    narrow.get(&id).await.unwrap();
    let refused = refusal(narrow.activate(&id, "").await);
    assert_eq!((refused.reason, refused.metadata["permission"].as_str()), (PermissionMissing, "users.write"));
    assert!(!is_let_in(&narrow.0).await);
}

async fn a_limited_token_makes_no_wider_key(world: World) {
    let root = Custodian::root(&world).await;
    let program = root.program(&world, "administrator", &[]).await;
    let own = program.account.id.as_str();
    let narrow = program.exchange_for(&["service_accounts.*"]).await.unwrap().access_token;
    let narrow = Custodian(program.calling_with(&narrow));
    let refused = refusal(narrow.create_key(own, &[]).await);
    assert_eq!((refused.reason, refused.metadata["permission"].as_str()), (PermissionMissing, "*"));
    let other = narrow.create("other").await.unwrap();
    narrow.create_key(&other.id, &[]).await.unwrap();
    // With a token without limits, a service changes its own key for a new one.
    let whole = Custodian(program.caller().await);
    whole.create_key_as("", new_key(own, &[])).await.unwrap();
    whole.revoke_key(&program.key.id).await.unwrap();
    assert!(!is_let_in(&whole.0).await);
}

async fn services_have_no_account_of_their_own(world: World) {
    let program = Custodian::root(&world).await.program(&world, "administrator", &[]).await;
    let bearer = format!("Bearer {}", program.exchange().await.unwrap().access_token);
    let headers: [(&str, &[u8]); 1] = [("authorization", bearer.as_bytes())];
    let mut refused = 0;
    for method in descriptors::methods() {
        let path = descriptors::path(&method);
        let expected = match method.name() {
            _ if !path.starts_with("/ipse.v1.AccountService/") => continue,
            // Public: the mailed token tells who it is.
            "ConfirmEmailChange" => continue,
            // A service never signs in.
            "ChangeEmail" | "DeleteMe" | "ExportMyData" => StepUpRequired,
            _ => PersonRequired,
        };
        let answer = Call::new(&path, b"").with(&headers).send(world.replica().address).await.unwrap();
        assert_eq!(reason(answer.result()), expected, "{path}");
        refused += 1;
    }
    assert_eq!(refused, 9);
    let answer = Call::new("/ipse.v1.AuthService/Logout", b"").with(&headers).send(world.replica().address).await;
    assert_eq!(reason(answer.unwrap().result()), PersonRequired, "nor a session");
}

async fn tokens_end_with_their_key(world: World) {
    let root = Custodian::root(&world).await;
    let program = root.program(&world, "auditor", &[]).await;
    let (_, secret) = root.create_key(&program.account.id, &[]).await.unwrap();
    let wish = ipse::proto::ExchangeApiKeyRequest { api_key: secret, ..Default::default() };
    let other = crate::support::custodian::exchange(&world, wish).await.unwrap().access_token;
    let (caller, other) = (program.caller().await, program.calling_with(&other));
    assert!(is_let_in(&caller).await && is_let_in(&other).await);
    root.revoke_key(&program.key.id).await.unwrap();
    assert!(!is_let_in(&caller).await);
    assert!(is_let_in(&other).await, "the other key goes on");
}

/// The disabling may meet an exchange that has seen the account as it was, on a replica whose clock is ahead.
async fn tokens_end_when_the_account_is_disabled(world: World) {
    let root = Custodian::root(&world).await;
    let program = root.program(&world, "auditor", &[]).await;
    let caller = program.caller().await;
    root.disable(&program.account.id).await.unwrap();
    assert!(!is_let_in(&caller).await);
    root.enable(&program.account.id).await.unwrap();
    assert!(!is_let_in(&caller).await, "what is over stays over");
    world.wait(Duration::seconds(60));
    assert!(!is_let_in(&program.caller().await).await, "as if it had been issued before");
    world.wait(Duration::seconds(1));
    assert!(is_let_in(&program.caller().await).await);
    assert!(!is_let_in(&caller).await);
}

async fn tokens_end_with_their_account(world: World) {
    let root = Custodian::root(&world).await;
    let program = root.program(&world, "auditor", &[]).await;
    let caller = program.caller().await;
    assert!(is_let_in(&caller).await);
    root.delete(&program.account.id, "").await.unwrap();
    assert!(!is_let_in(&caller).await);
}

async fn tokens_end_with_their_time(world: World) {
    let program = Custodian::root(&world).await.program(&world, "auditor", &[]).await;
    let caller = program.caller().await;
    world.wait(Duration::minutes(15) - Duration::MICROSECOND);
    assert!(is_let_in(&caller).await);
    world.wait(Duration::MICROSECOND);
    assert_eq!(reason(Operator(caller).roles(0, "").await), TokenExpired);
}

async fn the_trail_tells_what_a_service_did(world: World) {
    let root = Custodian::root(&world).await;
    let program = root.program(&world, "support", &[]).await;
    let alice = world.person("alice").await;
    let registrar = Registrar(program.caller().await);
    let id = registrar.look_up(&alice).await.id;
    let mut trail = Trail::from_now_on(&world).await.knowing(&["alice"]).await;
    registrar.suspend(&id, "fraud").await.unwrap();
    registrar.purge(&id).await.unwrap_err();
    let events = trail.events().await;
    assert!(events.iter().all(|event| event.event.actor == program.account.id));
    assert_eq!(
        trail.tell(&events),
        ["user_suspended success ?>alice fraud", "authz_fail denied ?>- PERMISSION_MISSING"]
    );
}

async fn grants(root: &Custodian<'_>, whose: list_grants_request::Whose) -> Vec<RoleGrant> {
    let (mut listed, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListGrantsRequest { whose: Some(whose.clone()), page_size: 2, page_token };
        let page = root.operator().client().list_grants(root.0.request(request)).await.unwrap().into_inner();
        listed.extend(page.grants);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return listed;
        }
    }
}

async fn grants_of_a_role_come_to_people_first_and_page_by_page(world: World) {
    use role_grant::Subject::{ServiceAccountId, UserId};
    let root = Custodian::root(&world).await;
    let desk = root.operator().create("desk", &["orders.read"]).await.unwrap();
    let mut services = Vec::new();
    for name in ["a", "b", "c"] {
        let account = root.create(name).await.unwrap();
        root.operator().grant_to_service(&desk.id, &account.id).await.unwrap();
        services.push(account.id);
    }
    let mut people = Vec::new();
    for name in ["alice", "bob", "carol"] {
        let person = Registrar(root.0.clone()).look_up(&world.person(name).await).await.id;
        root.operator().grant(&desk.id, &person).await.unwrap();
        people.push(person);
    }
    people.sort();
    services.sort();
    let expected: Vec<_> =
        people.into_iter().map(UserId).chain(services.iter().cloned().map(ServiceAccountId)).collect();
    let listed = grants(&root, list_grants_request::Whose::RoleId(desk.id.clone())).await;
    assert_eq!(listed.into_iter().map(|grant| grant.subject.unwrap()).collect::<Vec<_>>(), expected);
    root.give_role(&services[0], "service").await.unwrap();
    let listed = grants(&root, list_grants_request::Whose::ServiceAccountId(services[0].clone())).await;
    assert!(listed.iter().all(|grant| grant.subject == Some(ServiceAccountId(services[0].clone()))));
    assert_eq!(listed.len(), 2);
}

async fn checks_tell_what_a_service_may(world: World) {
    use check_permission_request::Subject::{AccessToken, ServiceAccountId, UserId};
    let root = Custodian::root(&world).await;
    root.operator().create("desk", &["orders.*", "permissions.check"]).await.unwrap();
    let program = root.program(&world, "desk", &[]).await;
    let id = program.account.id.clone();
    let asked = ["orders.read", "orders.pay", "crm.read"];
    let (all, read) = ([true, true, false], [true, false, false]);
    let operator = root.operator();
    assert_eq!(operator.check(Some(ServiceAccountId(id.clone())), &asked).await, all);
    assert_eq!(operator.check(Some(UserId(id.clone())), &asked).await, [false; 3], "not the id of a service");
    let token = program.exchange_for(&["orders.read", "permissions.check"]).await.unwrap().access_token;
    assert_eq!(operator.check(Some(AccessToken(token.clone())), &asked).await, read, "within its scope");
    assert_eq!(Operator(program.calling_with(&token)).check(None, &asked).await, read);
    assert_eq!(Operator(program.caller().await).check(None, &asked).await, all);
    root.disable(&id).await.unwrap();
    assert_eq!(operator.check(Some(ServiceAccountId(id)), &asked).await, [false; 3], "disabled");
    assert_eq!(operator.check(Some(AccessToken(token)), &asked).await, [false; 3]);
}

async fn a_role_that_a_service_has_stays(world: World) {
    let root = Custodian::root(&world).await;
    let desk = root.operator().create("desk", &[]).await.unwrap();
    let account = root.create("orders").await.unwrap();
    root.operator().grant_to_service(&desk.id, &account.id).await.unwrap();
    assert_eq!(reason(root.operator().delete(&desk.id, "").await), RoleInUse);
    root.delete(&account.id, "").await.unwrap();
    root.operator().delete(&desk.id, "").await.unwrap();
}

/// A service cannot sign in to put things right.
async fn a_service_is_no_last_administrator(world: World) {
    let root = Custodian::root(&world).await;
    let program = root.program(&world, "administrator", &[]).await;
    let (own, role) = (root.operator().id().await, ADMINISTRATOR.to_string());
    assert_eq!(reason(root.operator().revoke(&role, &own).await), LastAdmin);
    let by_service = Operator(program.caller().await);
    assert_eq!(reason(by_service.revoke(&role, &own).await), LastAdmin);
    root.operator().revoke_from_service(&role, &program.account.id).await.unwrap();
}

async fn a_service_has_a_hundred_roles(world: World) {
    let root = Custodian::root(&world).await;
    let account = root.create("orders").await.unwrap();
    for number in 0..=100 {
        let role = root.operator().create(&format!("role{number}"), &[]).await.unwrap();
        let granted = root.operator().grant_to_service(&role.id, &account.id).await;
        match number {
            100 => assert_eq!(reason(granted), QuotaExceeded),
            _ => granted.unwrap(),
        }
    }
}
