use ipse::application::ports::{GrantsOf, StoreError};
use ipse::domain::access::permission::Rights;
use ipse::domain::access::role::{ADMINISTRATOR, Role, RoleGrant, parse_permissions};
use ipse::domain::account::user::{User, UserState};
use ipse::domain::id::{RoleId, UserId};
use ipse::domain::name::{Description, Name};
use uuid::Uuid;

use super::samples::{HOSTILE, at, user};
use super::{Fixture, in_parallel};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    the_built_in_roles_are_there
    a_role_comes_back
    a_name_is_taken_once
    a_change_of_a_stale_revision_changes_nothing
    a_change_to_a_taken_name_is_a_conflict
    a_removed_role_is_gone
    roles_are_listed_by_name_page_by_page
    a_grant_is_stored_once_and_removed_once
    grants_are_listed_page_by_page_in_both_directions
    the_roles_of_a_person_are_those_granted
    grants_go_with_the_person
    only_active_others_hold_a_role
    of_parallel_takers_of_a_locked_role_one_leaves_the_last_holder
}

fn permissions(texts: &[&str]) -> Rights {
    parse_permissions(texts).unwrap()
}

fn role(number: u32) -> Role {
    let id = RoleId::from_uuid(Uuid::from_u128(u128::from(number) + 1000));
    Role::new(id, Name::parse(&format!("role{number}")).unwrap(), permissions(&["orders.*", "users.read"]), at(0))
}

fn grant(role: &Role, number: u32) -> RoleGrant {
    RoleGrant { role_id: role.id, subject: user(number).id.into(), create_time: at(number.into()) }
}

async fn put_roles(fixture: &Fixture, roles: &[Role]) {
    let tx = fixture.write().await;
    for role in roles {
        assert!(tx.roles().insert_role(role).await.unwrap());
    }
    tx.commit().await.unwrap();
}

async fn put_grants(fixture: &Fixture, grants: &[RoleGrant]) {
    let tx = fixture.write().await;
    for grant in grants {
        assert!(tx.roles().put_grant(grant).await.unwrap());
    }
    tx.commit().await.unwrap();
}

async fn find(fixture: &Fixture, id: RoleId) -> Option<Role> {
    fixture.read().await.roles().find_role(id).await.unwrap()
}

async fn the_built_in_roles_are_there(fixture: Fixture) {
    let roles = fixture.read().await.roles().list_roles(None, 100).await.unwrap();
    let names: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
    assert_eq!(names, ["administrator", "auditor", "service", "support"]);
    assert!(roles.iter().all(|role| role.built_in && !role.mfa_required && role.revision == 1));
    assert_eq!((roles[0].id, &roles[0].permissions), (ADMINISTRATOR, &permissions(&["*"])));
}

async fn a_role_comes_back(fixture: Fixture) {
    let mut full = role(1);
    full.description = Description::parse(HOSTILE).unwrap();
    let bare = Role { permissions: Rights::default(), mfa_required: true, ..role(2) };
    put_roles(&fixture, &[full.clone(), bare.clone()]).await;
    assert_eq!(find(&fixture, full.id).await, Some(full));
    assert_eq!(find(&fixture, bare.id).await, Some(bare));
    assert_eq!(find(&fixture, role(3).id).await, None);
}

