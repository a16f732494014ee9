//! What a second factor changes about signing in.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use ipse::proto::ErrorReason::{
    AccountDisabled, CredentialsInvalid, FieldInvalid, MfaChallengeInvalid, MfaCodeInvalid, RateLimited,
};
use ipse::proto::complete_mfa_request::Proof;
use ipse::proto::{CompleteMfaRequest, MfaFactor};
use time::Duration;

use crate::support::on_both_backends;
use crate::support::refusal::{reason, refusal};
use crate::support::trail::Trail;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    the_password_leads_to_a_challenge_and_the_code_to_tokens
    a_code_is_good_once_and_for_a_minute_and_a_half
    of_fifty_uses_of_one_code_one_succeeds
    a_challenge_is_answered_once_in_time_and_by_what_it_asks_for
    a_new_challenge_starts_no_count_anew
    a_hundred_failures_disable_a_factor
    what_changes_the_account_ends_the_challenge
    the_answer_before_the_password_is_right_is_that_of_everybody
    the_same_request_gets_the_same_session
}

fn totp(code: &str) -> Proof {
    Proof::TotpCode(code.to_owned())
}

async fn the_password_leads_to_a_challenge_and_the_code_to_tokens(world: World) {
    let alice = world.person("alice").await;
    let enrolled = alice.log_in().await.unwrap().enrol_app().await.unwrap();
    world.wait(Duration::minutes(1));
    let challenge = alice.challenge().await;
    assert_eq!(challenge.factors().collect::<Vec<_>>(), [MfaFactor::Totp, MfaFactor::RecoveryCode]);
    assert_eq!(challenge.expire_time.unwrap().seconds, world.now().unix_timestamp() + 300);
    let phone = alice.answer(&challenge, totp(&enrolled.app.code(world.now()))).await.unwrap();
    assert_eq!(phone.level(), ("urn:ipse:aal:2".to_owned(), ["pwd", "otp", "mfa"].map(str::to_owned).to_vec()));
    let me = phone.me().await.unwrap();
    let session = me.session.unwrap();
    assert_eq!((session.acr.as_str(), session.amr.join(" ").as_str()), ("urn:ipse:aal:2", "pwd otp mfa"));
    let factor = phone.factors().await.unwrap().remove(0);
    assert_eq!(factor.last_used_time.unwrap().seconds, world.now().unix_timestamp());
}

async fn a_code_is_good_once_and_for_a_minute_and_a_half(world: World) {
    let alice = world.person("alice").await;
    let enrolled = alice.log_in().await.unwrap().enrol_app().await.unwrap();
    // The code that completed the enrolment counts as used.
    let used = enrolled.app.code(world.now());
    assert_eq!(reason(alice.answer(&alice.challenge().await, totp(&used)).await), MfaCodeInvalid);
    world.wait(Duration::minutes(5));
    let now = world.now();
    for (seconds, good) in [(-60, false), (60, false), (-30, true), (30, true)] {
        let code = enrolled.app.code(now + Duration::seconds(seconds));
        let outcome = alice.answer(&alice.challenge().await, totp(&code)).await;
        assert_eq!(outcome.is_ok(), good, "{seconds}");
        if good {
            assert_eq!(reason(alice.answer(&alice.challenge().await, totp(&code)).await), MfaCodeInvalid, "{seconds}");
        }
    }
    // After a later code, an earlier one of the window is used up too.
    let code = enrolled.app.code(now);
    assert_eq!(reason(alice.answer(&alice.challenge().await, totp(&code)).await), MfaCodeInvalid);
    for form in ["12345", "1234567", " 23456", "+12345", "٣٤٥٦٧٨", "12345a"] {
        world.wait(Duration::hours(2));
        assert_eq!(reason(alice.answer(&alice.challenge().await, totp(form)).await), MfaCodeInvalid, "{form}");
    }
}

