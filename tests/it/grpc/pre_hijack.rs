//! Whose account it is: somebody signs up with the address of another. Once the owner of the mailbox has acted, nothing signs
//! in, and nothing stays, that anybody else has chosen.

use ipse::domain::mail::MailContent;
use ipse::proto::ErrorReason::{CredentialsInvalid, RefreshTokenInvalid, TokenInvalid};
use ipse::proto::User;
use time::Duration;

use crate::support::on_both_backends;
use crate::support::person::{Person, token_in};
use crate::support::refusal::reason;
use crate::support::registrar::Registrar;
use crate::support::transfer::Transfer;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    nothing_of_a_stranger_stays_whoever_signs_up_first_and_whenever
    whoever_signs_up_again_with_the_same_password_keeps_it
    a_reset_leaves_nothing_of_a_strangers_sign_up
    an_operators_word_leaves_nothing_of_a_disputed_sign_up
    a_disputed_sign_up_is_still_disputed_after_a_move
    whoever_proves_an_address_by_changing_to_it_gets_it
    sessions_of_before_the_proof_end_with_a_disputed_sign_up
    a_sign_in_before_the_proof_mails_a_token_within_the_budget
    guesses_do_not_use_up_the_mails_of_a_sign_up
}

const OWN: &str = "the password that is chosen in the end";

/// What the two of them do before any mail is opened, and for how long nothing happens after it.
#[derive(Debug, Clone, Copy)]
enum Step {
    Stranger,
    Owner,
    Resend,
    OwnerLogsIn,
    StrangerLogsIn,
    Wait(Duration),
}

fn owner_and_stranger(world: &World) -> (Person<'_>, Person<'_>) {
    let owner = world.stranger("alice").known_as("wonder").shown_as("Alice");
    let stranger = owner.with_password("a password of somebody else").known_as("mallory").at("198.51.100.66");
    (owner, stranger.shown_as("Mallory"))
}

async fn act(owner: &Person<'_>, stranger: &Person<'_>, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Stranger => stranger.register().await.unwrap(),
            Step::Owner => owner.register().await.unwrap(),
            Step::Resend => owner.resend_verification().await.unwrap(),
            Step::OwnerLogsIn => drop(owner.log_in().await.unwrap_err()),
            Step::StrangerLogsIn => drop(stranger.log_in().await.unwrap_err()),
            Step::Wait(time) => owner.world.wait(*time),
        }
    }
}

/// The owner opens each mail that came, in this order; what is void is void.
async fn open_all(owner: &Person<'_>) {
    let mut mails = owner.mails().await;
    mails.reverse();
    for mail in mails {
        if matches!(mail.content, MailContent::VerifyEmail { .. }) {
            let _ = owner.verify(&token_in(&mail)).await;
        }
    }
}

/// The owner gets in by what is mailed, nobody else does, and nothing of them is there.
async fn assert_only_the_owner_gets_in(owner: &Person<'_>, stranger: &Person<'_>, what: &str) {
    assert_eq!(reason(stranger.log_in().await), CredentialsInvalid, "{what}");
    let (kinds, token) = owner.mailed_kinds_and_token().await;
    assert_eq!(kinds, ["reset_password"], "{what}");
    owner.reset(&token, OWN).await.unwrap();
    owner.world.wait(Duration::hours(1));
    assert_eq!(reason(stranger.log_in().await), CredentialsInvalid, "{what}");
    let me = owner.with_password(OWN).log_in().await.unwrap().me().await.unwrap().user.unwrap();
    assert_eq!((&*me.display_name, &*me.username, &*me.locale, me.attributes), ("", "", "", None), "{what}");
}

