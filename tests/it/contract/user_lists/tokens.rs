use ipse::application::error::{Error, Refusal};
use ipse::application::page::{PageRequest, PageTokens};
use ipse::application::users::{ListUsers, UserPage, Users};
use ipse::domain::secret::SecretKey;
use ipse::domain::user::{User, UserState};

use super::Fixture;
use crate::contract::samples::user;
use crate::support::on_both_backends;

on_both_backends! {
    Fixture::new =>
    deleted_people_are_hidden_unless_asked_for
    a_token_leads_through_the_list_it_was_made_for
    a_token_opens_no_other_list
    what_is_wrong_is_told_of_every_field
}

async fn list(fixture: &Fixture, command: &ListUsers) -> Result<UserPage, Error> {
    let users = Users::new(fixture.store.clone(), PageTokens::new(SecretKey::new([1; 32])));
    users.list_users(command).await
}

fn page(size: i32, token: &str) -> PageRequest {
    PageRequest { size, token: token.to_owned() }
}

async fn put_ten(fixture: &Fixture) -> Vec<User> {
    let state = |number| if number == 3 { UserState::Deleted } else { UserState::Active };
    let people: Vec<User> = (0..10).map(|number| User { state: state(number), ..user(number) }).collect();
    fixture.put_users(&people).await;
    people
}

async fn deleted_people_are_hidden_unless_asked_for(fixture: Fixture) {
    put_ten(&fixture).await;
    for (filter, show_deleted, count) in
        [("", false, 9), ("", true, 10), ("state = DELETED", false, 0), ("state = DELETED", true, 1)]
    {
        let command = ListUsers { filter: filter.to_owned(), show_deleted, ..ListUsers::default() };
        assert_eq!(list(&fixture, &command).await.unwrap().users.len(), count, "{filter} {show_deleted}");
    }
}

async fn a_token_leads_through_the_list_it_was_made_for(fixture: Fixture) {
    let people = put_ten(&fixture).await;
    for order_by in ["", "create_time", "create_time desc", "email", "email desc"] {
        let (mut walked, mut token, mut sizes) = (Vec::new(), String::new(), Vec::new());
        loop {
            let command = ListUsers {
                page: page(4, &token),
                order_by: order_by.to_owned(),
                show_deleted: true,
                ..ListUsers::default()
            };
            let page = list(&fixture, &command).await.unwrap();
            sizes.push(page.users.len());
            walked.extend(page.users);
            if page.next_page_token.is_empty() {
                break;
            }
            token = page.next_page_token;
        }
        if order_by.ends_with("desc") {
            walked.reverse();
        }
        assert_eq!((walked, sizes), (people.clone(), vec![4, 4, 2]), "{order_by}");
    }
    let all = ListUsers { page: page(10, ""), show_deleted: true, ..ListUsers::default() };
    assert_eq!(list(&fixture, &all).await.unwrap().next_page_token, "");
}

async fn a_token_opens_no_other_list(fixture: Fixture) {
    put_ten(&fixture).await;
    let first = ListUsers { page: page(2, ""), filter: "state = ACTIVE".to_owned(), ..ListUsers::default() };
    let token = list(&fixture, &first).await.unwrap().next_page_token;
    let next = ListUsers { page: page(3, &token), ..first };
    assert_eq!(list(&fixture, &next).await.unwrap().users.len(), 3);
    for other in [
        ListUsers { filter: String::new(), ..next.clone() },
        ListUsers { filter: "state = ACTIVE AND email = '*'".to_owned(), ..next.clone() },
        ListUsers { order_by: "create_time desc".to_owned(), ..next.clone() },
        ListUsers { order_by: "email".to_owned(), ..next.clone() },
        ListUsers { show_deleted: true, ..next.clone() },
        ListUsers { page: page(3, &token[1..]), ..next.clone() },
    ] {
        let refused = list(&fixture, &other).await;
        assert!(matches!(refused, Err(Error::Refused(Refusal::PageTokenInvalid))), "{refused:?}");
    }
}

async fn what_is_wrong_is_told_of_every_field(fixture: Fixture) {
    let command =
        ListUsers { filter: "state = active".to_owned(), order_by: "username".to_owned(), ..ListUsers::default() };
    let Err(Error::Invalid(violations)) = list(&fixture, &command).await else { panic!("it was accepted") };
    let told: Vec<_> = violations.iter().map(|found| (found.field, found.description.as_str())).collect();
    let [state, order] = [
        "must name one of PENDING, ACTIVE, SUSPENDED and DELETED, at character 9",
        "must be create_time or email, perhaps with asc or desc after it",
    ];
    assert_eq!(told, [("filter", state), ("order_by", order)]);
    let negative = ListUsers { page: page(-1, ""), ..ListUsers::default() };
    assert!(matches!(list(&fixture, &negative).await, Err(Error::Invalid(_))));
}
