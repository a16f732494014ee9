//! Roles of services, beside those of people.

use ipse::application::ports::GrantsOf;
use ipse::domain::access::role::{Role, RoleGrant, parse_permissions};
use ipse::domain::access::subject::Subject;
use ipse::domain::account::user::{User, UserState};
use ipse::domain::id::{RoleId, UserId};
use ipse::domain::name::Name;
use uuid::Uuid;

use super::Fixture;
use super::samples::{at, service_account, user};
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    a_grant_to_a_service_is_stored_once_and_removed_once
    the_roles_of_a_service_are_those_granted
    the_holders_of_a_role_are_people_and_then_services_page_by_page
    the_roles_of_a_service_come_page_by_page
    no_service_counts_as_another_holder
}

fn role(number: u32) -> Role {
    let id = RoleId::from_uuid(Uuid::from_u128(u128::from(number) + 1000));
    let name = Name::parse(&format!("role{number}")).unwrap();
    Role::new(id, name, parse_permissions(&["orders.*"]).unwrap(), at(0))
}

fn grant(role: &Role, subject: impl Into<Subject>) -> RoleGrant {
    RoleGrant { role_id: role.id, subject: subject.into(), create_time: at(7) }
}

/// Three people, three services and five roles.
async fn filled(fixture: &Fixture) {
    let people: Vec<User> = (0..3).map(|number| User { state: UserState::Active, ..user(number) }).collect();
    fixture.put_users(&people).await;
    fixture.put_service_accounts(&[0, 1, 2].map(service_account)).await;
    let tx = fixture.write().await;
    for number in 0..5 {
        assert!(tx.roles().insert_role(&role(number)).await.unwrap());
    }
    tx.commit().await.unwrap();
}

async fn put(fixture: &Fixture, grants: &[RoleGrant]) {
    let tx = fixture.write().await;
    for grant in grants {
        assert!(tx.roles().put_grant(grant).await.unwrap());
    }
    tx.commit().await.unwrap();
}

/// All grants, by pages of two.
async fn list(fixture: &Fixture, whose: GrantsOf) -> Vec<RoleGrant> {
    let mut listed = Vec::new();
    loop {
        let after = listed.last().copied();
        let page = fixture.read().await.roles().list_grants(whose, after.as_ref(), 2).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            return listed;
        }
        listed.extend(page);
    }
}

async fn a_grant_to_a_service_is_stored_once_and_removed_once(fixture: Fixture) {
    filled(&fixture).await;
    let (service, other) = (Subject::from(service_account(0).id), Subject::from(service_account(1).id));
    put(&fixture, &[grant(&role(0), service)]).await;
    let tx = fixture.write().await;
    assert!(!tx.roles().put_grant(&RoleGrant { create_time: at(9), ..grant(&role(0), service) }).await.unwrap());
    assert!(!tx.roles().remove_grant(role(0).id, other, at(9)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(list(&fixture, GrantsOf::Subject(service)).await, [grant(&role(0), service)]);
    let tx = fixture.write().await;
    assert!(tx.roles().remove_grant(role(0).id, service, at(9)).await.unwrap());
    assert!(!tx.roles().remove_grant(role(0).id, service, at(9)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(list(&fixture, GrantsOf::Subject(service)).await, []);
}

async fn the_roles_of_a_service_are_those_granted(fixture: Fixture) {
    filled(&fixture).await;
    let services = [0, 1, 2].map(|number| Subject::from(service_account(number).id));
    let person = Subject::from(user(0).id);
    let grants = [(1, services[0]), (0, services[0]), (2, services[1]), (3, person)];
    put(&fixture, &grants.map(|(number, subject)| grant(&role(number), subject))).await;
    let tx = fixture.read().await;
    assert_eq!(tx.roles().roles_of(services[0]).await.unwrap(), [role(0), role(1)]);
    assert_eq!(tx.roles().roles_of(services[1]).await.unwrap(), [role(2)]);
    assert_eq!(tx.roles().roles_of(services[2]).await.unwrap(), []);
    assert_eq!(tx.roles().roles_of(person).await.unwrap(), [role(3)]);
}

async fn the_holders_of_a_role_are_people_and_then_services_page_by_page(fixture: Fixture) {
    filled(&fixture).await;
    let people = [0, 1, 2].map(|number| grant(&role(0), user(number).id));
    let services = [0, 1, 2].map(|number| grant(&role(0), service_account(number).id));
    for (people, services) in
        [(0, 0), (0, 1), (0, 3), (1, 1), (2, 2), (3, 0), (3, 3)].map(|(p, s)| (&people[..p], &services[..s]))
    {
        put(&fixture, &[people, services].concat()).await;
        assert_eq!(list(&fixture, GrantsOf::Role(role(0).id)).await, [people, services].concat());
        let tx = fixture.write().await;
        for grant in [people, services].concat() {
            assert!(tx.roles().remove_grant(grant.role_id, grant.subject, at(9)).await.unwrap());
        }
        tx.commit().await.unwrap();
    }
}

async fn the_roles_of_a_service_come_page_by_page(fixture: Fixture) {
    filled(&fixture).await;
    let grants: Vec<RoleGrant> = (0..5).map(|number| grant(&role(number), service_account(1).id)).collect();
    put(&fixture, &grants).await;
    put(&fixture, &[grant(&role(0), service_account(0).id), grant(&role(1), user(0).id)]).await;
    assert_eq!(list(&fixture, GrantsOf::Subject(service_account(1).id.into())).await, grants);
}

async fn no_service_counts_as_another_holder(fixture: Fixture) {
    filled(&fixture).await;
    put(&fixture, &[grant(&role(0), user(0).id), grant(&role(0), service_account(0).id)]).await;
    let tx = fixture.read().await;
    assert!(!tx.roles().is_held_by_others(role(0).id, user(0).id).await.unwrap());
    assert!(tx.roles().is_held_by_others(role(0).id, UserId::NOBODY).await.unwrap());
}