async fn a_name_is_taken_once(fixture: Fixture) {
    put_roles(&fixture, &[role(1)]).await;
    let tx = fixture.write().await;
    let rival = Role { name: role(1).name, ..role(2) };
    assert!(!tx.roles().insert_role(&rival).await.unwrap());
    assert!(tx.roles().insert_role(&role(3)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!((find(&fixture, rival.id).await, find(&fixture, role(3).id).await), (None, Some(role(3))));
}

async fn update(fixture: &Fixture, role: &Role) -> Result<bool, StoreError> {
    let tx = fixture.write().await;
    let updated = tx.roles().update_role(role).await?;
    tx.commit().await?;
    Ok(updated)
}

async fn a_change_of_a_stale_revision_changes_nothing(fixture: Fixture) {
    put_roles(&fixture, &[role(1), role(2)]).await;
    let changed =
        Role { permissions: permissions(&["*"]), mfa_required: true, update_time: at(1), revision: 2, ..role(1) };
    assert!(update(&fixture, &changed).await.unwrap());
    assert!(!update(&fixture, &Role { permissions: permissions(&[]), ..changed.clone() }).await.unwrap());
    assert_eq!((find(&fixture, role(1).id).await, find(&fixture, role(2).id).await), (Some(changed), Some(role(2))));
}

async fn a_change_to_a_taken_name_is_a_conflict(fixture: Fixture) {
    put_roles(&fixture, &[role(1), role(2)]).await;
    let taken = Role { name: role(1).name, revision: 2, ..role(2) };
    assert!(matches!(update(&fixture, &taken).await, Err(StoreError::Conflict(_))));
    assert_eq!(find(&fixture, role(2).id).await, Some(role(2)));
}

async fn a_removed_role_is_gone(fixture: Fixture) {
    put_roles(&fixture, &[role(1), role(2)]).await;
    let tx = fixture.write().await;
    tx.roles().remove_role(role(1).id, at(9)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((find(&fixture, role(1).id).await, find(&fixture, role(2).id).await), (None, Some(role(2))));
}

async fn roles_are_listed_by_name_page_by_page(fixture: Fixture) {
    put_roles(&fixture, &(0..6).map(role).collect::<Vec<_>>()).await;
    let (mut names, mut after) = (Vec::new(), None);
    loop {
        let page = fixture.read().await.roles().list_roles(after.as_ref(), 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.name.clone());
        names.extend(page.into_iter().map(|role| role.name.as_str().to_owned()));
    }
    let expected = "administrator auditor role0 role1 role2 role3 role4 role5 service support";
    assert_eq!(names.join(" "), expected);
}

async fn a_grant_is_stored_once_and_removed_once(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    put_roles(&fixture, &[role(1)]).await;
    put_grants(&fixture, &[grant(&role(1), 1)]).await;
    let tx = fixture.write().await;
    let again = RoleGrant { create_time: at(9), ..grant(&role(1), 1) };
    assert!(!tx.roles().put_grant(&again).await.unwrap());
    assert!(!tx.roles().remove_grant(role(1).id, user(2).id.into(), at(9)).await.unwrap());
    tx.commit().await.unwrap();
    let listed = fixture.read().await.roles().list_grants(GrantsOf::Subject(user(1).id.into()), None, 9).await.unwrap();
    assert_eq!(listed, [grant(&role(1), 1)]);
    let tx = fixture.write().await;
    assert!(tx.roles().remove_grant(role(1).id, user(1).id.into(), at(9)).await.unwrap());
    assert!(!tx.roles().remove_grant(role(1).id, user(1).id.into(), at(9)).await.unwrap());
    tx.commit().await.unwrap();
}

async fn grants_are_listed_page_by_page_in_both_directions(fixture: Fixture) {
    fixture.put_users(&(1..=5).map(user).collect::<Vec<_>>()).await;
    put_roles(&fixture, &(1..=5).map(role).collect::<Vec<_>>()).await;
    let to_all: Vec<RoleGrant> = (1..=5).map(|number| grant(&role(1), number)).collect();
    let of_all: Vec<RoleGrant> = (2..=5).map(|number| grant(&role(number), 1)).collect();
    put_grants(&fixture, &[&to_all[..], &of_all[..]].concat()).await;
    let expected = [to_all.clone(), [&to_all[..1], &of_all[..]].concat()];
    for (whose, expected) in
        [GrantsOf::Role(role(1).id), GrantsOf::Subject(user(1).id.into())].into_iter().zip(expected)
    {
        let mut listed = Vec::new();
        loop {
            let after = listed.last().copied();
            let page = fixture.read().await.roles().list_grants(whose, after.as_ref(), 2).await.unwrap();
            if page.is_empty() {
                break;
            }
            listed.extend(page);
        }
        assert_eq!(listed, expected, "{whose:?}");
    }
}

async fn the_roles_of_a_person_are_those_granted(fixture: Fixture) {
    fixture.put_users(&[user(1), user(2)]).await;
    put_roles(&fixture, &[role(2), role(1), role(3)]).await;
    put_grants(&fixture, &[grant(&role(2), 1), grant(&role(1), 1), grant(&role(3), 2)]).await;
    let tx = fixture.read().await;
    assert_eq!(tx.roles().roles_of(user(1).id.into()).await.unwrap(), [role(1), role(2)]);
    assert_eq!(tx.roles().roles_of(user(2).id.into()).await.unwrap(), [role(3)]);
    assert_eq!(tx.roles().roles_of(user(3).id.into()).await.unwrap(), []);
}

async fn grants_go_with_the_person(fixture: Fixture) {
    fixture.put_users(&[User { purge_time: Some(at(1)), ..user(1) }, user(2)]).await;
    put_roles(&fixture, &[role(1)]).await;
    put_grants(&fixture, &[grant(&role(1), 1), grant(&role(1), 2)]).await;
    let tx = fixture.write().await;
    assert_eq!(tx.users().purge_users(at(1), 10).await.unwrap().len(), 1);
    tx.commit().await.unwrap();
    let left = fixture.read().await.roles().list_grants(GrantsOf::Role(role(1).id), None, 9).await.unwrap();
    assert_eq!(left, [grant(&role(1), 2)]);
}

async fn only_active_others_hold_a_role(fixture: Fixture) {
    let in_state = |number, state| User { state, ..user(number) };
    fixture
        .put_users(&[
            in_state(1, UserState::Active),
            in_state(2, UserState::Suspended),
            in_state(3, UserState::Deleted),
            in_state(4, UserState::Pending),
            in_state(5, UserState::Active),
        ])
        .await;
    put_roles(&fixture, &[role(1)]).await;
    put_grants(&fixture, &(1..=4).map(|number| grant(&role(1), number)).collect::<Vec<_>>()).await;
    let tx = fixture.read().await;
    assert!(!tx.roles().is_held_by_others(role(1).id, user(1).id).await.unwrap());
    assert!(tx.roles().is_held_by_others(role(1).id, user(2).id).await.unwrap());
    assert!(tx.roles().is_held_by_others(role(1).id, UserId::NOBODY).await.unwrap());
    assert!(!tx.roles().is_held_by_others(role(2).id, UserId::NOBODY).await.unwrap());
}

async fn of_parallel_takers_of_a_locked_role_one_leaves_the_last_holder(fixture: Fixture) {
    let holders: Vec<User> = (0..8).map(|number| User { state: UserState::Active, ..user(number) }).collect();
    fixture.put_users(&holders).await;
    put_roles(&fixture, &[role(1)]).await;
    put_grants(&fixture, &(0..8).map(|number| grant(&role(1), number)).collect::<Vec<_>>()).await;
    let taken = in_parallel(&fixture.store, 8, |store, number| async move {
        let tx = store.write().await.unwrap();
        tx.roles().lock_role(role(1).id).await.unwrap().expect("the role is there");
        if !tx.roles().is_held_by_others(role(1).id, user(number).id).await.unwrap() {
            return false;
        }
        assert!(tx.roles().remove_grant(role(1).id, user(number).id.into(), at(9)).await.unwrap());
        tx.commit().await.unwrap();
        true
    });
    assert_eq!(taken.await.into_iter().filter(|taken| *taken).count(), 7);
}
