use super::*;
use crate::application::ports::CeremonyRejected::{
    Algorithm, BackupEligibility, BackupState, CeremonyType, Challenge, CredentialId, Malformed, PublicKey, RpId,
    SignCount, Signature, UnknownCredential, UserHandle, UserPresence, UserVerification as Unverified,
};

/// Where the flags stand in authenticator data, and the count.
const FLAGS: usize = 32;
const COUNT: usize = 33;
const OTHER: &[u8] = b"person 2";

/// The vectors whose assertions are accepted.
fn accepted() -> Vec<Vector> {
    let refused = ["crossOrigin", "topOrigin", "es384", "es512", "ed448"];
    let all = Vector::all().into_iter().filter(|vector| !refused.iter().any(|end| vector.name.ends_with(end)));
    let accepted: Vec<_> = all.collect();
    assert_eq!(accepted.len(), 10);
    accepted
}

/// Whose passkey is expected, and how they are to be verified.
type Wanted = (Option<&'static [u8]>, UserVerification);

const ANYBODY: Wanted = (None, UserVerification::Preferred);

fn verify(
    vector: &Vector,
    answer: &Answer,
    stored: Option<&Passkey>,
    (user_handle, user_verification): Wanted,
) -> Result<VerifiedAssertion, CeremonyRejected> {
    let challenge = vector.challenge("get.challenge");
    let presented = webauthn().read_assertion(&answer.text())?;
    webauthn().verify(&presented, stored, &AssertionCeremony { challenge: &challenge, user_handle, user_verification })
}

/// The verdict on an answer in the name of the vector's passkey, and that in the name of none.
fn verdicts(vector: &Vector, answer: &Answer) -> [Result<(), CeremonyRejected>; 2] {
    let passkey = vector.passkey();
    [Some(&passkey), None].map(|stored| verify(vector, answer, stored, ANYBODY).map(|_| ()))
}

fn with_data(vector: &Vector, change: impl FnOnce(&mut Vec<u8>)) -> Answer {
    let mut data = vector.bytes("get.authenticatorData");
    change(&mut data);
    vector.assertion().with("authenticatorData", &data)
}

#[test]
fn an_assertion_says_how_the_passkey_was_used() {
    for vector in accepted() {
        let verified = verify(&vector, &vector.assertion(), Some(&vector.passkey()), ANYBODY).unwrap();
        let flags = vector.bytes("get.authenticatorData")[FLAGS];
        let expected =
            VerifiedAssertion { sign_count: 0, backed_up: flags & 0b1_0000 != 0, user_verified: flags & 0b100 != 0 };
        assert_eq!(verified, expected, "{}", vector.name);
        assert_eq!(verdicts(&vector, &vector.assertion())[1], Err(UnknownCredential));
        let strict = verify(&vector, &vector.assertion(), Some(&vector.passkey()), (None, UserVerification::Required));
        assert_eq!(strict.map(|_| ()), if expected.user_verified { Ok(()) } else { Err(Unverified) });
    }
}

#[test]
fn what_the_browser_says_is_checked() {
    for vector in accepted() {
        for (from, to, rejected) in CLIENT_DATA {
            let answer = vector.assertion().with_client_data(from, to);
            assert_eq!(verdicts(&vector, &answer), [Err(rejected); 2], "{to}");
        }
        let answer = vector.assertion().with_client_data("webauthn.get", "webauthn.create");
        assert_eq!(verdicts(&vector, &answer), [Err(CeremonyType); 2]);
        let answer = vector.assertion().with_client_data("}", ",\"x\":1}");
        assert_eq!(verdicts(&vector, &answer), [Err(Signature), Err(UnknownCredential)]);
        let whole = vector.assertion().bytes("clientDataJSON");
        for length in 0..whole.len() {
            let cut = vector.assertion().with("clientDataJSON", &whole[..length]);
            assert_eq!(verdicts(&vector, &cut), [Err(Malformed); 2], "{length}");
        }
    }
    let vector = Vector::named("none-es256");
    for changed in flipped(&vector.assertion().bytes("clientDataJSON")) {
        assert!(verdicts(&vector, &vector.assertion().with("clientDataJSON", &changed)).iter().all(Result::is_err));
    }
    let presented = webauthn().read_assertion(&vector.assertion().text()).unwrap();
    for challenge in [[0; 32], vector.challenge("create.challenge")] {
        let ceremony = AssertionCeremony {
            challenge: &challenge,
            user_handle: None,
            user_verification: UserVerification::Preferred,
        };
        assert_eq!(webauthn().verify(&presented, Some(&vector.passkey()), &ceremony), Err(Challenge));
    }
}

#[test]
fn what_the_authenticator_says_is_checked() {
    for vector in accepted() {
        let flags = vector.bytes("get.authenticatorData")[FLAGS];
        for place in 0..FLAGS {
            assert_eq!(verdicts(&vector, &with_data(&vector, |data| data[place] ^= 1)), [Err(RpId); 2], "{place}");
        }
        let unsigned = [Err(Signature), Err(UnknownCredential)];
        let (eligible, backed_up) = (flags & 0b1000 != 0, flags & 0b1_0000 != 0);
        let flipped_eligibility =
            if backed_up { [Err(BackupState); 2] } else { [Err(BackupEligibility), Err(UnknownCredential)] };
        let flipped_state = if eligible { unsigned } else { [Err(BackupState); 2] };
        for (bit, expected) in [
            (0, [Err(UserPresence); 2]),
            (1, [Err(Malformed); 2]),
            (2, unsigned),
            (3, flipped_eligibility),
            (4, flipped_state),
            (5, [Err(Malformed); 2]),
            (6, [Err(Malformed); 2]),
            (7, [Err(Malformed); 2]),
        ] {
            let answer = with_data(&vector, |data| data[FLAGS] ^= 1 << bit);
            assert_eq!(verdicts(&vector, &answer), expected, "{} {bit}", vector.name);
        }
        for place in COUNT..COUNT + 4 {
            assert_eq!(verdicts(&vector, &with_data(&vector, |data| data[place] ^= 1)), unsigned);
        }
        for length in 0..37 {
            assert_eq!(verdicts(&vector, &with_data(&vector, |data| data.truncate(length))), [Err(Malformed); 2]);
        }
        assert_eq!(verdicts(&vector, &with_data(&vector, |data| data.push(0))), [Err(Malformed); 2]);
        let extended = with_data(&vector, |data| {
            data[FLAGS] |= 1 << 7;
            data.push(0xa0);
        });
        assert_eq!(verdicts(&vector, &extended), unsigned);
        let registered = cbor_data(&vector);
        let replayed = vector.assertion().with("authenticatorData", &registered);
        assert_eq!(verdicts(&vector, &replayed), [Err(Malformed); 2], "with a passkey in it");
    }
}

/// The authenticator data of the registration, which hold a passkey.
fn cbor_data(vector: &Vector) -> Vec<u8> {
    let object = vector.bytes("create.attestationObject");
    AttestationObject::read(&object).unwrap().authenticator_data.to_vec()
}

#[test]
fn a_signature_is_that_of_the_passkey_to_the_last_bit() {
    for vector in accepted() {
        let signature = vector.bytes("get.signature");
        let expected = [Err(Signature), Err(UnknownCredential)];
        for changed in flipped(&signature) {
            let answer = vector.assertion().with("signature", &changed);
            assert_eq!(verify(&vector, &answer, Some(&vector.passkey()), ANYBODY), Err(Signature), "{}", vector.name);
        }
        for length in 0..signature.len() {
            let cut = vector.assertion().with("signature", &signature[..length]);
            assert_eq!(verdicts(&vector, &cut), expected, "{length}");
        }
        let longer = vector.assertion().with("signature", &[&signature[..], &[0]].concat());
        assert_eq!(verdicts(&vector, &longer), expected);
    }
}

#[test]
fn a_passkey_is_the_one_that_is_kept() {
    let vectors = accepted();
    for (vector, other) in vectors.iter().zip(vectors.iter().cycle().skip(1)) {
        let verdict = |change: &dyn Fn(&mut Passkey)| {
            let mut stored = vector.passkey();
            change(&mut stored);
            verify(vector, &vector.assertion(), Some(&stored), ANYBODY).map(|_| ())
        };
        let other = other.passkey();
        assert_eq!(verdict(&|_| ()), Ok(()));
        assert_eq!(verdict(&|stored| stored.credential_id[0] ^= 1), Err(CredentialId));
        assert_eq!(verdict(&|stored| stored.public_key.clone_from(&other.public_key)), Err(Signature));
        assert_eq!(verdict(&|stored| stored.public_key.clear()), Err(Malformed));
        assert_eq!(verdict(&|stored| stored.public_key.push(0)), Err(Malformed));
        assert_eq!(verdict(&|stored| stored.rp_id = "example.com".into()), Err(RpId));
        assert_eq!(verdict(&|stored| stored.user_handle = OTHER.to_vec()), Err(UserHandle));
        assert_eq!(verdict(&|stored| stored.backup_eligible ^= true), Err(BackupEligibility));
        assert_eq!(verdict(&|stored| stored.sign_count = 1), Err(SignCount));
        assert_eq!(verdict(&|stored| stored.backed_up ^= true), Ok(()));
        assert_eq!(verdict(&|stored| stored.user_verified ^= true), Ok(()));
    }
    let vector = Vector::named("none-es256");
    let (mut point, mut foreign) = (vector.passkey(), vector.passkey());
    point.public_key[76] ^= 1;
    foreign.public_key = Vector::named("packed-es384").passkey().public_key;
    for (stored, rejected) in [(point, PublicKey), (foreign, Algorithm)] {
        assert_eq!(verify(&vector, &vector.assertion(), Some(&stored), ANYBODY), Err(rejected));
    }
    // The domain that a passkey was made for goes before that of the settings.
    let moved = WebAuthn::new(RelyingParty { rp_id: "id.example.org".into(), ..relying_party() });
    let challenge = vector.challenge("get.challenge");
    let ceremony =
        AssertionCeremony { challenge: &challenge, user_handle: None, user_verification: UserVerification::Preferred };
    let presented = moved.read_assertion(&vector.assertion().text()).unwrap();
    assert!(moved.verify(&presented, Some(&vector.passkey()), &ceremony).is_ok());
}

#[test]
fn a_passkey_is_that_of_the_person() {
    let vector = Vector::named("none-es256");
    for (said, wanted, expected) in [
        (Some(PERSON), None, Ok(())),
        (Some(PERSON), Some(PERSON), Ok(())),
        (None, Some(PERSON), Ok(())),
        (None, None, Err(UserHandle)),
        (Some(OTHER), None, Err(UserHandle)),
        (Some(OTHER), Some(PERSON), Err(UserHandle)),
        (Some(PERSON), Some(OTHER), Err(UserHandle)),
        (Some(OTHER), Some(OTHER), Err(UserHandle)),
        (None, Some(OTHER), Err(UserHandle)),
    ] {
        let answers = match said {
            Some(handle) => vec![vector.assertion().with("userHandle", handle)],
            None => {
                vec![vector.assertion().without("userHandle"), vector.assertion().with_json("userHandle", json!(null))]
            }
        };
        for answer in answers {
            let wanted = (wanted, UserVerification::Preferred);
            let verdict = verify(&vector, &answer, Some(&vector.passkey()), wanted).map(|_| ());
            assert_eq!(verdict, expected, "{said:?} {wanted:?}");
        }
    }
    let nobody = verify(&vector, &vector.assertion().without("userHandle"), None, ANYBODY);
    assert_eq!(nobody, Err(UserHandle));
}

#[test]
fn the_form_of_an_assertion_is_checked() {
    let vector = Vector::named("none-es256");
    let whole = vector.assertion();
    let padded = |member: &str| json!(format!("{}=", whole.0["response"][member].as_str().unwrap()));
    for answer in [
        whole.clone().with_outer("type", json!("public_key")),
        whole.clone().with_outer("id", json!("AQI")),
        whole.clone().with_outer("response", json!(null)),
        whole.clone().without("clientDataJSON"),
        whole.clone().without("authenticatorData"),
        whole.clone().without("signature"),
        whole.clone().with_json("signature", padded("signature")),
        whole.clone().with_json("authenticatorData", padded("authenticatorData")),
        whole.clone().with_json("clientDataJSON", padded("clientDataJSON")),
        whole.clone().with_json("userHandle", padded("userHandle")),
        whole.clone().with_json("userHandle", json!("")),
        whole.clone().with("userHandle", &[1; 65]),
        whole.clone().with_json("userHandle", json!(1)),
        Answer::new(&[1; 1024]).with("clientDataJSON", b"{}").with("authenticatorData", &[]).with("signature", &[]),
        whole.clone().with_outer("more", json!(std::iter::repeat_n('x', 16 * 1024).collect::<String>())),
    ] {
        assert_eq!(webauthn().read_assertion(&answer.text()), Err(Malformed), "{}", answer.text());
    }
    let text = whole.text();
    for length in 0..text.len() {
        assert_eq!(webauthn().read_assertion(&text[..length]), Err(Malformed), "{length}");
    }
    for text in [format!("{text}x"), format!("[{text}]"), text.replacen('{', "{\"rawId\":\"AQI\",", 1)] {
        assert_eq!(webauthn().read_assertion(&text), Err(Malformed));
    }
}