async fn nothing_of_a_stranger_stays_whoever_signs_up_first_and_whenever(world: World) {
    use Step::*;
    let soon = Wait(Duration::seconds(1));
    let later = Wait(Duration::minutes(1));
    let histories: &[&[Step]] = &[
        &[Stranger, soon, Owner],
        &[Stranger, later, Owner],
        &[Owner, soon, Stranger],
        &[Owner, later, Stranger],
        &[Stranger, later, Stranger, later, Stranger, later, Stranger, later, Stranger, later, Owner],
        &[Stranger, soon, Owner, later, Resend],
        &[Stranger, later, Owner, later, Stranger],
        &[Owner, later, Stranger, later, Owner],
        &[Stranger, soon, Owner, later, OwnerLogsIn],
        &[Stranger, soon, Owner, later, StrangerLogsIn],
        &[Stranger, Wait(Duration::hours(20)), Owner],
    ];
    for (number, history) in histories.iter().enumerate() {
        let (mut owner, mut stranger) = owner_and_stranger(&world);
        for person in [&mut owner, &mut stranger] {
            person.email = format!("person{number}@example.com");
            person.username.push_str(&number.to_string());
        }
        act(&owner, &stranger, history).await;
        open_all(&owner).await;
        assert_only_the_owner_gets_in(&owner, &stranger, &format!("{history:?}")).await;
    }
}

async fn whoever_signs_up_again_with_the_same_password_keeps_it(world: World) {
    let (owner, _) = owner_and_stranger(&world);
    owner.register().await.unwrap();
    world.wait(Duration::minutes(1));
    let renamed = owner.clone().shown_as("Alice B.").known_as("wonder2");
    renamed.register().await.unwrap();
    owner.register().await.unwrap();
    renamed.register().await.unwrap();
    open_all(&owner).await;
    let me = owner.log_in().await.unwrap().me().await.unwrap().user.unwrap();
    assert_eq!((&*me.display_name, &*me.username), ("Alice B.", "wonder2"));
}

/// The owner never signed up, and asks for a new password.
async fn a_reset_leaves_nothing_of_a_strangers_sign_up(world: World) {
    let (owner, stranger) = owner_and_stranger(&world);
    stranger.register().await.unwrap();
    owner.mails().await;
    owner.request_reset().await.unwrap();
    assert_only_the_owner_gets_in(&owner, &stranger, "reset").await;
    world.stranger("bob").known_as("mallory").register().await.unwrap();
}

async fn an_operators_word_leaves_nothing_of_a_disputed_sign_up(world: World) {
    let registrar = Registrar(world.person_with_role("root", "administrator").await);
    let (owner, stranger) = owner_and_stranger(&world);
    act(&owner, &stranger, &[Step::Stranger, Step::Owner]).await;
    owner.mails().await;
    let id = registrar.look_up(&owner).await.id;
    let vouched = User { id, email_verified: true, ..User::default() };
    let user = registrar.update(vouched, &["email_verified"]).await.unwrap();
    assert_eq!((&*user.display_name, &*user.username), ("", ""));
    let (kinds, token) = owner.mailed_kinds_and_token().await;
    assert_eq!(kinds, ["invitation"]);
    for person in [&owner, &stranger] {
        assert_eq!(reason(person.log_in().await), CredentialsInvalid);
    }
    owner.reset(&token, OWN).await.unwrap();
    owner.with_password(OWN).log_in().await.unwrap();
}

async fn a_disputed_sign_up_is_still_disputed_after_a_move(world: World) {
    let (owner, stranger) = owner_and_stranger(&world);
    act(&owner, &stranger, &[Step::Stranger, Step::Owner]).await;
    let root = world.person_with_role("root", "administrator").await;
    let transfer = Transfer(root.clone());
    let rows = transfer.export("", true).await.unwrap();
    let row = rows.into_iter().flatten().find(|row| row.user.as_ref().unwrap().email == owner.email).unwrap();
    assert!(row.provisional && row.password_hash.is_empty());
    let registrar = Registrar(root.clone());
    let id = row.user.as_ref().unwrap().id.clone();
    registrar.delete(&id).await.unwrap();
    registrar.purge(&id).await.unwrap();
    let mut row = row;
    row.user.as_mut().unwrap().id.clear();
    assert_eq!(transfer.import(vec![row]).await.unwrap().accepted, 1);
    owner.mails().await;
    world.wait(Duration::minutes(1));
    owner.resend_verification().await.unwrap();
    open_all(&owner).await;
    assert_only_the_owner_gets_in(&owner, &stranger, "moved").await;
}