/// Through two replicas.
async fn of_fifty_uses_of_one_code_one_succeeds(world: World) {
    let alice = world.person("alice").await;
    let enrolled = alice.log_in().await.unwrap().enrol_app().await.unwrap();
    let other = world.another_replica().await;
    world.wait(Duration::minutes(1));
    let code = enrolled.app.code(world.now());
    let mut challenges = Vec::new();
    for number in 0..50 {
        let alice = if number % 2 == 0 { alice.clone() } else { alice.through(&other.channel) };
        challenges.push((alice.challenge().await, alice));
    }
    let answers = challenges.iter().map(|(challenge, alice)| alice.answer(challenge, totp(&code)));
    let answers = join_all(answers).await;
    let succeeded = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(succeeded, 1);
    let reasons = answers.into_iter().filter(Result::is_err).map(|answer| reason(answer).as_str_name());
    let reasons: BTreeSet<_> = reasons.collect();
    assert!(reasons.is_subset(&[MfaCodeInvalid, RateLimited].map(|reason| reason.as_str_name()).into()), "{reasons:?}");
    other.stop().await;
}

async fn a_challenge_is_answered_once_in_time_and_by_what_it_asks_for(world: World) {
    let alice = world.person("alice").await;
    let enrolled = alice.log_in().await.unwrap().enrol_app().await.unwrap();
    world.wait(Duration::minutes(1));
    let challenge = alice.challenge().await;
    alice.answer(&challenge, totp(&enrolled.app.code(world.now()))).await.unwrap();
    world.wait(Duration::seconds(30));
    let code = || totp(&enrolled.app.code(world.now()));
    assert_eq!(reason(alice.answer(&challenge, code()).await), MfaChallengeInvalid, "used");
    let challenge = alice.challenge().await;
    world.wait(Duration::minutes(5));
    assert_eq!(reason(alice.answer(&challenge, code()).await), MfaChallengeInvalid, "expired");
    let mut made_up = alice.challenge().await;
    made_up.challenge_token = "made-up".to_owned();
    assert_eq!(reason(alice.answer(&made_up, code()).await), MfaChallengeInvalid);
    made_up.challenge_token.clear();
    assert_eq!(refusal(alice.answer(&made_up, code()).await).fields, ["challenge_token"]);
    let nothing = CompleteMfaRequest { challenge_token: "x".to_owned(), ..CompleteMfaRequest::default() };
    assert_eq!(reason(alice.auth().complete_mfa(alice.request(nothing)).await), FieldInvalid);
    // No passkey was asked for.
    let passkey = Proof::PasskeyCredentialJson("{}".to_owned());
    assert_eq!(reason(alice.answer(&alice.challenge().await, passkey).await), MfaChallengeInvalid);
    // A step-up challenge completes no sign-in, and the other way round.
    let phone = alice.log_in_with_app(&enrolled.app).await.unwrap();
    let step_up = phone.begin_step_up("").await.unwrap();
    world.wait(Duration::seconds(30));
    let mut challenge = alice.challenge().await;
    let sign_in_token = std::mem::replace(&mut challenge.challenge_token, step_up.challenge_token);
    assert_eq!(reason(alice.answer(&challenge, code()).await), MfaChallengeInvalid);
    let code = ipse::proto::complete_step_up_request::Proof::TotpCode(enrolled.app.code(world.now()));
    assert_eq!(reason(phone.complete_step_up(&sign_in_token, code).await), MfaChallengeInvalid);
}

async fn a_new_challenge_starts_no_count_anew(world: World) {
    let alice = world.person("alice").await;
    let enrolled = alice.log_in().await.unwrap().enrol_app().await.unwrap();
    world.wait(Duration::minutes(1));
    alice.mails().await;
    let challenge = alice.challenge().await;
    for _ in 0..3 {
        assert_eq!(reason(alice.answer(&challenge, totp("000000")).await), MfaCodeInvalid);
    }
    let challenge = alice.challenge().await;
    for _ in 0..2 {
        assert_eq!(reason(alice.at("203.0.113.9").answer(&challenge, totp("000000")).await), MfaCodeInvalid);
    }
    let code = totp(&enrolled.app.code(world.now()));
    let refused = refusal(alice.answer(&alice.challenge().await, code.clone()).await);
    assert_eq!((refused.reason, refused.retry_after.unwrap().as_secs()), (RateLimited, 1));
    world.wait(Duration::seconds(1));
    alice.answer(&alice.challenge().await, code).await.unwrap();

    // Five wrong answers end a challenge, and the person is told: somebody knows the password.
    world.wait(Duration::minutes(1));
    alice.mails().await;
    let challenge = alice.challenge().await;
    for _ in 0..5 {
        assert_eq!(reason(alice.answer(&challenge, totp("000000")).await), MfaCodeInvalid);
    }
    world.wait(Duration::seconds(2));
    let code = totp(&enrolled.app.code(world.now()));
    assert_eq!(reason(alice.answer(&challenge, code).await), MfaChallengeInvalid);
    assert_eq!(alice.mail_kinds().await, ["second_factor_failed"]);
}

