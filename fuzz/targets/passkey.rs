//! What browsers and authenticators say of passkeys, each part under genuine others: what is accepted says what it must.
//! The seeds `object_…` are those of the test vectors of Web Authentication.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ipse::application::ports::{AssertionCeremony, Passkeys as _, RegistrationCeremony};
use ipse::domain::credential::passkey::{Passkey, UserVerification};
use ipse_fuzz::Input;
use ipse_fuzz::authenticator::{
    CHALLENGE, ID, ORIGIN, PERSON, RP_ID, WEBAUTHN, assertion, authenticator_data, client_data, passkey, registration,
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    let user_verification = *input.choose(&[UserVerification::Required, UserVerification::Discouraged]);
    match (input.byte() % 4, input.0) {
        (0, object) => register(object, user_verification),
        (1, data) => verify(data, client_data("webauthn.get").as_bytes(), user_verification),
        (2, client) => verify(&authenticator_data(), client, user_verification),
        (_, bytes) => {
            let text = String::from_utf8_lossy(bytes);
            let ceremony = RegistrationCeremony { challenge: &CHALLENGE, user_handle: PERSON, user_verification };
            assert!(WEBAUTHN.register(&text, &ceremony).is_err() || text.contains("attestationObject"));
            if let Ok(presented) = WEBAUTHN.read_assertion(&text) {
                assert!(text.contains(&URL_SAFE_NO_PAD.encode(presented.credential_id)) || text.contains('\\'));
            }
            let _ = WEBAUTHN.accept(&Passkey { public_key: bytes.to_vec(), ..passkey() });
        }
    }
});

fn register(object: &[u8], user_verification: UserVerification) {
    let ceremony = RegistrationCeremony { challenge: &CHALLENGE, user_handle: PERSON, user_verification };
    let Ok(made) = WEBAUTHN.register(&registration(object), &ceremony) else { return };
    let holds = |bytes: &[u8]| object.windows(bytes.len()).any(|window| window == bytes);
    assert!(made.credential_id == ID && made.user_handle == PERSON && made.rp_id == RP_ID);
    assert!(holds(&made.public_key) && holds(&ID) && holds(made.aaguid.as_bytes()));
    assert!(user_verification.accepts(made.user_verified) && (made.backup_eligible || !made.backed_up));
    assert_eq!(WEBAUTHN.accept(&made), Ok(()));
    for other in [&object[..object.len() - 1], &[object, &[0]].concat()] {
        assert!(WEBAUTHN.register(&registration(other), &ceremony).is_err(), "another length");
    }
}

fn verify(data: &[u8], client: &[u8], user_verification: UserVerification) {
    let mut presented = assertion(data, client);
    let ceremony = AssertionCeremony { challenge: &CHALLENGE, user_handle: None, user_verification };
    assert!(WEBAUTHN.verify(&presented, None, &ceremony).is_err(), "there is no such passkey");
    let Ok(verified) = WEBAUTHN.verify(&presented, Some(&passkey()), &ceremony) else { return };
    let said: Value = serde_json::from_slice(client).expect("client data is JSON");
    let challenge = URL_SAFE_NO_PAD.encode(CHALLENGE);
    assert!(said["type"] == "webauthn.get" && said["challenge"] == challenge && said["origin"] == ORIGIN);
    assert!(!said["crossOrigin"].as_bool().unwrap_or_default() && said.get("topOrigin").is_none());
    assert_eq!(data[..32], authenticator_data()[..32]);
    let flags = data[32];
    assert!(flags & 1 == 1 && flags & 0b0111_1010 == 0 && (flags & 0x80 != 0 || data.len() == 37), "{flags:b}");
    assert!(verified.user_verified == (flags & 4 != 0) && user_verification.accepts(verified.user_verified));
    assert_eq!(verified.sign_count.to_be_bytes(), data[33..37]);
    presented.signature[7] ^= 1;
    assert!(WEBAUTHN.verify(&presented, Some(&passkey()), &ceremony).is_err(), "another signature");
}
