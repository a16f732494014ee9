use ipse::proto::ErrorReason::PageTokenInvalid;
use ipse::proto::{ListUsersRequest, User};
use time::Duration;

use crate::support::on_both_backends;
use crate::support::refusal::{reason, refusal};
use crate::support::registrar::{Registrar, newcomer};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    deleted_people_are_hidden_unless_asked_for
    a_filter_chooses_and_an_order_arranges
    a_token_leads_through_the_list_it_was_made_for
    a_token_opens_no_other_list
    what_is_wrong_is_told_of_every_field
}

/// Whom the tests list; the administrator is not among them.
const GUESTS: &str = "email = \"guest*\"";

/// Ten people, made one after the other; the fourth is deleted.
async fn put_ten(world: &World, root: &Registrar<'_>) -> Vec<User> {
    let mut people = Vec::new();
    for number in 0..10 {
        world.wait(Duration::seconds(1));
        let guest = newcomer(&world.stranger(&format!("guest{number}")));
        people.push(root.create(User { email_verified: number % 2 == 0, ..guest }, "").await.unwrap());
    }
    people[3] = root.delete(&people[3].id).await.unwrap();
    people
}

fn guests() -> ListUsersRequest {
    ListUsersRequest { filter: GUESTS.to_owned(), ..ListUsersRequest::default() }
}

async fn deleted_people_are_hidden_unless_asked_for(world: World) {
    let root = world.registrar().await;
    put_ten(&world, &root).await;
    for (filter, show_deleted, count) in
        [("", false, 10), ("", true, 11), ("state = DELETED", false, 0), ("state = DELETED", true, 1)]
    {
        let request = ListUsersRequest { filter: filter.to_owned(), show_deleted, ..ListUsersRequest::default() };
        let page = root.list(request).await.unwrap();
        assert_eq!((page.users.len(), page.next_page_token.as_str()), (count, ""), "{filter} {show_deleted}");
    }
}

async fn a_filter_chooses_and_an_order_arranges(world: World) {
    let root = world.registrar().await;
    let people = put_ten(&world, &root).await;
    let request = ListUsersRequest {
        filter: format!("{GUESTS} AND state = ACTIVE"),
        order_by: "email desc".to_owned(),
        ..ListUsersRequest::default()
    };
    let expected: Vec<User> = [8, 6, 4, 2, 0].map(|number| people[number].clone()).to_vec();
    assert_eq!(root.list(request).await.unwrap().users, expected);
    let request = ListUsersRequest { filter: "role = administrator".to_owned(), ..ListUsersRequest::default() };
    assert_eq!(root.list(request).await.unwrap().users, [root.0.me().await.unwrap().user.unwrap()]);
}

async fn a_token_leads_through_the_list_it_was_made_for(world: World) {
    let root = world.registrar().await;
    let people = put_ten(&world, &root).await;
    for order_by in ["", "create_time", "create_time desc", "email", "email desc"] {
        let (mut walked, mut page_token, mut sizes) = (Vec::new(), String::new(), Vec::new());
        loop {
            let order_by = order_by.to_owned();
            let request = ListUsersRequest { page_size: 4, page_token, order_by, show_deleted: true, ..guests() };
            let page = root.list(request).await.unwrap();
            sizes.push(page.users.len());
            walked.extend(page.users);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        if order_by.ends_with("desc") {
            walked.reverse();
        }
        assert_eq!((walked, sizes), (people.clone(), vec![4, 4, 2]), "{order_by}");
    }
    let all = ListUsersRequest { page_size: 10, show_deleted: true, ..guests() };
    assert_eq!(root.list(all).await.unwrap().next_page_token, "");
}

async fn a_token_opens_no_other_list(world: World) {
    let root = world.registrar().await;
    put_ten(&world, &root).await;
    let first = ListUsersRequest { page_size: 2, ..guests() };
    let page_token = root.list(first.clone()).await.unwrap().next_page_token;
    let next = ListUsersRequest { page_size: 3, page_token, ..first };
    assert_eq!(root.list(next.clone()).await.unwrap().users.len(), 3);
    for other in [
        ListUsersRequest { filter: String::new(), ..next.clone() },
        ListUsersRequest { filter: format!("{GUESTS} AND state = ACTIVE"), ..next.clone() },
        ListUsersRequest { order_by: "create_time desc".to_owned(), ..next.clone() },
        ListUsersRequest { order_by: "email".to_owned(), ..next.clone() },
        ListUsersRequest { show_deleted: true, ..next.clone() },
        ListUsersRequest { page_token: next.page_token[1..].to_owned(), ..next.clone() },
    ] {
        assert_eq!(reason(root.list(other.clone()).await), PageTokenInvalid, "{other:?}");
    }
}

async fn what_is_wrong_is_told_of_every_field(world: World) {
    let root = world.registrar().await;
    let wrong = ListUsersRequest {
        filter: "state = active".to_owned(),
        order_by: "username".to_owned(),
        ..ListUsersRequest::default()
    };
    assert_eq!(refusal(root.list(wrong).await).fields, ["filter", "order_by"]);
    let padded = ListUsersRequest { order_by: format!("{:33}", "email"), ..ListUsersRequest::default() };
    assert_eq!(refusal(root.list(padded).await).fields, ["order_by"]);
    assert_eq!(refusal(root.list(ListUsersRequest { page_size: -1, ..guests() }).await).fields, ["page_size"]);
}
