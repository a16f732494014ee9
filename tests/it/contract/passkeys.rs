//! What the port of passkeys promises, from the options to the verdict, with an authenticator in software. The vectors of
//! WebAuthn, and what becomes of them when they are changed, stand beside the adapter.

use ipse::application::ports::CeremonyRejected::{self, BackupEligibility, Challenge, Origin, SignCount, Signature};
use ipse::application::ports::{AssertionCeremony, NewPasskey, Passkeys, RegistrationCeremony, VerifiedAssertion};
use ipse::domain::credential::passkey::{Passkey, UserVerification};
use ipse::infrastructure::webauthn::WebAuthn;
use ipse::infrastructure::webauthn::relying_party::RelyingParty;

use crate::support::authenticator::{Algorithm, Attestation, Authenticator, Flags};

const ORIGIN: &str = "https://id.example";
const APP: &str = "android:apk-key-hash:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const PERSON: &[u8] = &[7; 32];
const CHALLENGE: [u8; 32] = [1; 32];

fn passkeys() -> WebAuthn {
    let origins = [ORIGIN, APP].map(str::to_owned).to_vec();
    WebAuthn::new(RelyingParty { rp_id: "id.example".into(), name: "Example".into(), origins })
}

fn creation_options(exclude: &[Passkey]) -> String {
    let wanted = NewPasskey {
        challenge: &CHALLENGE,
        user_handle: PERSON,
        user_name: "ada@id.example",
        user_display_name: "Ada",
        exclude,
        user_verification: UserVerification::Required,
    };
    passkeys().creation_options(&wanted).unwrap()
}

fn register(answer: &str, user_verification: UserVerification) -> Result<Passkey, CeremonyRejected> {
    let ceremony = RegistrationCeremony { challenge: &CHALLENGE, user_handle: PERSON, user_verification };
    passkeys().register(answer, &ceremony)
}

/// A passkey that the authenticator made and that was accepted.
fn registered(authenticator: &mut Authenticator) -> Passkey {
    let answer = authenticator.create(&creation_options(&[]), ORIGIN);
    register(&answer, UserVerification::Preferred).unwrap()
}

fn request_options(allow: &[Passkey]) -> String {
    passkeys().request_options(&CHALLENGE, allow, UserVerification::Preferred).unwrap()
}

/// The verdict on an answer for anybody.
fn verify(
    answer: &str,
    stored: Option<&Passkey>,
    user_verification: UserVerification,
) -> Result<VerifiedAssertion, CeremonyRejected> {
    let ceremony = AssertionCeremony { challenge: &CHALLENGE, user_handle: None, user_verification };
    let presented = passkeys().read_assertion(answer).unwrap();
    passkeys().verify(&presented, stored, &ceremony)
}

fn used(authenticator: &mut Authenticator, stored: &Passkey) -> Result<VerifiedAssertion, CeremonyRejected> {
    let answer = authenticator.get(&request_options(&[]), ORIGIN);
    verify(&answer, Some(stored), UserVerification::Preferred)
}

#[test]
fn a_passkey_is_made_kept_and_used() {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        for attestation in [Attestation::None, Attestation::Own] {
            for origin in [ORIGIN, APP] {
                let mut authenticator = Authenticator::new();
                (authenticator.algorithm, authenticator.attestation) = (algorithm, attestation);
                let answer = authenticator.create(&creation_options(&[]), origin);
                let passkey = register(&answer, UserVerification::Required).unwrap();
                assert_eq!(authenticator.ids().collect::<Vec<_>>(), [passkey.credential_id.as_slice()]);
                assert_eq!((passkey.user_handle.as_slice(), passkey.rp_id.as_str()), (PERSON, "id.example"));
                assert_eq!((passkey.sign_count, passkey.user_verified, passkey.aaguid.is_nil()), (1, true, true));
                assert_eq!((passkey.backup_eligible, passkey.backed_up), (false, false));
                assert_eq!(passkey.transports, ["internal"]);
                let answer = authenticator.get(&request_options(&[]), origin);
                let presented = passkeys().read_assertion(&answer).unwrap();
                assert_eq!(presented.credential_id, passkey.credential_id);
                assert_eq!(presented.user_handle.as_deref(), Some(PERSON));
                let verified = verify(&answer, Some(&passkey), UserVerification::Required).unwrap();
                assert_eq!(verified, VerifiedAssertion { sign_count: 2, backed_up: false, user_verified: true });
            }
        }
    }
}

#[test]
fn an_answer_is_good_for_its_own_request_alone() {
    let mut authenticator = Authenticator::new();
    let passkey = registered(&mut authenticator);
    let other = passkeys().request_options(&[2; 32], &[], UserVerification::Preferred).unwrap();
    let answer = authenticator.get(&other, ORIGIN);
    assert_eq!(verify(&answer, Some(&passkey), UserVerification::Preferred), Err(Challenge));
    let answer = authenticator.get(&request_options(&[]), "https://id.example.evil.example");
    assert_eq!(verify(&answer, Some(&passkey), UserVerification::Preferred), Err(Origin));
    let answer = authenticator.create(&creation_options(&[]), ORIGIN);
    assert_eq!(passkeys().read_assertion(&answer), Err(CeremonyRejected::Malformed));
    let ceremony = RegistrationCeremony {
        challenge: &[2; 32],
        user_handle: PERSON,
        user_verification: UserVerification::Preferred,
    };
    assert_eq!(passkeys().register(&answer, &ceremony), Err(Challenge));
}

