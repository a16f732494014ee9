use ipse::proto::ErrorReason::PermissionMissing;
use ipse::proto::User;
use tonic::Status;

use crate::support::on_both_backends;
use crate::support::person::{Device, Person};
use crate::support::refusal::{reason, refusal};
use crate::support::registrar::{Registrar, newcomer};
use crate::support::wire::Call;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    nobody_acts_on_an_account_that_may_do_more
    whoever_may_do_as_much_may_act
    who_lacks_the_permission_learns_nothing
}

/// A call of everything that changes an account, by whether it was let through.
async fn try_everything(operator: &Registrar<'_>, of: &User) -> Vec<(&'static str, Result<(), Status>)> {
    let (id, locale) = (&of.id, User { id: of.id.clone(), locale: "de".to_owned(), ..User::default() });
    vec![
        ("update", operator.update(locale, &[]).await.map(|_| ())),
        ("require_password_change", operator.require_password_change(id).await.map(|_| ())),
        ("revoke_sessions", operator.revoke_sessions_of(id).await.map(|_| ())),
        ("suspend", operator.suspend(id, "").await.map(|_| ())),
        ("activate", operator.activate(id, "").await.map(|_| ())),
        ("delete", operator.delete(id).await.map(|_| ())),
        ("undelete", operator.undelete(id).await.map(|_| ())),
        ("delete again", operator.delete(id).await.map(|_| ())),
        ("purge", operator.purge(id).await),
    ]
}

/// Somebody who may do everything to accounts, and nothing else.
async fn clerk<'w>(world: &'w World, name: &str) -> Device<'w> {
    let root = world.stranger("root").log_in().await.unwrap();
    let permissions = ["users.*", "sessions.*"].map(str::to_owned).to_vec();
    let role = ipse::proto::Role { name: name.to_owned(), permissions, ..ipse::proto::Role::default() };
    let request = ipse::proto::CreateRoleRequest { role: Some(role), request_id: String::new() };
    let mut roles = ipse::proto::role_service_client::RoleServiceClient::new(root.channel());
    roles.create_role(root.request(request)).await.unwrap();
    world.person_with_role(name, name).await
}

async fn account(root: &Registrar<'_>, person: &Person<'_>) -> User {
    root.create(User { email_verified: true, ..newcomer(person) }, &person.password).await.unwrap()
}

async fn nobody_acts_on_an_account_that_may_do_more(world: World) {
    let root = world.registrar().await;
    let clerk = Registrar(clerk(&world, "clerk").await);
    let alice = world.stranger("alice");
    account(&root, &alice).await;
    world.give_role(&alice.email, "auditor").await;
    let (alice, own) = (root.look_up(&alice).await, root.0.me().await.unwrap().user.unwrap());
    for (subject, lacking) in [(&alice, "audit.read"), (&own, "*")] {
        for (what, outcome) in try_everything(&clerk, subject).await {
            let refused = refusal(outcome);
            let permission = refused.metadata["permission"].as_str();
            assert_eq!((refused.reason, permission), (PermissionMissing, lacking), "{what}");
        }
        assert_eq!(clerk.get(&subject.id).await.unwrap(), *subject);
    }
    assert!(world.letterbox.take(|mail| mail.content.kind() == "reset_password").is_empty());
    root.0.me().await.unwrap();
}

async fn whoever_may_do_as_much_may_act(world: World) {
    let root = world.registrar().await;
    let clerk = Registrar(clerk(&world, "clerk").await);
    let alice = world.stranger("alice");
    let alice = account(&root, &alice).await;
    for (what, outcome) in try_everything(&clerk, &alice).await {
        outcome.unwrap_or_else(|status| panic!("{what}: {status:?}"));
    }
}

async fn who_lacks_the_permission_learns_nothing(world: World) {
    let root = world.registrar().await;
    let alice = world.stranger("alice");
    let alice = account(&root, &alice).await;
    let nobody = Registrar(world.person("bob").await.log_in().await.unwrap());
    let there = refusal(nobody.get(&alice.id).await);
    let mut absent = refusal(nobody.get("01890a5d-ac96-774b-bcce-b302099a8057").await);
    absent.metadata.insert("request_id".to_owned(), there.metadata["request_id"].clone());
    assert_eq!(there, absent);
    assert_eq!(reason(nobody.get("not an id").await), PermissionMissing, "rights come before the form");
    let bearer = format!("Bearer {}", nobody.0.tokens.access_token);
    let headers: [(&str, &[u8]); 1] = [("authorization", bearer.as_bytes())];
    let call = Call::new("/ipse.v1.UserService/SuspendUser", b"\xff").with(&headers);
    assert_eq!(reason(call.send(world.replica().address).await.unwrap().result()), PermissionMissing);
    for (what, outcome) in try_everything(&nobody, &alice).await {
        assert_eq!(reason(outcome), PermissionMissing, "{what}");
    }
    assert_eq!(root.get(&alice.id).await.unwrap(), alice);
}
