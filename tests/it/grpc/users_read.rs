use ipse::proto::ErrorReason::{FieldInvalid, PageTokenInvalid, ResourceNotFound};
use ipse::proto::lookup_user_request::Name;
use ipse::proto::{BatchGetUsersResponse, User, UserState};
use time::Duration;

use crate::support::on_both_backends;
use crate::support::refusal::{reason, refusal};
use crate::support::registrar::newcomer;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    an_account_is_told_by_its_id
    the_last_sign_in_is_kept
    an_account_is_found_by_every_form_of_its_names
    many_accounts_are_told_in_the_order_of_the_request
    a_thousand_ids_fit_into_a_request
    sessions_are_listed_newest_first
}

const NOBODY: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

async fn an_account_is_told_by_its_id(world: World) {
    let root = world.registrar().await;
    let phone = world.person("alice").await.log_in().await.unwrap();
    let own = phone.me().await.unwrap().user.unwrap();
    assert_eq!(root.get(&own.id).await.unwrap(), own);
    root.delete(&own.id).await.unwrap();
    assert_eq!(root.get(&own.id).await.unwrap().state(), UserState::Deleted);
    let nobody = refusal(root.get(NOBODY).await);
    assert_eq!((nobody.reason, nobody.resource), (ResourceNotFound, Some(("User".to_owned(), NOBODY.to_owned()))));
    for id in ["", "alice", "01890A5DAC96774BBCCEB302099A8057"] {
        assert_eq!(refusal(root.get(id).await).fields, ["id"], "{id}");
    }
}

async fn the_last_sign_in_is_kept(world: World) {
    let (root, alice) = (world.registrar().await, world.person("alice").await);
    let before = root.look_up(&alice).await;
    assert_eq!(before.last_login_time, None);
    alice.guess().await.unwrap_err();
    assert_eq!(root.look_up(&alice).await.last_login_time, None);
    for _ in 0..2 {
        world.wait(Duration::minutes(7));
        alice.log_in().await.unwrap();
        let seconds = root.look_up(&alice).await.last_login_time.unwrap().seconds;
        assert_eq!(seconds, crate::support::token::seconds(&world));
    }
    let changed = User { id: before.id, display_name: "Alice".to_owned(), ..User::default() };
    assert!(root.update(changed, &["display_name"]).await.unwrap().last_login_time.is_some());
}

async fn an_account_is_found_by_every_form_of_its_names(world: World) {
    let root = world.registrar().await;
    let alice = world.stranger("Alice").known_as("queen");
    alice.register().await.unwrap();
    alice.verify(&alice.mailed_token().await).await.unwrap();
    let found = root.look_up(&alice).await;
    for name in [
        Name::Email("ALICE@example.com".to_owned()),
        Name::Username("queen".to_owned()),
        Name::Username("QUEEN".to_owned()),
    ] {
        assert_eq!(root.look_up_by(Some(name)).await.unwrap(), found);
    }
    let nobody = refusal(root.look_up_by(Some(Name::Email("bob@example.com".to_owned()))).await);
    assert_eq!(nobody.resource, Some(("User".to_owned(), "bob@example.com".to_owned())));
    let nobody = refusal(root.look_up_by(Some(Name::Username("q_een".to_owned()))).await);
    assert_eq!(nobody.resource, Some(("User".to_owned(), "q_een".to_owned())));
    assert_eq!(refusal(root.look_up_by(None).await).fields, ["email"]);
    assert_eq!(refusal(root.look_up_by(Some(Name::Email(String::new()))).await).fields, ["email"]);
    assert_eq!(refusal(root.look_up_by(Some(Name::Username("a b".to_owned()))).await).fields, ["username"]);
    root.delete(&found.id).await.unwrap();
    assert_eq!(root.look_up(&alice).await.state(), UserState::Deleted);
}

async fn many_accounts_are_told_in_the_order_of_the_request(world: World) {
    let root = world.registrar().await;
    let mut made = Vec::new();
    for name in ["alice", "bob", "carol"] {
        made.push(root.create(newcomer(&world.stranger(name)), "").await.unwrap());
    }
    let [alice, bob, carol] = &made[..] else { panic!("three accounts") };
    let asked = [&*carol.id, NOBODY, &alice.id, &carol.id, NOBODY, &bob.id];
    let found = root.batch_get(&asked).await.unwrap();
    assert_eq!(found.users, [carol.clone(), alice.clone(), bob.clone()]);
    assert_eq!(found.missing_ids, [NOBODY]);
    assert_eq!(root.batch_get(&[]).await.unwrap(), BatchGetUsersResponse::default());
    let refused = refusal(root.batch_get(&[&alice.id, "alice"]).await);
    assert_eq!((refused.reason, refused.fields), (FieldInvalid, vec!["ids".to_owned()]));
}

async fn a_thousand_ids_fit_into_a_request(world: World) {
    let root = world.registrar().await;
    let own = root.0.me().await.unwrap().user.unwrap().id;
    let ids: Vec<String> = (0..999).map(|number| format!("01890a5d-ac96-774b-bcce-{number:012}")).collect();
    let mut asked: Vec<&str> = ids.iter().map(String::as_str).collect();
    asked.push(&own);
    let found = root.batch_get(&asked).await.unwrap();
    assert_eq!((found.users.len(), found.missing_ids), (1, ids.clone()));
    asked.push(NOBODY);
    assert_eq!(refusal(root.batch_get(&asked).await).fields, ["ids"]);
}

async fn sessions_are_listed_newest_first(world: World) {
    let (root, alice) = (world.registrar().await, world.person("alice").await);
    let mut ids = Vec::new();
    for _ in 0..5 {
        world.wait(Duration::seconds(1));
        ids.insert(0, alice.log_in().await.unwrap().tokens.session_id);
    }
    let alice = root.look_up(&alice).await.id;
    let own = root.0.me().await.unwrap().session.unwrap();
    let (mut listed, mut token) = (Vec::new(), String::new());
    loop {
        let page = root.sessions_of(&alice, (2, &token)).await.unwrap();
        listed.extend(page.sessions);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
        assert_eq!(reason(root.sessions_of(&own.user_id, (2, &token)).await), PageTokenInvalid);
    }
    assert_eq!(listed.iter().map(|session| session.id.clone()).collect::<Vec<_>>(), ids);
    assert!(listed.iter().all(|session| session.user_id == alice && !session.current));
    let page = root.sessions_of(&own.user_id, (0, "")).await.unwrap();
    assert_eq!(page.sessions, [own], "the caller's own session is the current one");
    assert_eq!(reason(root.sessions_of(NOBODY, (0, "")).await), ResourceNotFound);
    assert_eq!(refusal(root.sessions_of(&alice, (-1, "")).await).fields, ["page_size"]);
}
