//! How people get second factors, and lose them.

use ipse::proto::ErrorReason::{
    EtagMismatch, FieldInvalid, MfaCodeInvalid, QuotaExceeded, ResourceNotFound, StepUpRequired,
};
use ipse::proto::{Factor, FactorKind, FactorState, UpdateMyFactorRequest};
use prost_types::FieldMask;
use time::Duration;

use crate::support::factors::AuthenticatorApp;
use crate::support::on_both_backends;
use crate::support::refusal::{reason, refusal};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    an_app_is_enrolled_with_one_of_its_codes
    wrong_codes_end_an_enrolment
    only_the_session_that_began_an_enrolment_completes_it_and_for_ten_minutes_alone
    a_further_factor_takes_the_level_that_there_is
    a_change_of_factors_ends_other_sessions_and_is_told
    factors_are_renamed_as_they_were_read
    the_last_factor_takes_the_recovery_codes_with_it
    nobody_has_more_than_twenty
    secrets_appear_once
}

async fn an_app_is_enrolled_with_one_of_its_codes(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    assert!(!phone.me().await.unwrap().user.unwrap().mfa_enabled);
    let begun = phone.begin_totp().await.unwrap();
    assert_eq!(begun.secret.len(), 32);
    assert!(begun.otpauth_uri.starts_with("otpauth://totp/") && begun.otpauth_uri.contains(&begun.secret));
    assert!(begun.qr_svg.contains("<svg") && !begun.qr_svg.contains("script"));
    let [pending] = &phone.factors().await.unwrap()[..] else { panic!() };
    assert_eq!((pending.state(), pending.kind()), (FactorState::Pending, FactorKind::Totp));
    // It signs nobody in yet.
    alice.log_in().await.unwrap();

    let code = AuthenticatorApp::new(&begun.secret).code(world.now());
    let confirmed = phone.confirm_totp(&begun.factor_id, &code).await.unwrap();
    let factor = confirmed.factor.unwrap();
    assert_eq!((factor.id.as_str(), factor.state()), (begun.factor_id.as_str(), FactorState::Active));
    assert_eq!(factor.display_name, "phone");
    assert_eq!(confirmed.recovery_codes.len(), 10);
    let factors = phone.factors().await.unwrap();
    let kinds: Vec<_> = factors.iter().map(Factor::kind).collect();
    assert_eq!(kinds, [FactorKind::Totp, FactorKind::RecoveryCodes]);
    assert!(phone.me().await.unwrap().user.unwrap().mfa_enabled);
    assert_eq!(reason(phone.confirm_totp(&begun.factor_id, &code).await), StepUpRequired, "the level is higher now");
}

async fn wrong_codes_end_an_enrolment(world: World) {
    let phone = world.person("alice").await.log_in().await.unwrap();
    let begun = phone.begin_totp().await.unwrap();
    for code in ["000000", "12345", "1234567", "12 456", "١٢٣٤٥٦"] {
        assert_eq!(reason(phone.confirm_totp(&begun.factor_id, code).await), MfaCodeInvalid, "{code}");
    }
    let code = AuthenticatorApp::new(&begun.secret).code(world.now());
    assert_eq!(reason(phone.confirm_totp(&begun.factor_id, &code).await), ResourceNotFound);
    assert_eq!(refusal(phone.confirm_totp(&begun.factor_id, "").await).fields, ["code"]);
    assert_eq!(reason(phone.confirm_totp("no id", "123456").await), FieldInvalid);
    assert!(phone.factors().await.unwrap().is_empty());
}

async fn only_the_session_that_began_an_enrolment_completes_it_and_for_ten_minutes_alone(world: World) {
    let alice = world.person("alice").await;
    let (phone, laptop) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    let mallory = world.person("mallory").await.log_in().await.unwrap();
    let begun = phone.begin_totp().await.unwrap();
    let app = AuthenticatorApp::new(&begun.secret);
    for other in [&laptop, &mallory] {
        let stolen = other.confirm_totp(&begun.factor_id, &app.code(world.now())).await;
        assert_eq!(reason(stolen), ResourceNotFound);
    }
    // A new enrolment takes the place of the one before.
    let second = phone.begin_totp().await.unwrap();
    assert_eq!(reason(phone.confirm_totp(&begun.factor_id, &app.code(world.now())).await), ResourceNotFound);
    world.wait(Duration::minutes(10));
    let late = AuthenticatorApp::new(&second.secret).code(world.now());
    assert_eq!(reason(phone.confirm_totp(&second.factor_id, &late).await), StepUpRequired);
    let phone = phone.step_up_with_password().await.unwrap();
    assert_eq!(reason(phone.confirm_totp(&second.factor_id, &late).await), ResourceNotFound);
}

async fn a_further_factor_takes_the_level_that_there_is(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    let enrolled = phone.enrol_app().await.unwrap();
    // The session is of one factor: whoever stole it adds nothing and removes nothing.
    let refused = refusal(phone.begin_totp().await);
    assert_eq!((refused.reason, refused.metadata["acr_values"].as_str()), (StepUpRequired, "urn:ipse:aal:2"));
    assert_eq!(refused.metadata["max_age"], "300");
    assert_eq!(reason(phone.delete_factor(&enrolled.factor.id).await), StepUpRequired);
    assert_eq!(reason(phone.new_recovery_codes().await), StepUpRequired);

    let laptop = alice.log_in_with_app(&enrolled.app).await.unwrap();
    let second = laptop.enrol_app().await.unwrap();
    assert_eq!(second.recovery_codes, [""; 0], "those of the first factor stay");
    world.wait(Duration::minutes(6));
    assert_eq!(reason(laptop.begin_totp().await), StepUpRequired);
    let laptop = laptop.step_up_with_app(&second.app).await.unwrap();
    laptop.delete_factor(&enrolled.factor.id).await.unwrap();
    alice.log_in_with_app(&second.app).await.unwrap();
}

