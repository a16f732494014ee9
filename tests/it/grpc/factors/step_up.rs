//! Proving again who one is, in a session that continues under another id.

use ipse::proto::ErrorReason::{
    CredentialsInvalid, FieldInvalid, MfaChallengeInvalid, MfaCodeInvalid, StepUpRequired, TokenInvalid,
};
use ipse::proto::MfaFactor;
use ipse::proto::complete_step_up_request::Proof;
use time::Duration;

use crate::support::on_both_backends;
use crate::support::refusal::{reason, refusal};
use crate::support::world::{AUDIENCE, World};

on_both_backends! {
    World::start =>
    the_password_makes_a_sign_in_of_one_factor_fresh
    a_code_lifts_the_level
    the_password_alone_makes_two_factors_neither_fresh_nor_valid_again
    a_challenge_is_for_its_session_alone
    wrong_passwords_count_as_failed_sign_ins
}

async fn the_password_makes_a_sign_in_of_one_factor_fresh(world: World) {
    let alice = world.person("alice").await;
    let phone = alice
        .log_in_with(ipse::proto::LoginRequest {
            identifier: alice.email.clone(),
            client_label: "phone".to_owned(),
            ..ipse::proto::LoginRequest::default()
        })
        .await
        .unwrap();
    world.wait(Duration::minutes(6));
    assert_eq!(reason(phone.change_email("alina@example.com").await), StepUpRequired);
    let begun = phone.begin_step_up("").await.unwrap();
    assert_eq!(begun.factors().collect::<Vec<_>>(), [MfaFactor::Password]);
    assert_eq!(begun.request_options_json, "");
    let fresh = phone.step_up_with_password().await.unwrap();
    assert_ne!(fresh.tokens.session_id, phone.tokens.session_id);
    assert_eq!(reason(phone.me().await), TokenInvalid, "the new session takes the place of the old one");
    assert!(phone.refresh().await.is_err());
    fresh.change_email("alina@example.com").await.unwrap();
    let session = fresh.me().await.unwrap().session.unwrap();
    assert_eq!((session.client_label.as_str(), session.acr.as_str()), ("phone", "urn:ipse:aal:1"));
}

async fn a_code_lifts_the_level(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    let none = refusal(phone.begin_step_up("urn:ipse:aal:2").await);
    assert_eq!((none.reason, none.fields), (FieldInvalid, vec!["acr".to_owned()]));
    for unknown in ["urn:ipse:aal:3", "urn:ipse:aal:0"] {
        assert_eq!(reason(phone.begin_step_up(unknown).await), FieldInvalid, "{unknown}");
    }
    let enrolled = phone.enrol_app().await.unwrap();
    world.wait(Duration::minutes(1));
    let begun = phone.begin_step_up("urn:ipse:aal:2").await.unwrap();
    assert_eq!(begun.factors().collect::<Vec<_>>(), [MfaFactor::Totp, MfaFactor::RecoveryCode]);
    let password = Proof::Password(alice.password.clone());
    assert_eq!(reason(phone.complete_step_up(&begun.challenge_token, password).await), MfaCodeInvalid);
    let code = Proof::TotpCode(enrolled.app.code(world.now()));
    let lifted = phone.complete_step_up(&begun.challenge_token, code.clone()).await.unwrap();
    assert_eq!(lifted.level(), ("urn:ipse:aal:2".to_owned(), ["pwd", "otp", "mfa"].map(str::to_owned).to_vec()));
    assert!(lifted.refresh().await.unwrap().level().0.ends_with(":2"));
    // The audience of the sign-in stays.
    let orders = alice.refresh_for(AUDIENCE, &lifted.refresh().await.unwrap().tokens.refresh_token).await;
    assert!(orders.is_err() || orders.unwrap().level().0.ends_with(":2"));
}

async fn the_password_alone_makes_two_factors_neither_fresh_nor_valid_again(world: World) {
    let alice = world.person("alice").await;
    let enrolled = alice.log_in().await.unwrap().enrol_app().await.unwrap();
    let phone = alice.log_in_with_app(&enrolled.app).await.unwrap();
    world.wait(Duration::minutes(6));
    // At two factors the password alone is not asked for, and by request leaves the time of the second factor as it is.
    let begun = phone.begin_step_up("").await.unwrap();
    assert!(!begun.factors().any(|factor| factor == MfaFactor::Password));
    let phone = phone.step_up_with_password().await.unwrap();
    assert_eq!(phone.level().0, "urn:ipse:aal:2");
    assert_eq!(reason(phone.begin_totp().await), StepUpRequired);
    // Once two factors have ceased to count, the password alone does not bring them back.
    world.wait(Duration::minutes(61));
    let idle = phone.refresh().await.unwrap();
    assert_eq!(idle.level(), ("urn:ipse:aal:1".to_owned(), vec!["otp".to_owned(), "pwd".to_owned()]));
    let again = idle.step_up_with_password().await.unwrap();
    assert_eq!(again.level(), ("urn:ipse:aal:1".to_owned(), vec!["pwd".to_owned()]));
    assert_eq!(again.step_up_with_app(&enrolled.app).await.unwrap().level().0, "urn:ipse:aal:2");
}

async fn a_challenge_is_for_its_session_alone(world: World) {
    let alice = world.person("alice").await;
    let (phone, laptop) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    let mallory = world.person("mallory").await.log_in().await.unwrap();
    let begun = phone.begin_step_up("").await.unwrap();
    let password = Proof::Password(alice.password.clone());
    for other in [&laptop, &mallory] {
        let taken = other.complete_step_up(&begun.challenge_token, password.clone()).await;
        assert_eq!(reason(taken), MfaChallengeInvalid);
    }
    phone.complete_step_up(&begun.challenge_token, password.clone()).await.unwrap();
    let again = laptop.complete_step_up(&begun.challenge_token, password).await;
    assert_eq!(reason(again), MfaChallengeInvalid);
    assert!(laptop.me().await.is_ok());
}

async fn wrong_passwords_count_as_failed_sign_ins(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    for _ in 0..5 {
        let begun = phone.begin_step_up("").await.unwrap();
        let wrong = Proof::Password("not the password at all".to_owned());
        assert_eq!(reason(phone.complete_step_up(&begun.challenge_token, wrong).await), CredentialsInvalid);
    }
    assert_eq!(reason(alice.log_in().await), ipse::proto::ErrorReason::RateLimited);
}
