//! Permissions: which there are, and who has them.

use ipse::proto::ErrorReason::{FieldInvalid, PermissionMissing};
use ipse::proto::{CheckPermissionRequest, ListPermissionsRequest, check_permission_request};

use crate::support::on_both_backends;
use crate::support::operator::Operator;
use crate::support::refusal::{reason, refusal};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    permissions_are_told_with_what_they_open
    checks_tell_what_somebody_may
    the_own_roles_are_told
}

async fn permissions_are_told_with_what_they_open(world: World) {
    let root = Operator::root(&world).await;
    root.create("desk", &["orders.refund"]).await.unwrap();
    let request = root.0.request(ListPermissionsRequest { page_size: 1000, page_token: String::new() });
    let known = root.client().list_permissions(request).await.unwrap().into_inner().permissions;
    assert!(known.is_sorted_by(|a, b| a.name < b.name));
    let of = |name: &str| known.iter().find(|permission| permission.name == name).unwrap();
    assert!(of("roles.grant").built_in);
    assert_eq!(of("roles.grant").rpcs, ["ipse.v1.RoleService/GrantRole", "ipse.v1.RoleService/RevokeRole"]);
    assert_eq!((of("orders.refund").built_in, of("orders.refund").rpcs.len()), (false, 0));
}

async fn checks_tell_what_somebody_may(world: World) {
    use check_permission_request::Subject::{AccessToken, ServiceAccountId, UserId};
    let root = Operator::root(&world).await;
    let alice = world.person("alice").await.log_in().await.unwrap();
    let id = alice.me().await.unwrap().user.unwrap().id;
    let desk = root.create("desk", &["orders.*", "crm.read"]).await.unwrap();
    root.grant(&desk.id, &id).await.unwrap();
    let asked = ["orders.read", "orders.refund", "crm.read", "crm.write", "users.read"];
    let expected = [true, true, true, false, false];
    assert_eq!(root.check(None, &asked).await, [true; 5]);
    assert_eq!(root.check(Some(UserId(id.clone())), &asked).await, expected);
    let token = alice.tokens.access_token.clone();
    assert_eq!(root.check(Some(AccessToken(token.clone())), &asked).await, expected);
    assert_eq!(root.check(Some(ServiceAccountId(id.clone())), &asked).await, [false; 5], "not the id of a person");
    assert_eq!(root.check(Some(UserId(desk.id.clone())), &asked).await, [false; 5]);
    alice.log_out().await.unwrap();
    assert_eq!(root.check(Some(AccessToken(token)), &asked).await, [false; 5], "the session is over");
    assert_eq!(root.check(Some(AccessToken("invented".to_owned())), &asked).await, [false; 5]);
    world.suspend("alice@example.com").await;
    assert_eq!(root.check(Some(UserId(id)), &asked).await, [false; 5], "suspended");

    for permissions in [vec![], vec!["*".to_owned()], vec!["orders.*".to_owned()], vec!["a.b".to_owned(); 101]] {
        let request = root.0.request(CheckPermissionRequest { subject: None, permissions });
        let refused = refusal(root.client().check_permission(request).await);
        assert_eq!((refused.reason, refused.fields), (FieldInvalid, vec!["permissions".to_owned()]));
    }
    let plain = Operator(world.person("bob").await.log_in().await.unwrap());
    let request = plain.0.request(CheckPermissionRequest { subject: None, permissions: vec![] });
    assert_eq!(reason(plain.client().check_permission(request).await), PermissionMissing, "rights come first");
}

async fn the_own_roles_are_told(world: World) {
    let root = Operator::root(&world).await;
    let me = root.0.me().await.unwrap();
    assert_eq!(me.roles, ["administrator"]);
    for permission in ["*", "roles.grant", "roles.read", "permissions.check"] {
        assert!(me.permissions.contains(&permission.to_owned()), "{permission}");
    }
    let auditor = world.person_with_role("auditor", "auditor").await;
    let me = auditor.me().await.unwrap();
    assert_eq!(me.roles, ["auditor"]);
    assert!(me.permissions.contains(&"audit.read".to_owned()) && !me.permissions.contains(&"*".to_owned()));
}
