//! Text and bytes that break what does not expect them.

use ipse::proto::ErrorReason::{CredentialsInvalid, FieldInvalid, InternalError};
use ipse::proto::auth_service_client::AuthServiceClient;
use ipse::proto::{LoginRequest, RegisterRequest};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::support::descriptors;
use crate::support::on_both_backends;
use crate::support::refusal::{Refusal, reason};
use crate::support::wire::{Call, Connection};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    text_comes_back_as_it_was_sent
    no_text_is_taken_for_anything_but_text
    no_bytes_make_the_server_fail
}

const TEXTS: [&str; 12] = [
    "'; DROP TABLE users; --",
    "\" OR \"1\"=\"1",
    "%_\\ $1 ? :a @b",
    "{{7*7}} ${7*7} <b>&amp;",
    "\u{202e}desrever",
    "a\u{200b}b\u{feff}c",
    "e\u{301} is not \u{e9}",
    "\u{10ffff}\u{fffd}\u{e000}",
    "ü€\u{1f600}",
    "  around  ",
    "NULL",
    "\\x00 \\0 %00",
];

async fn text_comes_back_as_it_was_sent(world: World) {
    let mut client = AuthServiceClient::new(world.replica().channel.clone());
    for (number, text) in TEXTS.into_iter().enumerate() {
        let alice = world.stranger(&format!("alice{number}")).with_password(&format!("{text} and some more"));
        let request = RegisterRequest {
            email: alice.email.clone(),
            password: alice.password.clone(),
            display_name: text.to_owned(),
            ..RegisterRequest::default()
        };
        client.register(request).await.unwrap();
        alice.verify(&alice.mailed_token().await).await.unwrap();
        let identifier = alice.email.clone();
        let sign_in = LoginRequest { identifier, client_label: text.to_owned(), ..LoginRequest::default() };
        let me = alice.log_in_with(sign_in).await.unwrap().me().await.unwrap();
        assert_eq!(me.user.unwrap().display_name, text);
        assert_eq!(me.session.unwrap().client_label, text);
    }
}

async fn no_text_is_taken_for_anything_but_text(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    for text in TEXTS {
        let identifier = format!("alice@example.com{text}");
        let sign_in = LoginRequest { identifier, ..LoginRequest::default() };
        assert!(matches!(reason(alice.log_in_with(sign_in).await), CredentialsInvalid | FieldInvalid), "{text}");
        for outcome in [
            alice.verify(text).await,
            alice.reset(text, "another long way home").await,
            alice.refresh(text).await.map(|_| ()),
            phone.page(0, text).await.map(|_| ()),
            phone.revoke(text).await,
            phone.bearing(&text.replace(|c: char| !c.is_ascii(), "")).me().await.map(|_| ()),
        ] {
            assert_ne!(reason(outcome), InternalError, "{text}");
        }
    }
    assert_eq!(phone.sessions().await.unwrap().len(), 1);
}

async fn no_bytes_make_the_server_fail(world: World) {
    let alice = world.person("alice").await;
    let stream = tokio::net::TcpStream::connect(world.replica().address).await.unwrap();
    let mut connection = Connection::open(stream).await;
    let mut runner = TestRunner::deterministic();
    let (methods, mut token) = (descriptors::methods(), String::new());
    // Near to a message: a few fields, of the right type or not, of honest length or not.
    let field = (0..8_u8, 0..6_u8, 0..12_u8, prop::collection::vec(any::<u8>(), 0..12));
    let message = prop::collection::vec(field, 0..4).prop_map(|fields| {
        let field =
            |(number, kind, length, bytes): (u8, u8, u8, Vec<u8>)| [&[number << 3 | kind, length][..], &bytes].concat();
        fields.into_iter().flat_map(field).collect::<Vec<u8>>()
    });
    for number in 0..400 {
        // Some of the calls end the session.
        if number % 40 == 0 {
            world.wait(time::Duration::hours(1));
            token = format!("Bearer {}", alice.log_in().await.unwrap().tokens.access_token);
        }
        let path = descriptors::path(&methods[number % methods.len()]);
        let message = message.new_tree(&mut runner).unwrap().current();
        let headers: [(&str, &[u8]); 1] = [("authorization", token.as_bytes())];
        let answer = connection.send(Call::new(&path, &message).with(&headers)).await.unwrap();
        if let Err(status) = answer.result() {
            assert_ne!(Refusal::of(&status).reason, InternalError, "{path} {message:?}");
        }
    }
}