#[test]
fn another_passkey_does_not_answer_for_it_and_none_at_all_is_refused() {
    let (mut mine, mut theirs) = (Authenticator::new(), Authenticator::new());
    let (passkey, other) = (registered(&mut mine), registered(&mut theirs));
    let answer = theirs.get(&request_options(&[]), ORIGIN);
    let wanted = UserVerification::Preferred;
    assert_eq!(verify(&answer, Some(&passkey), wanted), Err(CeremonyRejected::CredentialId));
    let forged = Passkey { credential_id: other.credential_id.clone(), ..passkey };
    assert_eq!(verify(&answer, Some(&forged), wanted), Err(Signature));
    assert_eq!(verify(&answer, None, wanted), Err(CeremonyRejected::UnknownCredential));
    assert!(verify(&answer, Some(&other), wanted).is_ok());
}

#[test]
fn who_must_be_verified_is() {
    let mut authenticator = Authenticator::new();
    let passkey = registered(&mut authenticator);
    authenticator.flags = Flags::PRESENT;
    let answer = authenticator.get(&request_options(&[]), ORIGIN);
    let unverified = Err(CeremonyRejected::UserVerification);
    assert_eq!(verify(&answer, Some(&passkey), UserVerification::Required), unverified);
    assert!(!verify(&answer, Some(&passkey), UserVerification::Discouraged).unwrap().user_verified);
    let answer = authenticator.create(&creation_options(&[]), ORIGIN);
    assert_eq!(register(&answer, UserVerification::Required).map(|_| false), Err(CeremonyRejected::UserVerification));
    assert!(!register(&answer, UserVerification::Preferred).unwrap().user_verified);
}

#[test]
fn a_count_that_does_not_go_up_tells_of_a_copy() {
    let mut authenticator = Authenticator::new();
    let mut passkey = registered(&mut authenticator);
    for _ in 0..3 {
        passkey.sign_count = used(&mut authenticator, &passkey).unwrap().sign_count;
    }
    assert_eq!(passkey.sign_count, 4);
    authenticator.counter = Some(3);
    assert_eq!(used(&mut authenticator, &passkey), Err(SignCount));
    assert_eq!(used(&mut authenticator, &passkey).map(|verified| verified.sign_count), Ok(5));
    authenticator.counter = None;
    assert_eq!(used(&mut authenticator, &passkey), Err(SignCount));
}

#[test]
fn a_synced_passkey_says_so_and_stays_one() {
    let mut authenticator = Authenticator::synced();
    let passkey = registered(&mut authenticator);
    assert_eq!((passkey.backup_eligible, passkey.backed_up, passkey.sign_count), (true, true, 0));
    assert_eq!(used(&mut authenticator, &passkey).map(|verified| verified.backed_up), Ok(true));
    authenticator.flags = Flags::PRESENT | Flags::BACKUP_ELIGIBLE;
    assert_eq!(used(&mut authenticator, &passkey).map(|verified| verified.backed_up), Ok(false));
    authenticator.flags = Flags::PRESENT;
    assert_eq!(used(&mut authenticator, &passkey), Err(BackupEligibility));
    authenticator.flags |= Flags::BACKED_UP;
    assert_eq!(used(&mut authenticator, &passkey), Err(CeremonyRejected::BackupState));
}

#[test]
fn an_authenticator_that_does_not_say_whose_it_is_does_for_who_said_so() {
    let mut authenticator = Authenticator::new();
    authenticator.tells_user = false;
    let passkey = registered(&mut authenticator);
    let answer = authenticator.get(&request_options(std::slice::from_ref(&passkey)), ORIGIN);
    let presented = passkeys().read_assertion(&answer).unwrap();
    assert_eq!(presented.user_handle, None);
    let verdict = |user_handle| {
        let ceremony =
            AssertionCeremony { challenge: &CHALLENGE, user_handle, user_verification: UserVerification::Required };
        passkeys().verify(&presented, Some(&passkey), &ceremony).map(|verified| verified.sign_count)
    };
    assert_eq!(verdict(Some(PERSON)), Ok(2));
    assert_eq!([verdict(Some(&[8; 32])), verdict(None)], [Err(CeremonyRejected::UserHandle); 2]);
}

#[test]
fn the_options_say_which_passkeys_are_meant() {
    let mut authenticator = Authenticator::new();
    let (first, second) = (registered(&mut authenticator), registered(&mut authenticator));
    assert!(authenticator.is_excluded(&creation_options(std::slice::from_ref(&first))));
    assert!(!authenticator.is_excluded(&creation_options(&[])));
    let newest = authenticator.get(&request_options(&[]), ORIGIN);
    assert_eq!(passkeys().read_assertion(&newest).unwrap().credential_id, second.credential_id);
    let allowed = authenticator.get(&request_options(std::slice::from_ref(&first)), ORIGIN);
    assert_eq!(passkeys().read_assertion(&allowed).unwrap().credential_id, first.credential_id);
    assert!(verify(&allowed, Some(&first), UserVerification::Required).is_ok());
}
