//! Passkeys: registered, signing in alone, and as the second factor after the password.

use futures_util::future::join_all;
use ipse::proto::ErrorReason::{
    AccountDisabled, AudienceUnknown, CredentialExists, FieldInvalid, MfaChallengeInvalid, MfaCodeInvalid, RateLimited,
    ResourceNotFound, StepUpRequired,
};
use ipse::proto::complete_mfa_request::Proof;
use ipse::proto::complete_step_up_request::Proof as StepUpProof;
use ipse::proto::factor::Details;
use ipse::proto::{FactorKind, MfaFactor};
use serde_json::Value;
use time::Duration;

use crate::support::authenticator::{Authenticator, Flags};
use crate::support::database::Backend;
use crate::support::on_both_backends;
use crate::support::refusal::{reason, refusal};
use crate::support::trail::Trail;
use crate::support::world::{AUDIENCE, ISSUER, World};

on_both_backends! {
    World::start =>
    a_passkey_that_verifies_its_person_is_two_factors_in_one_gesture
    a_passkey_alone_must_verify_its_person
    a_passkey_stands_beside_the_password
    what_an_authenticator_tells_is_told
    a_registration_takes_one_answer
    nobody_registers_the_passkey_of_another
    a_question_is_answered_once
    a_wrong_answer_leaves_no_question_and_is_told
    of_twenty_uses_of_one_assertion_one_succeeds
    a_counter_that_does_not_grow_is_refused
    the_options_name_nobody
    an_unknown_credential_is_answered_like_a_wrong_answer
    the_state_of_the_account_shows_after_the_right_answer
    a_step_up_takes_a_passkey
}

on_both_backends! {
    of_another_domain =>
    passkeys_are_for_the_domain_and_the_places_that_are_set
}

async fn of_another_domain(backend: Backend) -> World {
    let settings = ["WEBAUTHN_RP_ID=example.com", "WEBAUTHN_ORIGINS=https://app.example.com,https://example.com"];
    World::with(backend, &settings).await
}

async fn a_passkey_that_verifies_its_person_is_two_factors_in_one_gesture(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    let mut key = Authenticator::new();
    let finished = phone.register_passkey(&mut key, ISSUER).await.unwrap();
    assert_eq!(finished.recovery_codes.len(), 10);
    let signed_in = alice.log_in_with_passkey(&mut key, ISSUER).await.unwrap();
    assert_eq!(signed_in.level(), ("urn:ipse:aal:2".to_owned(), ["hwk", "user", "mfa"].map(str::to_owned).to_vec()));
    signed_in.me().await.unwrap();
    let mut synced = Authenticator::synced();
    signed_in.register_passkey(&mut synced, ISSUER).await.unwrap();
    let signed_in = alice.log_in_with_passkey(&mut synced, ISSUER).await.unwrap();
    assert_eq!(signed_in.level().1, ["swk", "user", "mfa"]);
    // The audience is one that the server knows, and the label shows.
    let begun = alice.begin_passkey_login().await.unwrap();
    let credential = key.get(&begun.request_options_json, ISSUER);
    let unknown = alice.complete_passkey_login(&begun.challenge_token, &credential, "nobody").await;
    assert_eq!(reason(unknown), AudienceUnknown);
    let device = alice.complete_passkey_login(&begun.challenge_token, &credential, AUDIENCE).await.unwrap();
    let (_, claims) = crate::support::token::read(&device.tokens.access_token);
    assert_eq!(claims["aud"], serde_json::json!([AUDIENCE]));
}

async fn a_passkey_alone_must_verify_its_person(world: World) {
    let alice = world.person("alice").await;
    let mut key = Authenticator::new();
    alice.log_in().await.unwrap().register_passkey(&mut key, ISSUER).await.unwrap();
    key.flags = key.flags.without(Flags::VERIFIED);
    assert_eq!(reason(alice.log_in_with_passkey(&mut key, ISSUER).await), MfaCodeInvalid);
    // After the password, to have it is enough.
    let challenge = alice.challenge().await;
    let credential = key.get(&alice.begin_mfa_passkey(&challenge).await.unwrap(), ISSUER);
    let device = alice.answer(&challenge, Proof::PasskeyCredentialJson(credential)).await.unwrap();
    assert_eq!(
        device.level(),
        ("urn:ipse:aal:2".to_owned(), ["pwd", "hwk", "user", "mfa"].map(str::to_owned).to_vec())
    );
}