async fn whoever_proves_an_address_by_changing_to_it_gets_it(world: World) {
    let bob = world.person("bob").await.log_in().await.unwrap();
    let (owner, stranger) = owner_and_stranger(&world);
    stranger.register().await.unwrap();
    owner.mails().await;
    bob.change_email(&owner.email).await.unwrap();
    owner.confirm_email_change(&owner.mailed_token().await).await.unwrap();
    assert_eq!(bob.me().await.unwrap().user.unwrap().email, owner.email);
    assert_eq!(reason(stranger.log_in().await), CredentialsInvalid);
    assert_eq!(world.count("users").await, 1);
}

async fn sessions_of_before_the_proof_end_with_a_disputed_sign_up(world: World) {
    let world = world.restart_with(&["UNVERIFIED_SIGN_IN=true"]).await;
    let (owner, stranger) = owner_and_stranger(&world);
    stranger.register().await.unwrap();
    let phone = stranger.log_in().await.unwrap();
    let changes = User { username: "wanted".to_owned(), ..User::default() };
    assert_eq!(phone.update(changes, &["username"]).await.unwrap().username, "wanted");
    world.stranger("bob").known_as("wanted").register().await.unwrap();
    phone.change_email("elsewhere@example.com").await.unwrap();
    owner.register().await.unwrap();
    phone.me().await.unwrap();
    open_all(&owner).await;
    assert_eq!(reason(phone.me().await), TokenInvalid);
    assert_eq!(reason(phone.refresh().await), RefreshTokenInvalid);
    let mut elsewhere = stranger.clone();
    elsewhere.email = "elsewhere@example.com".to_owned();
    assert!(elsewhere.confirm_email_change(&elsewhere.mailed_token().await).await.is_err());
    assert_only_the_owner_gets_in(&owner, &stranger, "sessions").await;
}

async fn a_sign_in_before_the_proof_mails_a_token_within_the_budget(world: World) {
    let (owner, stranger) = owner_and_stranger(&world);
    owner.register().await.unwrap();
    let first = owner.mailed_token().await;
    assert_eq!(reason(owner.log_in().await), CredentialsInvalid);
    assert!(owner.mails().await.is_empty(), "one a minute");
    // Whoever guesses causes no mail, and leaves the budget to the owner.
    for _ in 0..3 {
        world.wait(Duration::minutes(1));
        assert_eq!(reason(stranger.log_in().await), CredentialsInvalid);
        assert!(owner.mails().await.is_empty());
    }
    world.wait(Duration::minutes(1));
    assert_eq!(reason(owner.log_in().await), CredentialsInvalid);
    let second = owner.mailed_token().await;
    assert!(first != second && owner.verify(&first).await.is_err());
    owner.verify(&second).await.unwrap();
    // What failed before the proof makes nobody wait after it.
    owner.log_in().await.unwrap();
}

/// However many sign-ins fail, the owner can have the token mailed once more.
async fn guesses_do_not_use_up_the_mails_of_a_sign_up(world: World) {
    let (owner, stranger) = owner_and_stranger(&world);
    owner.register().await.unwrap();
    owner.mailed_token().await;
    for _ in 0..6 {
        world.wait(Duration::minutes(1));
        assert_eq!(reason(stranger.log_in().await), CredentialsInvalid);
    }
    world.wait(Duration::minutes(1));
    owner.resend_verification().await.unwrap();
    owner.verify(&owner.mailed_token().await).await.unwrap();
}
