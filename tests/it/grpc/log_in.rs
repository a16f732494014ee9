use std::collections::HashSet;

use futures_util::future::join_all;
use ipse::domain::account::user::UserState;
use ipse::proto::ErrorReason::{
    AccountDisabled, AudienceUnknown, CredentialsInvalid, FieldInvalid, PasswordChangeRequired, RefreshTokenInvalid,
    TokenInvalid,
};
use ipse::proto::auth_service_client::AuthServiceClient;
use ipse::proto::{LoginRequest, Tokens};
use serde_json::json;
use time::Duration;

use crate::support::database::Backend;
use crate::support::on_both_backends;
use crate::support::person::{Device, Person};
use crate::support::refusal::{reason, refusal};
use crate::support::token;
use crate::support::world::{AUDIENCE, ISSUER, World};

on_both_backends! {
    World::start =>
    a_new_sign_in_takes_the_place_of_the_session_it_shows
    people_sign_in_with_address_or_username
    nobody_is_there_before_somebody_signs_up
    every_byte_of_a_password_counts
    no_password_is_cut
    both_forms_of_a_letter_are_one_password
    passwords_do_not_grow_old
    the_state_of_an_account_shows_only_after_the_right_password
    an_access_token_says_what_it_should_and_nothing_personal
    a_token_is_for_a_known_audience
    tokens_say_when_they_end
    the_sign_in_is_on_record
    a_weak_hash_is_replaced_at_the_next_sign_in
    passwords_are_stored_as_salted_hashes
    parallel_sign_ins_begin_sessions_of_their_own
}

on_both_backends! {
    without_proxies =>
    the_word_of_strangers_on_their_address_is_not_taken
}

async fn without_proxies(backend: Backend) -> World {
    World::with(backend, &["TRUSTED_PROXIES="]).await
}

/// A request to sign in under a name.
fn naming(identifier: &str) -> LoginRequest {
    LoginRequest { identifier: identifier.to_owned(), ..LoginRequest::default() }
}

async fn people_sign_in_with_address_or_username(world: World) {
    let alice = world.stranger("alice").known_as("wonder");
    alice.register().await.unwrap();
    alice.verify(&alice.mailed_token().await).await.unwrap();
    let id = alice.log_in().await.unwrap().me().await.unwrap().user.unwrap().id;
    for name in ["alice@example.com", "Alice@Example.COM", "wonder", "WONDER"] {
        let device = alice.log_in_with(naming(name)).await.unwrap();
        assert_eq!(device.me().await.unwrap().user.unwrap().id, id, "{name}");
    }
    for name in ["alice", "alice@example.co", "wonder@example.com"] {
        assert_eq!(reason(alice.log_in_with(naming(name)).await), CredentialsInvalid, "{name:?}");
    }
    // What nobody can be called is told from a wrong password, as at a sign-up.
    for name in [" wonder", "alice@example.com ", "won\u{200b}der", "a..b@example.com", "'; --", "\u{202e}"] {
        let refusal = refusal(alice.log_in_with(naming(name)).await);
        assert_eq!((refusal.reason, refusal.fields), (FieldInvalid, vec!["identifier".to_owned()]), "{name:?}");
    }
}

async fn nobody_is_there_before_somebody_signs_up(world: World) {
    for name in ["admin", "root", "ipse", "admin@id.example"] {
        for password in ["admin", "password", "changeme", "ipse"] {
            let request = LoginRequest { password: password.to_owned(), ..naming(name) };
            assert_eq!(reason(world.stranger("nobody").log_in_with(request).await), CredentialsInvalid);
        }
    }
    assert_eq!(world.count("users").await, 0);
}

async fn every_byte_of_a_password_counts(world: World) {
    let alice = world.stranger("alice").with_password(" The long way Home ");
    alice.register().await.unwrap();
    alice.verify(&alice.mailed_token().await).await.unwrap();
    for wrong in
        ["The long way Home ", " The long way Home", " the long way home ", " The long way Home  ", " The long"]
    {
        world.wait(Duration::hours(1));
        assert_eq!(reason(alice.with_password(wrong).log_in().await), CredentialsInvalid, "{wrong:?}");
    }
    world.wait(Duration::hours(1));
    alice.log_in().await.unwrap();
}

async fn no_password_is_cut(world: World) {
    let alice = world.stranger("alice").with_password(&"kfhwbvgq".repeat(32));
    alice.register().await.unwrap();
    alice.verify(&alice.mailed_token().await).await.unwrap();
    let shorter = alice.with_password(&alice.password[..255]);
    assert_eq!(reason(shorter.log_in().await), CredentialsInvalid);
    let longer = alice.with_password(&format!("{}x", alice.password));
    assert_eq!(reason(longer.log_in().await), CredentialsInvalid);
    alice.log_in().await.unwrap();
}