async fn a_passkey_stands_beside_the_password(world: World) {
    let alice = world.person("alice").await;
    let mut key = Authenticator::new();
    alice.log_in().await.unwrap().register_passkey(&mut key, ISSUER).await.unwrap();
    let challenge = alice.challenge().await;
    assert_eq!(challenge.factors().collect::<Vec<_>>(), [MfaFactor::Passkey, MfaFactor::RecoveryCode]);
    let options = alice.begin_mfa_passkey(&challenge).await.unwrap();
    let asked: Value = serde_json::from_str(&options).unwrap();
    assert_eq!(asked["allowCredentials"].as_array().unwrap().len(), 1);
    // Each answer needs its own question.
    let first = key.get(&options, ISSUER);
    let second = key.get(&alice.begin_mfa_passkey(&challenge).await.unwrap(), ISSUER);
    assert_eq!(reason(alice.answer(&challenge, Proof::PasskeyCredentialJson(first)).await), MfaCodeInvalid);
    let used_up = alice.answer(&challenge, Proof::PasskeyCredentialJson(second)).await;
    assert_eq!(reason(used_up), MfaChallengeInvalid);
    let third = key.get(&alice.begin_mfa_passkey(&challenge).await.unwrap(), ISSUER);
    alice.answer(&challenge, Proof::PasskeyCredentialJson(third)).await.unwrap();
    // Who has none is not asked for one.
    let bob = world.person("bob").await;
    bob.log_in().await.unwrap().enrol_app().await.unwrap();
    assert_eq!(reason(bob.begin_mfa_passkey(&bob.challenge().await).await), MfaChallengeInvalid);
}

async fn what_an_authenticator_tells_is_told(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    let begun = phone.begin_passkey().await.unwrap();
    let asked: Value = serde_json::from_str(&begun.creation_options_json).unwrap();
    let algorithms: Vec<_> = asked["pubKeyCredParams"].as_array().unwrap().iter().map(|p| &p["alg"]).collect();
    assert_eq!(algorithms, [-8, -7, -257]);
    assert_eq!((asked["rp"]["id"].as_str(), asked["attestation"].as_str()), (Some("id.example"), Some("none")));
    let handle = asked["user"]["id"].as_str().unwrap().to_owned();
    let id = phone.me().await.unwrap().user.unwrap().id;
    assert!(handle.len() == 43 && !begun.creation_options_json.contains(&id), "the handle is opaque");
    let mut key = Authenticator::synced();
    let credential = key.create(&begun.creation_options_json, ISSUER);
    let factor = phone.finish_passkey(&begun.factor_id, &credential).await.unwrap().factor.unwrap();
    assert_eq!(factor.kind(), FactorKind::Passkey);
    let Some(Details::Passkey(details)) = &factor.details else { panic!() };
    assert!(details.backup_eligible && details.backed_up && details.user_verifying);
    assert_eq!(details.rp_id, "id.example");
    let phone = alice.log_in_with_passkey(&mut key, ISSUER).await.unwrap();
    let again: Value = serde_json::from_str(&phone.begin_passkey().await.unwrap().creation_options_json).unwrap();
    assert_eq!(again["user"]["id"], handle, "one handle for all passkeys of a person");
    assert_eq!(again["excludeCredentials"].as_array().unwrap().len(), 1);
    key.flags = key.flags.without(Flags::BACKED_UP);
    let phone = alice.log_in_with_passkey(&mut key, ISSUER).await.unwrap();
    let factor = phone.factors().await.unwrap().remove(0);
    let Some(Details::Passkey(details)) = &factor.details else { panic!() };
    assert!(details.backup_eligible && !details.backed_up);
    assert_eq!(factor.last_used_time.unwrap().seconds, world.now().unix_timestamp());
}

async fn a_registration_takes_one_answer(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    let begun = phone.begin_passkey().await.unwrap();
    let mut key = Authenticator::new();
    let elsewhere = key.create(&begun.creation_options_json, "https://id.example.org");
    let right = key.create(&begun.creation_options_json, ISSUER);
    assert_eq!(reason(phone.finish_passkey(&begun.factor_id, &elsewhere).await), MfaCodeInvalid);
    assert_eq!(reason(phone.finish_passkey(&begun.factor_id, &right).await), ResourceNotFound);
    let begun = phone.begin_passkey().await.unwrap();
    let other_challenge = phone.finish_passkey(&begun.factor_id, &right).await;
    assert_eq!(reason(other_challenge), MfaCodeInvalid);
    let begun = phone.begin_passkey().await.unwrap();
    assert_eq!(refusal(phone.finish_passkey(&begun.factor_id, "").await).fields, ["credential_json"]);
    let large = "x".repeat(16 * 1024 + 1);
    assert_eq!(reason(phone.finish_passkey(&begun.factor_id, &large).await), FieldInvalid);
    assert_eq!(reason(phone.finish_passkey(&begun.factor_id, "{}").await), MfaCodeInvalid);
    assert!(phone.factors().await.unwrap().is_empty());
    let totp = phone.begin_totp().await.unwrap();
    assert_eq!(reason(phone.finish_passkey(&totp.factor_id, &right).await), ResourceNotFound);
}

