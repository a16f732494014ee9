use futures_util::future::join_all;
use ipse::proto::ErrorReason::{
    ActionTokenInvalid, CredentialsInvalid, EmailNotVerified, FieldInvalid, PasswordBlocklisted, PasswordTooLong,
    PasswordTooShort, RateLimited, RefreshTokenInvalid, TokenInvalid, UsernameTaken,
};
use time::Duration;

use crate::support::on_both_backends;
use crate::support::person::Person;
use crate::support::refusal::{reason, refusal};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    a_later_sign_up_ends_the_sessions_of_an_earlier_one
    a_verified_password_is_the_one_signed_up_with_last
    a_sign_up_without_a_mail_changes_no_password
    a_new_person_gets_a_mail_and_cannot_sign_in_before_it_is_answered
    the_owner_of_a_taken_address_is_told_and_keeps_the_password
    an_address_has_one_account_however_it_is_written
    signing_up_again_before_the_proof_mails_another_token
    a_taken_username_is_refused_openly_and_changes_nothing
    the_owner_of_address_and_username_gets_the_answer_of_a_stranger
    passwords_keep_to_the_policy
    a_refused_password_is_never_repeated
    all_faulty_fields_are_named_at_once
    parallel_sign_ups_of_one_address_make_one_account
    parallel_sign_ups_with_one_username_make_one_account
    nobody_can_flood_a_mailbox_with_sign_ups
    sign_ups_from_one_network_are_slowed_down
}

async fn a_new_person_gets_a_mail_and_cannot_sign_in_before_it_is_answered(world: World) {
    let alice = world.stranger("alice");
    alice.register().await.unwrap();
    assert_eq!(reason(alice.log_in().await), EmailNotVerified);
    alice.verify(&alice.mailed_token().await).await.unwrap();
    alice.log_in().await.unwrap();
}

async fn the_owner_of_a_taken_address_is_told_and_keeps_the_password(world: World) {
    let alice = world.person("alice").await;
    let mallory = alice.with_password("a password of somebody else");
    mallory.register().await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["already_registered"]);
    alice.log_in().await.unwrap();
    mallory.log_in().await.unwrap_err();
    assert_eq!(world.count("users").await, 1);
}

async fn an_address_has_one_account_however_it_is_written(world: World) {
    let bob = world.person("bob").await;
    let mut shouting = bob.with_password("another password of bob");
    shouting.email = "BOB@Example.COM".to_owned();
    shouting.register().await.unwrap();
    assert_eq!(bob.mail_kinds().await, ["already_registered"]);

    let mut post = world.stranger("post");
    post.email = "post@bücher.example".to_owned();
    post.register().await.unwrap();
    post.verify(&post.mailed_token().await).await.unwrap();
    let mut punycode = post.clone();
    punycode.email = "post@xn--bcher-kva.example".to_owned();
    punycode.register().await.unwrap();
    assert_eq!(post.mail_kinds().await, ["already_registered", "welcome"]);
    assert_eq!(punycode.log_in().await.unwrap().me().await.unwrap().user.unwrap().email, post.email);
    assert_eq!(world.count("users").await, 2);
}

async fn signing_up_again_before_the_proof_mails_another_token(world: World) {
    let alice = world.stranger("alice");
    alice.register().await.unwrap();
    let first = alice.mailed_token().await;
    world.wait(Duration::minutes(1));
    alice.register().await.unwrap();
    let second = alice.mailed_token().await;
    assert_eq!(reason(alice.verify(&first).await), ActionTokenInvalid);
    alice.verify(&second).await.unwrap();
    assert_eq!(world.count("users").await, 1);
}

async fn a_taken_username_is_refused_openly_and_changes_nothing(world: World) {
    world.stranger("alice").known_as("wonder").register().await.unwrap();
    world.mails().await;
    let bob = world.stranger("bob").known_as("WONDER");
    let refusal = refusal(bob.register().await);
    assert_eq!((refusal.reason, refusal.fields), (UsernameTaken, vec!["username".to_owned()]));
    assert!(world.mails().await.is_empty());
    assert_eq!(world.count("users").await, 1);
    bob.known_as("wonder2").register().await.unwrap();
}

async fn the_owner_of_address_and_username_gets_the_answer_of_a_stranger(world: World) {
    let alice = world.stranger("alice").known_as("wonder");
    alice.register().await.unwrap();
    alice.verify(&alice.mailed_token().await).await.unwrap();
    alice.register().await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["already_registered", "welcome"]);
}

async fn passwords_keep_to_the_policy(world: World) {
    for (password, expected) in [
        ("kfhwbvgqpzmxuv", PasswordTooShort),
        (&*"\u{1F600}".repeat(14), PasswordTooShort),
        // 14 letters, one of them written as two code points.
        ("kfhwbe\u{301}gqpzmxuv", PasswordTooShort),
        ("", FieldInvalid),
        (&*("kfhwbvgq".repeat(32) + "x"), PasswordTooLong),
        (&*"\u{1F600}".repeat(257), PasswordTooLong),
        ("passwordpassword", PasswordBlocklisted),
        ("123456789012345", PasswordBlocklisted),
        ("alice@example.com", PasswordBlocklisted),
        ("id.exampleid.example", PasswordBlocklisted),
        ("kfhwb\0vgqpzmxuvyr", FieldInvalid),
    ] {
        let refusal = refusal(world.stranger("alice").with_password(password).register().await);
        assert_eq!((refusal.reason, refusal.fields), (expected, vec!["password".to_owned()]), "{password:?}");
        let minimum = refusal.metadata.get("min_length").map(String::as_str);
        assert_eq!(minimum, (expected == PasswordTooShort).then_some("15"), "{password:?}");
    }
    assert_eq!(world.count("users").await, 0);
    let accepted = ["kfhwbvgqpzmxuvy", "  x           y", &"\u{1F600}".repeat(15), &"kfhwbvgq".repeat(32)];
    for (number, password) in accepted.into_iter().enumerate() {
        world.stranger(&format!("person{number}")).with_password(password).register().await.unwrap();
    }
    assert_eq!(world.count("users").await, 4);
}

