//! What is left of a person who was erased: the id, in the audit trail, and where its calls came from.

use ipse::proto::{LoginRequest, RegisterRequest, User};
use prost_types::{Struct, Value, value::Kind};
use time::Duration;

use crate::support::dump::{contains, dump};
use crate::support::on_both_backends;
use crate::support::person::Device;
use crate::support::registrar::Registrar;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    nothing_is_left_of_whom_an_operator_erased
    nothing_is_left_of_whom_the_purge_erased
}

/// Texts that stand nowhere but in what this person gave.
const EMAIL: &str = "canary.mail@canary-domain.example";
const NEW_EMAIL: &str = "canary.new@canary-other.example";
const USERNAME: &str = "canary_username";
const NAME: &str = "Canary Displayname";
const ATTRIBUTE: &str = "canary attribute";
const LABEL: &str = "canary label";
const CANARIES: [&str; 8] = [EMAIL, NEW_EMAIL, "canary-domain", "canary-other", USERNAME, NAME, ATTRIBUTE, LABEL];

/// Somebody who left traces wherever people can.
async fn somebody(world: &World) -> Device<'_> {
    let mut person = world.stranger("canary");
    EMAIL.clone_into(&mut person.email);
    let request = RegisterRequest {
        email: EMAIL.to_owned(),
        password: person.password.clone(),
        username: USERNAME.to_owned(),
        display_name: NAME.to_owned(),
        locale: "de-CH".to_owned(),
        request_id: String::new(),
    };
    let mut client = ipse::proto::auth_service_client::AuthServiceClient::new(world.replica().channel.clone());
    client.register(request).await.unwrap();
    person.verify(&person.mailed_token().await).await.unwrap();
    person.guess().await.unwrap_err();
    let sign_in =
        LoginRequest { identifier: EMAIL.to_owned(), client_label: LABEL.to_owned(), ..LoginRequest::default() };
    let phone = person.log_in_with(sign_in).await.unwrap();
    let text = Value { kind: Some(Kind::StringValue(ATTRIBUTE.to_owned())) };
    let attributes = Struct { fields: [("note".to_owned(), text)].into() };
    phone.update(User { attributes: Some(attributes), ..User::default() }, &["attributes"]).await.unwrap();
    world.give_role(EMAIL, "auditor").await;
    phone.change_email(NEW_EMAIL).await.unwrap();
    person.request_reset().await.unwrap();
    phone
}

async fn is_clean_but_for_the_trail(world: &World, id: &str, hash: &str) {
    world.mails().await;
    world.purge().await;
    let dump = dump(world).await;
    for canary in CANARIES.into_iter().chain([hash]) {
        assert!(!contains(&dump, canary.as_bytes()), "{canary}");
    }
    assert!(contains(&dump, id.as_bytes()), "the trail keeps the id");
}

async fn hash(world: &World) -> String {
    let query = "SELECT hash AS value FROM passwords p JOIN users u ON u.id = p.user_id WHERE u.username IS NOT NULL";
    world.database.outsider().await.values(query).await.remove(0)
}

async fn nothing_is_left_of_whom_an_operator_erased(world: World) {
    let root = Registrar(world.administrator().await);
    let id = somebody(&world).await.me().await.unwrap().user.unwrap().id;
    let hash = hash(&world).await;
    let before = dump(&world).await;
    for canary in CANARIES.into_iter().chain([hash.as_str()]) {
        assert!(contains(&before, canary.as_bytes()), "{canary} was there");
    }
    root.suspend(&id, "").await.unwrap();
    root.delete(&id).await.unwrap();
    root.purge(&id).await.unwrap();
    is_clean_but_for_the_trail(&world, &id, &hash).await;
}

async fn nothing_is_left_of_whom_the_purge_erased(world: World) {
    let phone = somebody(&world).await;
    let id = phone.me().await.unwrap().user.unwrap().id;
    let hash = hash(&world).await;
    phone.delete(&world.stranger("canary").password).await.unwrap();
    world.wait(Duration::days(30) + Duration::seconds(1));
    is_clean_but_for_the_trail(&world, &id, &hash).await;
}