async fn nobody_registers_the_passkey_of_another(world: World) {
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let mut key = Authenticator::new();
    alice.log_in().await.unwrap().register_passkey(&mut key, ISSUER).await.unwrap();
    let phone = bob.log_in().await.unwrap();
    let begun = phone.begin_passkey().await.unwrap();
    let copy = key.create_again(&begun.creation_options_json, ISSUER);
    assert_eq!(reason(phone.finish_passkey(&begun.factor_id, &copy).await), CredentialExists);
    assert!(!phone.me().await.unwrap().user.unwrap().mfa_enabled);
    alice.log_in_with_passkey(&mut key, ISSUER).await.unwrap();
}

async fn a_question_is_answered_once(world: World) {
    let alice = world.person("alice").await;
    let mut key = Authenticator::new();
    alice.log_in().await.unwrap().register_passkey(&mut key, ISSUER).await.unwrap();
    let begun = alice.begin_passkey_login().await.unwrap();
    assert_eq!(begun.expire_time.unwrap().seconds, world.now().unix_timestamp() + 300);
    let credential = key.get(&begun.request_options_json, ISSUER);
    let token = &begun.challenge_token;
    alice.complete_passkey_login(token, &credential, "").await.unwrap();
    assert_eq!(reason(alice.complete_passkey_login(token, &credential, "").await), MfaChallengeInvalid);
    let begun = alice.begin_passkey_login().await.unwrap();
    let credential = key.get(&begun.request_options_json, ISSUER);
    // On another replica than the one that asked, and not after its time.
    let other = world.another_replica().await;
    let elsewhere = alice.through(&other.channel);
    elsewhere.complete_passkey_login(&begun.challenge_token, &credential, "").await.unwrap();
    let begun = alice.begin_passkey_login().await.unwrap();
    let credential = key.get(&begun.request_options_json, ISSUER);
    world.wait(Duration::minutes(5));
    let late = elsewhere.complete_passkey_login(&begun.challenge_token, &credential, "").await;
    assert_eq!(reason(late), MfaChallengeInvalid);
    other.stop().await;
}

/// Whoever signs wrong needs a new question, which the limits on sign-ins count.
async fn a_wrong_answer_leaves_no_question_and_is_told(world: World) {
    let alice = world.person("alice").await;
    let mut key = Authenticator::new();
    alice.log_in().await.unwrap().register_passkey(&mut key, ISSUER).await.unwrap();
    let begun = alice.begin_passkey_login().await.unwrap();
    let wrong = key.get(&begun.request_options_json, "https://id.example.org");
    let right = key.get(&begun.request_options_json, ISSUER);
    let mut trail = Trail::from_now_on(&world).await.knowing(&["alice"]).await;
    assert_eq!(reason(alice.complete_passkey_login(&begun.challenge_token, &wrong, "").await), MfaCodeInvalid);
    assert_eq!(trail.lines().await, ["authn_login_fail failure ->alice ORIGIN"]);
    let again = alice.complete_passkey_login(&begun.challenge_token, &right, "").await;
    assert_eq!(reason(again), MfaChallengeInvalid);
    for _ in 1..100 {
        assert_eq!(reason(alice.log_in_with_passkey(&mut key, "https://id.example.org").await), MfaCodeInvalid);
    }
    assert_eq!(reason(alice.log_in_with_passkey(&mut key, ISSUER).await), RateLimited);
    alice.at("203.0.113.9").log_in_with_passkey(&mut key, ISSUER).await.unwrap();
}

async fn of_twenty_uses_of_one_assertion_one_succeeds(world: World) {
    let alice = world.person("alice").await;
    let mut key = Authenticator::new();
    alice.log_in().await.unwrap().register_passkey(&mut key, ISSUER).await.unwrap();
    let begun = alice.begin_passkey_login().await.unwrap();
    let credential = key.get(&begun.request_options_json, ISSUER);
    let uses = (0..20).map(|_| alice.complete_passkey_login(&begun.challenge_token, &credential, ""));
    let uses: Vec<_> = join_all(uses).await;
    assert_eq!(uses.iter().filter(|outcome| outcome.is_ok()).count(), 1);
}

async fn a_counter_that_does_not_grow_is_refused(world: World) {
    let alice = world.person("alice").await;
    let mut key = Authenticator::new();
    key.counter = Some(7);
    alice.log_in().await.unwrap().register_passkey(&mut key, ISSUER).await.unwrap();
    alice.log_in_with_passkey(&mut key, ISSUER).await.unwrap();
    key.counter = Some(3);
    assert_eq!(reason(alice.log_in_with_passkey(&mut key, ISSUER).await), MfaCodeInvalid, "a copy");
    key.counter = Some(100);
    alice.log_in_with_passkey(&mut key, ISSUER).await.unwrap();
}