async fn a_new_sign_in_takes_the_place_of_the_session_it_shows(world: World) {
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let [phone, tablet] = [alice.log_in().await.unwrap(), alice.log_in().await.unwrap()];
    let sign_in = |device: &Device<'_>, person: &Person<'_>| {
        device.request(LoginRequest {
            identifier: person.email.clone(),
            password: person.password.clone(),
            ..LoginRequest::default()
        })
    };
    let mut client = AuthServiceClient::new(phone.channel());
    client.login(sign_in(&phone, &alice)).await.unwrap();
    assert_eq!(reason(phone.me().await), TokenInvalid);
    assert_eq!(reason(phone.refresh().await), RefreshTokenInvalid);
    tablet.me().await.unwrap();
    // Somebody else's session, one that is over, and a failed attempt change nothing.
    client.login(sign_in(&tablet, &bob)).await.unwrap();
    client.login(sign_in(&phone, &alice)).await.unwrap();
    client.login(sign_in(&tablet, &alice.with_password("not the password"))).await.unwrap_err();
    tablet.refresh().await.unwrap();
}

async fn both_forms_of_a_letter_are_one_password(world: World) {
    let alice = world.stranger("alice").with_password("caf\u{e9} at the corner");
    alice.register().await.unwrap();
    alice.verify(&alice.mailed_token().await).await.unwrap();
    alice.with_password("cafe\u{301} at the corner").log_in().await.unwrap();
    assert_eq!(reason(alice.with_password("cafe at the corner").log_in().await), CredentialsInvalid);
}

async fn passwords_do_not_grow_old(world: World) {
    let alice = world.person("alice").await;
    world.wait(Duration::days(4000));
    alice.log_in().await.unwrap();
}

async fn the_state_of_an_account_shows_only_after_the_right_password(world: World) {
    let [pending, suspended, changing, deleted] =
        ["pending", "suspended", "changing", "deleted"].map(|name| world.stranger(name));
    pending.register().await.unwrap();
    for person in [&suspended, &changing, &deleted] {
        person.register().await.unwrap();
        person.verify(&person.mailed_token().await).await.unwrap();
    }
    world.suspend(&suspended.email).await;
    world.change_user(&changing.email, |user| user.password_change_required = true).await;
    world.change_user(&deleted.email, |user| user.state = UserState::Deleted).await;
    for (person, expected) in [
        (pending, CredentialsInvalid),
        (suspended, AccountDisabled),
        (changing, PasswordChangeRequired),
        (deleted, CredentialsInvalid),
    ] {
        assert_eq!(reason(person.guess().await), CredentialsInvalid, "{}", person.email);
        assert_eq!(reason(person.log_in().await), expected, "{}", person.email);
    }
    assert_eq!(world.count("sessions").await, 0);
}

async fn an_access_token_says_what_it_should_and_nothing_personal(world: World) {
    let alice = world.stranger("alice").known_as("wonder");
    alice.register().await.unwrap();
    alice.verify(&alice.mailed_token().await).await.unwrap();
    world.wait(Duration::milliseconds(300));
    let phone = alice.log_in().await.unwrap();
    let (header, mut claims) = token::read(&phone.tokens.access_token);
    assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("ES256")));
    assert_eq!(header.as_object().unwrap().len(), 3, "{header}");
    let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
    let now = token::seconds(&world);
    assert_eq!(
        claims,
        json!({
            "iss": ISSUER,
            "aud": [ISSUER],
            "sub": phone.me().await.unwrap().user.unwrap().id,
            "sid": phone.tokens.session_id,
            "iat": now,
            "exp": now + 900,
            "auth_time": now,
            "amr": ["pwd"],
            "acr": "urn:ipse:aal:1",
            "client_id": "ipse",
            "roles": [],
        })
    );
    let (_, others) = token::read(&alice.log_in().await.unwrap().tokens.access_token);
    assert_ne!(others["jti"], jti);
    assert_ne!(others["sid"], claims["sid"]);
}