async fn a_refused_password_is_never_repeated(world: World) {
    for canary in ["canary", &"canary canary ".repeat(30), "canary\0canary canary"] {
        let status = world.stranger("alice").with_password(canary).register().await.unwrap_err();
        let details = String::from_utf8_lossy(status.details());
        assert!(!status.message().contains("canary") && !details.contains("canary"), "{status:?}");
    }
}

async fn all_faulty_fields_are_named_at_once(world: World) {
    let mut nobody = world.stranger("nobody").known_as("a..b").with_password("short");
    nobody.email = "nobody".to_owned();
    let refusal = refusal(nobody.register().await);
    assert_eq!(refusal.reason, FieldInvalid);
    assert_eq!(refusal.fields, ["email", "username", "password"]);
}

async fn parallel_sign_ups_of_one_address_make_one_account(world: World) {
    let people = (0..16).map(|number| world.stranger("alice").with_password(&format!("the password number {number}")));
    let people: Vec<_> = people.collect();
    for outcome in join_all(people.iter().map(Person::register)).await {
        outcome.unwrap();
    }
    assert_eq!(world.count("users").await, 1);
    let alice = &people[0];
    alice.verify(&alice.mailed_token().await).await.unwrap();
    let mut signed_in = 0;
    for person in &people {
        // Wrong passwords make the next attempt wait.
        world.wait(Duration::hours(1));
        signed_in += usize::from(person.log_in().await.is_ok());
    }
    assert_eq!(signed_in, 1);
}

async fn parallel_sign_ups_with_one_username_make_one_account(world: World) {
    let people: Vec<_> = (0..16).map(|number| world.stranger(&format!("person{number}")).known_as("wonder")).collect();
    let outcomes = join_all(people.iter().map(Person::register)).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for refused in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(reason(refused), UsernameTaken);
    }
    assert_eq!((world.count("users").await, world.count("passwords").await), (1, 1));
}

async fn nobody_can_flood_a_mailbox_with_sign_ups(world: World) {
    let (pending, known) = (world.stranger("pending"), world.person("known").await);
    for person in [pending, known] {
        let mut mails = Vec::new();
        for _ in 0..12 {
            person.register().await.unwrap();
            mails.extend(person.mails().await);
            world.wait(Duration::seconds(30));
        }
        assert_eq!(mails.len(), 5);
        world.wait(Duration::minutes(54) - Duration::MICROSECOND);
        person.register().await.unwrap();
        assert!(person.mails().await.is_empty());
        world.wait(Duration::MICROSECOND);
        person.register().await.unwrap();
        assert_eq!(person.mails().await.len(), 1, "an hour after the first one");
    }
}

async fn sign_ups_from_one_network_are_slowed_down(world: World) {
    let (alice, bob) = (world.stranger("alice").at("198.51.100.7"), world.stranger("bob").at("198.51.100.7"));
    alice.register().await.unwrap();
    world.database.outsider().await.execute("UPDATE throttles SET count = 1005").await;
    let refusal = refusal(bob.register().await);
    assert_eq!((refusal.reason, refusal.retry_after), (RateLimited, Some(std::time::Duration::from_secs(32))));
    bob.at("198.51.100.8").register().await.unwrap();
    world.wait(Duration::seconds(32));
    world.stranger("carol").at("198.51.100.7").register().await.unwrap();
}

/// Somebody else signed up with the address before: that password must not be what its owner verifies.
async fn a_verified_password_is_the_one_signed_up_with_last(world: World) {
    let alice = world.stranger("alice");
    let mallory = alice.with_password("a password of somebody else");
    mallory.register().await.unwrap();
    let void = alice.mailed_token().await;
    world.wait(Duration::minutes(1));
    alice.register().await.unwrap();
    let token = alice.mailed_token().await;
    assert_eq!(reason(alice.verify(&void).await), ActionTokenInvalid);
    alice.verify(&token).await.unwrap();
    alice.log_in().await.unwrap();
    assert_eq!(reason(mallory.log_in().await), CredentialsInvalid);
}

async fn a_sign_up_without_a_mail_changes_no_password(world: World) {
    let alice = world.stranger("alice");
    alice.register().await.unwrap();
    // Within the minute there is no second mail, so the first one still stands for the first password.
    alice.with_password("a password of somebody else").register().await.unwrap();
    alice.verify(&alice.mailed_token().await).await.unwrap();
    alice.log_in().await.unwrap();
}

async fn a_later_sign_up_ends_the_sessions_of_an_earlier_one(world: World) {
    let world = world.restart_with(&["UNVERIFIED_SIGN_IN=true"]).await;
    let alice = world.stranger("alice");
    let mallory = alice.with_password("a password of somebody else");
    mallory.register().await.unwrap();
    let phone = mallory.log_in().await.unwrap();
    world.wait(Duration::minutes(1));
    alice.register().await.unwrap();
    assert_eq!(reason(phone.me().await), TokenInvalid);
    assert_eq!(reason(phone.refresh().await), RefreshTokenInvalid);
    alice.log_in().await.unwrap();
}