async fn a_change_of_factors_ends_other_sessions_and_is_told(world: World) {
    let alice = world.person("alice").await;
    let (phone, laptop) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    alice.mails().await;
    let enrolled = phone.enrol_app().await.unwrap();
    assert!(laptop.me().await.is_err() && laptop.refresh().await.is_err());
    assert!(phone.me().await.is_ok());
    assert_eq!(alice.mail_kinds().await, ["factors_changed"]);
    let (mut tablet, desktop) =
        (alice.log_in_with_app(&enrolled.app).await.unwrap(), alice.log_in_with_app(&enrolled.app).await.unwrap());
    tablet = tablet.step_up_with_app(&enrolled.app).await.unwrap();
    tablet.new_recovery_codes().await.unwrap();
    assert!(desktop.me().await.is_err());
    assert_eq!(alice.mail_kinds().await, ["factors_changed"]);
    tablet.delete_factor(&enrolled.factor.id).await.unwrap();
    assert_eq!(alice.mail_kinds().await, ["factors_changed"]);
    assert!(tablet.me().await.is_ok());
}

async fn factors_are_renamed_as_they_were_read(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    let factor = phone.enrol_app().await.unwrap().factor;
    let rename = async |name: &str, etag: &str, paths: &[&str]| {
        let mut changed = factor.clone();
        (changed.display_name, changed.etag) = (name.to_owned(), etag.to_owned());
        let update_mask = Some(FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() });
        let request = UpdateMyFactorRequest { factor: Some(changed), update_mask, request_id: String::new() };
        let response = phone.factor_service().update_my_factor(phone.request(request)).await?;
        Ok::<_, tonic::Status>(response.into_inner().factor.unwrap())
    };
    let renamed = rename("the blue one", &factor.etag, &["display_name"]).await.unwrap();
    assert_eq!(renamed.display_name, "the blue one");
    assert_ne!(renamed.etag, factor.etag);
    assert_eq!(reason(rename("x", &factor.etag, &["display_name"]).await), EtagMismatch);
    let long = "x".repeat(65);
    assert_eq!(refusal(rename(&long, "", &["display_name"]).await).fields, ["factor.display_name"]);
    assert_eq!(reason(rename("y", "", &["secret"]).await), FieldInvalid);
    assert_eq!(phone.factors().await.unwrap()[0].display_name, "the blue one");
    let mallory = world.person("mallory").await.log_in().await.unwrap();
    let request = UpdateMyFactorRequest { factor: Some(factor), update_mask: None, request_id: String::new() };
    let foreign = mallory.factor_service().update_my_factor(mallory.request(request)).await;
    assert_eq!(reason(foreign), ResourceNotFound);
}

async fn the_last_factor_takes_the_recovery_codes_with_it(world: World) {
    let alice = world.person("alice").await;
    let enrolled = alice.log_in().await.unwrap().enrol_app().await.unwrap();
    let phone = alice.log_in_with_app(&enrolled.app).await.unwrap();
    assert_eq!(reason(phone.delete_factor(&enrolled.factor.id.replace('0', "1")).await), ResourceNotFound);
    phone.delete_factor(&enrolled.factor.id).await.unwrap();
    assert!(phone.factors().await.unwrap().is_empty());
    assert!(!phone.me().await.unwrap().user.unwrap().mfa_enabled);
    alice.log_in().await.unwrap();
    assert_eq!(reason(phone.new_recovery_codes().await), ResourceNotFound);
}

async fn nobody_has_more_than_twenty(world: World) {
    let alice = world.person("alice").await;
    let first = alice.log_in().await.unwrap().enrol_app().await.unwrap();
    let mut phone = alice.log_in_with_app(&first.app).await.unwrap();
    for _ in 1..20 {
        phone.enrol_app().await.unwrap();
    }
    assert_eq!(reason(phone.begin_totp().await), QuotaExceeded);
    phone = phone.step_up_with_app(&first.app).await.unwrap();
    phone.delete_factor(&first.factor.id).await.unwrap();
    phone.begin_totp().await.unwrap();
}

/// Neither the database nor any later answer has the secret or a recovery code.
async fn secrets_appear_once(world: World) {
    let alice = world.person("alice").await;
    let phone = alice.log_in().await.unwrap();
    let begun = phone.begin_totp().await.unwrap();
    let app = AuthenticatorApp::new(&begun.secret);
    let confirmed = phone.confirm_totp(&begun.factor_id, &app.code(world.now())).await.unwrap();
    let listed = format!("{:?}", phone.factors().await.unwrap());
    let dump = String::from_utf8_lossy(&crate::support::dump::dump(&world).await).into_owned();
    for secret in confirmed.recovery_codes.iter().chain([&begun.secret, &begun.otpauth_uri]) {
        let plain = secret.replace('-', "");
        for place in [&listed, &dump] {
            assert!(!place.contains(secret.as_str()) && !place.contains(&plain), "{secret}");
        }
    }
}
