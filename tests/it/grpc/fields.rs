//! The maximum of each field, as its comment in the contract states it.

use ipse::proto::ErrorReason::{FieldInvalid, PageTokenInvalid, PasswordTooLong};
use ipse::proto::{LoginRequest, RegisterRequest};
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MethodDescriptor, Value};
use tonic::Status;

use crate::support::descriptors::{self, comment_of};
use crate::support::on_both_backends;
use crate::support::refusal::refusal;
use crate::support::wire::Call;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    no_text_is_longer_than_its_maximum
    no_text_contains_u_0000
    every_text_may_have_its_maximum
}

/// What the maxima of text are counted in.
const UNITS: [(&str, &str); 3] = [("bytes", "a"), ("characters", "a"), ("code points", "\u{e9}")];

/// Texts that are too long by one, for each maximum that the comment states: `N bytes`, `N characters` or `N code
/// points`, but for the least length of a password, `N code points or more`.
fn too_long(comment: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for (unit, letter) in UNITS {
        let mut before_each = comment.split(&format!(" {unit}")).collect::<Vec<_>>().into_iter().peekable();
        while let (Some(before), Some(after)) = (before_each.next(), before_each.peek()) {
            let number = before.rsplit(' ').next().and_then(|number| number.parse::<usize>().ok());
            texts.extend(number.filter(|_| !after.starts_with(" or more")).map(|number| letter.repeat(number + 1)));
        }
    }
    texts
}

/// The fields of text in the requests of all RPCs.
fn texts() -> Vec<(MethodDescriptor, FieldDescriptor)> {
    let fields = |method: MethodDescriptor| {
        let fields: Vec<_> = method.input().fields().filter(|field| field.kind() == Kind::String).collect();
        fields.into_iter().map(move |field| (method.clone(), field))
    };
    descriptors::methods().into_iter().flat_map(fields).collect()
}

/// Calls with one field alone.
async fn call(
    world: &World,
    token: &str,
    method: &MethodDescriptor,
    field: (&FieldDescriptor, &str),
) -> Result<(), Status> {
    let mut message = DynamicMessage::new(method.input());
    let text = Value::String(field.1.to_owned());
    message.set_field(field.0, if field.0.is_list() { Value::List(vec![text]) } else { text });
    let bearer = format!("Bearer {token}");
    let headers: [(&str, &[u8]); 1] = [("authorization", bearer.as_bytes())];
    let path = descriptors::path(method);
    Call::new(&path, &message.encode_to_vec()).with(&headers).send(world.replica().address).await.unwrap().result()
}

#[test]
fn everything_that_could_be_long_states_its_maximum() {
    for message in descriptors::messages() {
        for field in message.fields() {
            let comment = comment_of(&field);
            let is_text = matches!(field.kind(), Kind::String | Kind::Bytes);
            assert!(!is_text || !too_long(&comment).is_empty(), "{}: {comment}", field.full_name());
            assert!(!field.is_list() || comment.contains("At most "), "{}: {comment}", field.full_name());
        }
    }
}

async fn no_text_is_longer_than_its_maximum(world: World) {
    let token = world.administrator().await.tokens.access_token;
    let texts = texts();
    assert!(texts.len() >= 18, "{}", texts.len());
    for (method, field) in texts {
        for text in too_long(&comment_of(&field)) {
            let refusal = refusal(call(&world, &token, &method, (&field, &text)).await);
            let expected = [FieldInvalid, PasswordTooLong, PageTokenInvalid];
            assert!(expected.contains(&refusal.reason), "{}: {refusal:?}", field.full_name());
            assert!(refusal.fields.iter().any(|name| name == field.name()), "{}: {refusal:?}", field.full_name());
        }
    }
}

async fn no_text_contains_u_0000(world: World) {
    let token = world.administrator().await.tokens.access_token;
    for (method, field) in texts() {
        let refusal = refusal(call(&world, &token, &method, (&field, "abc\0def")).await);
        assert!(refusal.fields.iter().any(|name| name == field.name()), "{}: {refusal:?}", field.full_name());
    }
}

async fn every_text_may_have_its_maximum(world: World) {
    let domain = ["d".repeat(62), "d".repeat(61), "d".repeat(61), "de".to_owned()].join(".");
    let request = RegisterRequest {
        email: format!("{}@{domain}", "l".repeat(64)),
        password: "\u{1f600}".repeat(256),
        username: "u".repeat(32),
        display_name: "\u{e9}".repeat(128),
        locale: format!("en-{}-{}-{}-{}", "a".repeat(8), "b".repeat(8), "c".repeat(8), "d".repeat(5)),
        request_id: String::new(),
    };
    assert_eq!([request.email.len(), request.password.len(), request.locale.len()], [254, 1024, 35]);
    let mut alice = world.stranger("alice");
    (alice.email, alice.password) = (request.email.clone(), request.password.clone());
    let mut client = ipse::proto::auth_service_client::AuthServiceClient::new(world.replica().channel.clone());
    client.register(request.clone()).await.unwrap();
    alice.verify(&alice.mailed_token().await).await.unwrap();
    let sign_in = LoginRequest {
        identifier: request.email.clone(),
        client_label: "\u{1f600}".repeat(64),
        ..LoginRequest::default()
    };
    let me = alice.log_in_with(sign_in).await.unwrap().me().await.unwrap();
    let (user, session) = (me.user.unwrap(), me.session.unwrap());
    assert_eq!((user.email, user.username), (request.email, request.username));
    assert_eq!((user.display_name, user.locale), (request.display_name, request.locale));
    assert_eq!(session.client_label, "\u{1f600}".repeat(64));
}
