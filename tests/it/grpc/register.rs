use futures_util::future::join_all;
use ipse::proto::ErrorReason::{
    ActionTokenInvalid, CredentialsInvalid, FieldInvalid, PasswordBlocklisted, PasswordTooLong, PasswordTooShort,
    RateLimited, StorageBusy, UsernameTaken,
};
use time::Duration;

use crate::support::on_both_backends;
use crate::support::person::Person;
use crate::support::refusal::{reason, refusal};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    a_new_person_gets_a_mail_and_cannot_sign_in_before_it_is_answered
    the_owner_of_a_taken_address_is_told_and_keeps_the_password
    an_address_has_one_account_however_it_is_written
    signing_up_again_before_the_proof_mails_another_token
    a_taken_username_is_refused_openly_and_changes_nothing
    a_username_belongs_to_whoever_proves_an_address_first
    passwords_keep_to_the_policy
    a_breached_password_is_refused_wherever_a_new_one_is_chosen
    a_refused_password_is_never_repeated
    all_faulty_fields_are_named_at_once
    parallel_sign_ups_of_one_address_make_one_account
    parallel_proofs_of_one_username_give_it_to_one_account
    nobody_can_flood_a_mailbox_with_sign_ups
    sign_ups_from_one_network_are_slowed_down
}

async fn a_new_person_gets_a_mail_and_cannot_sign_in_before_it_is_answered(world: World) {
    let alice = world.stranger("alice");
    alice.register().await.unwrap();
    assert_eq!(reason(alice.log_in().await), CredentialsInvalid);
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
    assert_eq!(post.log_in().await.unwrap().me().await.unwrap().user.unwrap().email, punycode.email);
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
    let alice = world.stranger("alice").known_as("wonder");
    alice.register().await.unwrap();
    alice.verify(&alice.mailed_token().await).await.unwrap();
    world.mails().await;
    let bob = world.stranger("bob").known_as("WONDER");
    // Also its owner's address makes no difference, or it would tell whose the name is.
    for person in [&bob, &alice] {
        let refusal = refusal(person.register().await);
        assert_eq!((refusal.reason, refusal.fields), (UsernameTaken, vec!["username".to_owned()]));
    }
    assert!(world.mails().await.is_empty());
    assert_eq!(world.count("users").await, 1);
    bob.known_as("wonder2").register().await.unwrap();
}

async fn a_username_belongs_to_whoever_proves_an_address_first(world: World) {
    let [alice, bob] = ["alice", "bob"].map(|name| world.stranger(name).known_as("wonder"));
    alice.register().await.unwrap();
    bob.register().await.unwrap();
    bob.verify(&bob.mailed_token().await).await.unwrap();
    alice.verify(&alice.mailed_token().await).await.unwrap();
    let username =
        async |person: &Person<'_>| person.log_in().await.unwrap().me().await.unwrap().user.unwrap().username;
    assert_eq!((username(&bob).await.as_str(), username(&alice).await.as_str()), ("wonder", ""));
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

/// `kfhwbvgqpzmxuvyr` and three others, as Have I Been Pwned would list them.
const BREACHED: &str = "00000000A8DAE4228F821FB418F59826079BF368:1\r\n\
                        52ECAEE4F3A5A8F8DA7A5D3A3F8C1B6CE6A8E1F0:8\r\n\
                        D336D959BB03100A3929A82C7D8F6A53EBED8F78:15\r\n\
                        FFFFFFFEE791CBAC0F6305CAF0CEE06BBE131160:22\r\n";

async fn a_breached_password_is_refused_wherever_a_new_one_is_chosen(world: World) {
    let list = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(list.path(), BREACHED).unwrap();
    let world = world.restart_with(&[&format!("PASSWORD_BLOCKLIST_FILE={}", list.path().display())]).await;
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    alice.request_reset().await.unwrap();
    let token = alice.mailed_token().await;
    for password in ["kfhwbvgqpzmxuvyr", "KFHWBVGQPZMXUVYR"] {
        let refused = refusal(world.stranger("bob").with_password(password).register().await);
        assert_eq!((refused.reason, refused.fields), (PasswordBlocklisted, vec!["password".to_owned()]));
        assert_eq!(reason(phone.change_password(&alice.password, password).await), PasswordBlocklisted);
        assert_eq!(reason(alice.reset(&token, password).await), PasswordBlocklisted);
    }
    world.stranger("bob").with_password("kfhwbvgqpzmxuvyrs").register().await.unwrap();
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
    let people: Vec<_> = (0..16).map(|_| world.stranger("alice")).collect();
    for outcome in join_all(people.iter().map(Person::register)).await {
        outcome.unwrap();
    }
    assert_eq!((world.count("users").await, world.count("passwords").await), (1, 1));
    let alice = &people[0];
    let (kinds, token) = alice.mailed_kinds_and_token().await;
    assert_eq!(kinds, ["verify_email"]);
    alice.verify(&token).await.unwrap();
}

async fn parallel_proofs_of_one_username_give_it_to_one_account(world: World) {
    let people: Vec<_> = (0..8).map(|number| world.stranger(&format!("person{number}")).known_as("wonder")).collect();
    let mut tokens = Vec::new();
    for person in &people {
        person.register().await.unwrap();
        tokens.push(person.mailed_token().await);
    }
    let proofs = join_all(people.iter().zip(&tokens).map(|(person, token)| person.verify(token))).await;
    for ((person, token), proof) in people.iter().zip(&tokens).zip(proofs) {
        // Whoever came second in the same moment tries again.
        if let Err(busy) = proof {
            assert_eq!(reason(Err::<(), _>(busy)), StorageBusy);
            person.verify(token).await.unwrap();
        }
        person.log_in().await.unwrap();
    }
    let named =
        world.database.outsider().await.values("SELECT username AS value FROM users WHERE username IS NOT NULL").await;
    assert_eq!(named, ["wonder"]);
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