async fn a_token_is_for_a_known_audience(world: World) {
    let alice = world.person("alice").await;
    for (audience, expected) in [("", json!([ISSUER])), (ISSUER, json!([ISSUER])), (AUDIENCE, json!([AUDIENCE]))] {
        let request = LoginRequest { audience: audience.to_owned(), ..naming(&alice.email) };
        let device = alice.log_in_with(request).await.unwrap();
        let refreshed = device.refresh().await.unwrap();
        for device in [device, refreshed] {
            assert_eq!(token::read(&device.tokens.access_token).1["aud"], expected);
            // Whoever the token is shown to, be it the service it is for, cannot use it here.
            let outcome = device.me().await;
            assert!(if audience == AUDIENCE { reason(outcome) == TokenInvalid } else { outcome.is_ok() }, "{audience}");
        }
    }
    for audience in ["order", "Orders", "orders ", "https://id.example/"] {
        let request = LoginRequest { audience: audience.to_owned(), ..naming(&alice.email) };
        let refusal = refusal(alice.log_in_with(request).await);
        assert_eq!((refusal.reason, refusal.fields), (AudienceUnknown, vec!["audience".to_owned()]), "{audience}");
    }
}

async fn tokens_say_when_they_end(world: World) {
    let Tokens { access_token, access_expire_time, refresh_token, refresh_expire_time, .. } =
        world.person("alice").await.log_in().await.unwrap().tokens;
    let now = token::seconds(&world);
    assert_eq!(access_expire_time.unwrap().seconds, now + 15 * 60);
    assert_eq!(refresh_expire_time.unwrap().seconds, now + 14 * 24 * 3600);
    assert!(access_token.len() < 4096);
    assert!(refresh_token.len() <= 256);
}

async fn the_sign_in_is_on_record(world: World) {
    let alice = world.person("alice").await;
    let request = LoginRequest { client_label: "Alice's phone".to_owned(), ..naming(&alice.email) };
    world.wait(Duration::hours(1));
    let me = alice.at("2001:db8::7").log_in_with(request).await.unwrap().me().await.unwrap();
    let (user, session) = (me.user.unwrap(), me.session.unwrap());
    assert_eq!(user.last_login_time.unwrap().seconds, token::seconds(&world));
    assert_eq!(session.create_time.unwrap().seconds, token::seconds(&world));
    assert_eq!(session.client_label, "Alice's phone");
    assert_eq!(session.ip_address, "2001:db8::7");
    assert!(session.user_agent.starts_with("tonic/"), "{}", session.user_agent);
    assert_eq!((session.amr, &*session.acr), (vec!["pwd".to_owned()], "urn:ipse:aal:1"));
}

async fn a_weak_hash_is_replaced_at_the_next_sign_in(world: World) {
    let alice = world.person("alice").await.with_password("password");
    let weak = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    let mut database = world.database.outsider().await;
    database.execute(&format!("UPDATE passwords SET hash = '{weak}'")).await;
    assert_eq!(reason(alice.guess().await), CredentialsInvalid);
    assert_eq!(database.values("SELECT hash AS value FROM passwords").await, [weak]);
    alice.log_in().await.unwrap();
    let stored = &database.values("SELECT hash AS value FROM passwords").await[0];
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    alice.log_in().await.unwrap();
    assert_eq!(&database.values("SELECT hash AS value FROM passwords").await[0], stored);
}

async fn passwords_are_stored_as_salted_hashes(world: World) {
    for name in ["alice", "bob", "carol"] {
        world.stranger(name).with_password("the very same password").register().await.unwrap();
    }
    let stored = world.database.outsider().await.values("SELECT hash AS value FROM passwords").await;
    assert!(stored.iter().all(|hash| hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")), "{stored:?}");
    let salts: HashSet<_> = stored.iter().map(|hash| hash.split('$').nth(4).unwrap()).collect();
    assert_eq!(salts.len(), 3);
    // 16 and 32 bytes in base64.
    assert!(stored.iter().all(|hash| hash.split('$').skip(4).map(str::len).eq([22, 43])), "{stored:?}");
}

async fn parallel_sign_ins_begin_sessions_of_their_own(world: World) {
    let alice = world.person("alice").await;
    let devices = join_all((0..16).map(|_| alice.log_in())).await;
    let sessions: HashSet<_> = devices.iter().map(|device| &device.as_ref().unwrap().tokens.session_id).collect();
    assert_eq!(sessions.len(), 16);
    assert_eq!(devices[0].as_ref().unwrap().sessions().await.unwrap().len(), 16);
}

async fn the_word_of_strangers_on_their_address_is_not_taken(world: World) {
    let alice = world.person("alice").await;
    let session = alice.at("203.0.113.99").log_in().await.unwrap().me().await.unwrap().session.unwrap();
    assert_eq!(session.ip_address, "127.0.0.1");
}
