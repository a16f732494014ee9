use super::*;
use crate::application::ports::CeremonyRejected::{Algorithm, Attestation, Challenge, CrossOrigin};
use crate::infrastructure::webauthn::client_data::{CREATE, ClientData, GET};
use crate::infrastructure::webauthn::credential::{self, PresentedRegistration};
use crate::infrastructure::webauthn::{assertion, registration};

/// What becomes of the registration and of the assertion of each vector, and what would become of both if frames were
/// allowed. The challenge of one vector is longer than ours.
const VERDICTS: [(&str, [Result<(), CeremonyRejected>; 4]); 15] = [
    ("none-es256", [Ok(()), Ok(()), Ok(()), Ok(())]),
    ("packed-self-es256", [Ok(()), Ok(()), Ok(()), Ok(())]),
    ("none-es256-crossOrigin", [Err(CrossOrigin), Err(CrossOrigin), Ok(()), Ok(())]),
    ("none-es256-topOrigin", [Err(CrossOrigin), Err(CrossOrigin), Ok(()), Ok(())]),
    ("none-es256-long-credential-id", [Ok(()), Ok(()), Ok(()), Ok(())]),
    ("packed-es256", [Err(Attestation), Ok(()), Err(Attestation), Ok(())]),
    ("packed-es384", [Err(Algorithm); 4]),
    ("packed-es512", [Err(Challenge), Err(Challenge), Err(Algorithm), Err(Algorithm)]),
    ("packed-rs256", [Err(Attestation), Ok(()), Err(Attestation), Ok(())]),
    ("packed-eddsa", [Err(Attestation), Ok(()), Err(Attestation), Ok(())]),
    ("packed-ed448", [Err(Algorithm); 4]),
    ("tpm-es256", [Err(Attestation), Ok(()), Err(Attestation), Ok(())]),
    ("android-key-es256", [Err(Attestation), Ok(()), Err(Attestation), Ok(())]),
    ("apple-es256", [Err(Attestation), Ok(()), Err(Attestation), Ok(())]),
    ("fido-u2f-es256", [Err(Attestation), Ok(()), Err(Attestation), Ok(())]),
];

#[test]
fn every_vector_is_judged_as_it_should_be() {
    let vectors = Vector::all();
    assert_eq!(vectors.iter().map(|vector| vector.name).collect::<Vec<_>>(), VERDICTS.map(|(name, _)| name));
    for (vector, (name, expected)) in vectors.iter().zip(VERDICTS) {
        let challenge = vector.challenge("create.challenge");
        let making = RegistrationCeremony {
            challenge: &challenge,
            user_handle: PERSON,
            user_verification: UserVerification::Preferred,
        };
        let challenge = vector.challenge("get.challenge");
        let using = AssertionCeremony {
            challenge: &challenge,
            user_handle: None,
            user_verification: UserVerification::Discouraged,
        };
        let (made, used) = (vector.registration().text(), vector.assertion().text());
        let presented = PresentedRegistration::read(&made).unwrap();
        let shown = credential::read_assertion(&used).unwrap();
        let verdicts = [
            webauthn().register(&made, &making).map(|passkey| assert_eq!(passkey, vector.passkey())),
            webauthn().verify(&shown, Some(&vector.passkey()), &using).map(|_| ()),
            registration::accept(RP_ID, presented, &making).map(|passkey| assert_eq!(passkey, vector.passkey())),
            assertion::accept(&shown, &vector.passkey(), &using).map(|_| ()),
        ];
        assert_eq!(verdicts, expected, "{name}");
    }
}

#[test]
fn every_part_of_every_vector_is_read() {
    for vector in Vector::all() {
        let object = vector.bytes("create.attestationObject");
        let object = AttestationObject::read(&object).unwrap();
        assert!(vector.name.starts_with(object.format), "{}", vector.name);
        let data = AuthenticatorData::read(object.authenticator_data).unwrap();
        assert_eq!(data.attested.unwrap().credential_id, vector.bytes("credential_id"));
        let framed = ["none-es256-crossOrigin", "none-es256-topOrigin"].contains(&vector.name);
        for (part, ceremony) in [("create", CREATE), ("get", GET)] {
            let client_data = ClientData::read(vector.parts[&*format!("{part}.clientDataJSON")].as_bytes()).unwrap();
            let verdict =
                client_data.check(ceremony, &vector.bytes(&format!("{part}.challenge")), &[ORIGIN.to_owned()]);
            assert_eq!(verdict, if framed { Err(CrossOrigin) } else { Ok(()) }, "{}", vector.name);
        }
        let data = vector.bytes("get.authenticatorData");
        assert_eq!(AuthenticatorData::read(&data).unwrap().attested, None);
    }
}

#[test]
fn the_first_vector_says_what_it_should() {
    let passkey = Vector::named("none-es256").passkey();
    let expected = "f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4";
    assert_eq!(passkey.credential_id, decode(expected));
    assert_eq!(passkey.aaguid.simple().to_string(), "8446ccb9ab1db374750b2367ff6f3a1f");
    assert_eq!((passkey.sign_count, passkey.public_key.len()), (0, 77));
    assert_eq!((passkey.backup_eligible, passkey.backed_up, passkey.user_verified), (true, true, false));
}