/// Alike for everybody but for what is random.
async fn the_options_name_nobody(world: World) {
    let (alice, nobody) = (world.person("alice").await, world.stranger("nobody"));
    alice.log_in().await.unwrap().register_passkey(&mut Authenticator::new(), ISSUER).await.unwrap();
    let mut seen = Vec::new();
    for person in [&alice, &nobody] {
        let begun = person.begin_passkey_login().await.unwrap();
        let mut options: Value = serde_json::from_str(&begun.request_options_json).unwrap();
        options["challenge"] = Value::Null;
        assert_eq!(options["userVerification"], "required");
        seen.push((options, begun.challenge_token.len(), begun.expire_time));
    }
    assert_eq!(seen[0], seen[1]);
}

async fn an_unknown_credential_is_answered_like_a_wrong_answer(world: World) {
    let alice = world.person("alice").await;
    let (mut key, mut stranger) = (Authenticator::new(), Authenticator::new());
    let phone = alice.log_in().await.unwrap();
    stranger.create(&phone.begin_passkey().await.unwrap().creation_options_json, ISSUER);
    phone.register_passkey(&mut key, ISSUER).await.unwrap();
    let mut answers = Vec::new();
    let unknown = alice.log_in_with_passkey(&mut stranger, ISSUER).await;
    let wrong = alice.log_in_with_passkey(&mut key, "https://id.example.org").await;
    for outcome in [unknown, wrong] {
        let mut refused = refusal(outcome);
        refused.metadata.clear();
        answers.push(refused);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].reason, MfaCodeInvalid);
}

async fn the_state_of_the_account_shows_after_the_right_answer(world: World) {
    let root = world.registrar().await;
    let alice = world.person("alice").await;
    let mut key = Authenticator::new();
    alice.log_in().await.unwrap().register_passkey(&mut key, ISSUER).await.unwrap();
    let id = root.look_up(&alice).await.id;
    root.suspend(&id, "").await.unwrap();
    let wrong = alice.log_in_with_passkey(&mut key, "https://id.example.org").await;
    assert_eq!(reason(wrong), MfaCodeInvalid);
    assert_eq!(reason(alice.log_in_with_passkey(&mut key, ISSUER).await), AccountDisabled);
    root.activate(&id, "").await.unwrap();
    alice.log_in_with_passkey(&mut key, ISSUER).await.unwrap();
    root.delete(&id).await.unwrap();
    assert_eq!(reason(alice.log_in_with_passkey(&mut key, ISSUER).await), MfaCodeInvalid);
    root.purge(&id).await.unwrap();
    assert_eq!(reason(alice.log_in_with_passkey(&mut key, ISSUER).await), MfaCodeInvalid);
    for table in ["factors", "recovery_codes", "factor_enrolments"] {
        assert_eq!(world.count(table).await, 0, "{table}");
    }
}

async fn a_step_up_takes_a_passkey(world: World) {
    let alice = world.person("alice").await;
    let mut key = Authenticator::new();
    alice.log_in().await.unwrap().register_passkey(&mut key, ISSUER).await.unwrap();
    let phone = alice.log_in_with_passkey(&mut key, ISSUER).await.unwrap();
    world.wait(Duration::minutes(6));
    assert_eq!(reason(phone.begin_totp().await), StepUpRequired);
    let begun = phone.begin_step_up("").await.unwrap();
    assert_eq!(begun.factors().collect::<Vec<_>>(), [MfaFactor::Passkey, MfaFactor::RecoveryCode]);
    let credential = key.get(&begun.request_options_json, ISSUER);
    let proof = StepUpProof::PasskeyCredentialJson(credential);
    let fresh = phone.complete_step_up(&begun.challenge_token, proof).await.unwrap();
    assert_eq!(fresh.level().0, "urn:ipse:aal:2");
    fresh.begin_totp().await.unwrap();
}

async fn passkeys_are_for_the_domain_and_the_places_that_are_set(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    let mut key = Authenticator::new();
    for origin in [ISSUER, "https://app.example.com:443", "http://app.example.com", "https://app.example.com/"] {
        assert_eq!(reason(phone.register_passkey(&mut key, origin).await), MfaCodeInvalid, "{origin}");
    }
    let mut key = Authenticator::new();
    phone.register_passkey(&mut key, "https://app.example.com").await.unwrap();
    alice.log_in_with_passkey(&mut key, "https://example.com").await.unwrap();
    assert_eq!(reason(alice.log_in_with_passkey(&mut key, "https://evil.example.com").await), MfaCodeInvalid);
}