async fn a_hundred_failures_disable_a_factor(world: World) {
    let alice = world.person("alice").await;
    let enrolled = alice.log_in().await.unwrap().enrol_app().await.unwrap();
    world.wait(Duration::minutes(1));
    let mut challenge = alice.challenge().await;
    let mut trail = Trail::from_now_on(&world).await;
    for number in 0..100 {
        if number % 5 == 0 {
            challenge = alice.challenge().await;
        }
        assert_eq!(reason(alice.answer(&challenge, totp("000000")).await), MfaCodeInvalid, "{number}");
        world.wait(Duration::hours(25));
        challenge = alice.challenge().await;
    }
    let mut events = trail.lines().await;
    events.retain(|line| line.starts_with("authn_mfa") && !line.starts_with("authn_mfa_request"));
    let (locked, failed) = (events.pop().unwrap(), "authn_mfa_fail failure ->? CODE_WRONG");
    assert_eq!((events, &*locked), (vec![failed.to_owned(); 99], "authn_mfa_lock failure ->? CODE_WRONG"));
    assert_eq!(challenge.factors().collect::<Vec<_>>(), [MfaFactor::RecoveryCode]);
    let right = totp(&enrolled.app.code(world.now()));
    assert_eq!(reason(alice.answer(&challenge, right).await), MfaCodeInvalid);
    let recovery = Proof::RecoveryCode(enrolled.recovery_codes[0].clone());
    alice.answer(&challenge, recovery).await.unwrap();
}

async fn what_changes_the_account_ends_the_challenge(world: World) {
    let root = world.registrar().await;
    let alice = world.person("alice").await;
    let enrolled = alice.log_in().await.unwrap().enrol_app().await.unwrap();
    let id = root.look_up(&alice).await.id;
    world.wait(Duration::minutes(1));
    let code = || totp(&enrolled.app.code(world.now()));
    // A new password: whoever knew the old one alone is out.
    let challenge = alice.challenge().await;
    alice.request_reset().await.unwrap();
    alice.reset(&alice.mailed_token().await, "quite another way home").await.unwrap();
    assert_eq!(reason(alice.answer(&challenge, code()).await), MfaChallengeInvalid);
    assert_eq!(reason(alice.try_challenge().await), CredentialsInvalid);
    // A reset lifts neither the factor nor the level.
    let alice = alice.with_password("quite another way home");
    let challenge = alice.challenge().await;
    root.suspend(&id, "").await.unwrap();
    assert_eq!(reason(alice.answer(&challenge, code()).await), MfaChallengeInvalid);
    assert_eq!(reason(alice.try_challenge().await), AccountDisabled);
    root.activate(&id, "").await.unwrap();
    alice.answer(&alice.challenge().await, code()).await.unwrap();
}

/// Bytes alike, whether or not there is a second factor.
async fn the_answer_before_the_password_is_right_is_that_of_everybody(world: World) {
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    alice.log_in().await.unwrap().enrol_app().await.unwrap();
    let nobody = world.stranger("nobody");
    for person in [&alice, &bob, &nobody] {
        let refused = refusal(person.guess().await);
        assert_eq!((refused.reason, refused.metadata.len()), (CredentialsInvalid, 1), "{}", person.email);
    }
}

async fn the_same_request_gets_the_same_session(world: World) {
    let alice = world.person("alice").await;
    let enrolled = alice.log_in().await.unwrap().enrol_app().await.unwrap();
    world.wait(Duration::minutes(1));
    let challenge = alice.challenge().await;
    let request = |code: String| CompleteMfaRequest {
        challenge_token: challenge.challenge_token.clone(),
        proof: Some(totp(&code)),
        request_id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
    };
    let code = enrolled.app.code(world.now());
    let complete = async |code: &str| {
        let response = alice.auth().complete_mfa(alice.request(request(code.to_owned()))).await?;
        Ok::<_, tonic::Status>(response.into_inner().tokens.unwrap().session_id)
    };
    let first = complete(&code).await.unwrap();
    assert_eq!(complete(&code).await.unwrap(), first);
    assert_eq!(reason(complete("000000").await), ipse::proto::ErrorReason::RequestIdReused);
}
