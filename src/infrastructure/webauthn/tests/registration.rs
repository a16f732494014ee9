use super::writer::Item;
use super::*;
use crate::application::ports::CeremonyRejected::{
    Algorithm, Attestation, BackupState, Challenge, CredentialId, Malformed, Origin, PublicKey, RpId, UserPresence,
    UserVerification as Unverified,
};
use crate::infrastructure::webauthn::cbor::{Key, Value};

/// Where the flags stand in authenticator data, the count, the id of a passkey, and its key, if the id has 32 bytes.
const FLAGS: usize = 32;
const COUNT: usize = 33;
const ID: usize = 55;
const KEY: usize = 87;

fn accepted() -> [Vector; 3] {
    ["none-es256", "packed-self-es256", "none-es256-long-credential-id"].map(Vector::named)
}

fn register_with(vector: &Vector, answer: &str, wanted: UserVerification) -> Result<Passkey, CeremonyRejected> {
    let challenge = vector.challenge("create.challenge");
    let ceremony = RegistrationCeremony { challenge: &challenge, user_handle: PERSON, user_verification: wanted };
    webauthn().register(answer, &ceremony)
}

fn verdict(vector: &Vector, answer: &Answer) -> Result<(), CeremonyRejected> {
    register_with(vector, &answer.text(), UserVerification::Preferred).map(|_| ())
}

/// The attestation object around other authenticator data.
fn around(vector: &Vector, data: &[u8]) -> Answer {
    let object = vector.bytes("create.attestationObject");
    let Some(Item::Map(entries)) = Value::read(&object).as_ref().map(Item::of) else { panic!("no map") };
    let changed = entries.into_iter().map(|(key, value)| {
        let is_data = key == Item::text("authData");
        (key, if is_data { Item::Bytes(data.to_vec()) } else { value })
    });
    vector.registration().with("attestationObject", &Item::Map(changed.collect()).write())
}

fn authenticator_data(vector: &Vector) -> Vec<u8> {
    let object = vector.bytes("create.attestationObject");
    AttestationObject::read(&object).unwrap().authenticator_data.to_vec()
}

/// What becomes of authenticator data that was changed: where nothing is signed, what the change alone leads to.
fn with_data(vector: &Vector, change: impl FnOnce(&mut Vec<u8>)) -> Result<(), CeremonyRejected> {
    let mut data = authenticator_data(vector);
    change(&mut data);
    verdict(vector, &around(vector, &data))
}

#[test]
fn what_the_browser_says_is_checked() {
    for vector in accepted() {
        for (from, to, rejected) in CLIENT_DATA {
            assert_eq!(verdict(&vector, &vector.registration().with_client_data(from, to)), Err(rejected), "{to}");
        }
        let of_another_kind = vector.registration().with_client_data("webauthn.create", "webauthn.get");
        assert_eq!(verdict(&vector, &of_another_kind), Err(CeremonyRejected::CeremonyType));
        let whole = vector.registration().bytes("clientDataJSON");
        for length in 0..whole.len() {
            let cut = vector.registration().with("clientDataJSON", &whole[..length]);
            assert_eq!(verdict(&vector, &cut), Err(Malformed), "{length}");
        }
        let mut challenge = vector.challenge("create.challenge");
        challenge[31] ^= 1;
        let other = RegistrationCeremony {
            challenge: &challenge,
            user_handle: PERSON,
            user_verification: UserVerification::Preferred,
        };
        assert_eq!(webauthn().register(&vector.registration().text(), &other), Err(Challenge));
        let elsewhere = WebAuthn::new(RelyingParty { origins: vec!["https://example.com".into()], ..relying_party() });
        let here = RegistrationCeremony { challenge: &vector.challenge("create.challenge"), ..other };
        assert_eq!(elsewhere.register(&vector.registration().text(), &here), Err(Origin));
    }
    // Where a signature covers it, nothing can be added either.
    let added = |vector: &Vector| verdict(vector, &vector.registration().with_client_data("}", ",\"x\":1}"));
    assert_eq!(accepted().each_ref().map(added), [Ok(()), Err(Attestation), Ok(())]);
}

#[test]
fn the_relying_party_and_the_flags_are_checked() {
    for (vector, unsigned) in accepted().iter().zip([Ok(()), Err(Attestation), Ok(())]) {
        for place in 0..FLAGS {
            assert_eq!(with_data(vector, |data| data[place] ^= 1), Err(RpId), "{place}");
        }
        for (flags, rejected) in [
            (0b0100_0000, Err(UserPresence)),
            (0b0100_0011, Err(Malformed)),
            (0b0110_0001, Err(Malformed)),
            (0b0101_0001, Err(BackupState)),
            (0b0000_0001, Err(Malformed)),
            (0b1100_0001, Err(Malformed)),
        ] {
            assert_eq!(with_data(vector, |data| data[FLAGS] = flags), rejected, "{flags:08b}");
        }
        assert_eq!(with_data(vector, |data| data[FLAGS] ^= 0b100), unsigned, "user verification");
        assert_eq!(with_data(vector, |data| data[COUNT] ^= 1), unsigned, "count");
        assert_eq!(with_data(vector, |data| data[COUNT + 4] ^= 1), unsigned, "model");
        let mut bare = authenticator_data(vector)[..COUNT + 4].to_vec();
        bare[FLAGS] = 0b0101;
        assert_eq!(verdict(vector, &around(vector, &bare)), Err(Malformed), "no passkey");
        bare[FLAGS] = 0b0100;
        assert_eq!(verdict(vector, &around(vector, &bare)), Err(UserPresence), "no passkey, nobody there");
    }
    let vector = Vector::named("none-es256");
    let text = vector.registration().text();
    assert_eq!(register_with(&vector, &text, UserVerification::Required).map(|_| ()), Err(Unverified));
    let mut data = authenticator_data(&vector);
    data[FLAGS] |= 0b100;
    let verified = register_with(&vector, &around(&vector, &data).text(), UserVerification::Required).unwrap();
    assert_eq!((verified.user_verified, verified.sign_count), (true, 0));
    data[COUNT..ID - 18].copy_from_slice(&[1, 2, 3, 4]);
    let counted = register_with(&vector, &around(&vector, &data).text(), UserVerification::Required).unwrap();
    assert_eq!(counted.sign_count, 0x0102_0304);
}

#[test]
fn the_passkey_is_checked() {
    for (vector, unsigned) in accepted().iter().take(2).zip([CredentialId, Attestation]) {
        for place in [ID, ID + 31] {
            assert_eq!(with_data(vector, |data| data[place] ^= 1), Err(unsigned));
        }
        for (place, byte, rejected) in [
            // The length of the id, the number of parameters, kind, algorithm, curve and point of the key.
            (ID - 1, 31, Malformed),
            (ID - 1, 33, Malformed),
            (ID - 1, 0, Malformed),
            (KEY, 0xa4, Malformed),
            (KEY + 2, 1, PublicKey),
            (KEY + 4, 0x27, PublicKey),
            (KEY + 4, 0x25, Algorithm),
            (KEY + 6, 2, PublicKey),
            (KEY + 10, 0, PublicKey),
            (KEY + 45, 0, PublicKey),
        ] {
            assert_eq!(with_data(vector, |data| data[place] = byte), Err(rejected), "{place}");
        }
        let of_another = Vector::named("packed-self-es256").passkey().public_key;
        if vector.name == "none-es256" {
            assert_eq!(with_data(vector, |data| data[KEY..].copy_from_slice(&of_another)), Ok(()));
        }
        let whole = authenticator_data(vector);
        for length in 0..whole.len() {
            assert_eq!(verdict(vector, &around(vector, &whole[..length])), Err(Malformed), "{length}");
        }
        assert_eq!(with_data(vector, |data| data.push(0)), Err(Malformed));
        let other_id = URL_SAFE_NO_PAD.encode([1; 32]);
        let renamed = vector.registration().with_outer("id", json!(other_id)).with_outer("rawId", json!(other_id));
        assert_eq!(verdict(vector, &renamed), Err(CredentialId));
    }
}

/// An attestation object of the self-signed vector with these entries.
fn attested(vector: &Vector, format: &str, statement: Item) -> Result<(), CeremonyRejected> {
    let entries =
        [("fmt", Item::text(format)), ("attStmt", statement), ("authData", Item::Bytes(authenticator_data(vector)))];
    let object = Item::Map(entries.map(|(key, value)| (Item::text(key), value)).to_vec()).write();
    verdict(vector, &vector.registration().with("attestationObject", &object))
}

#[test]
fn an_attestation_is_none_or_by_the_key_itself() {
    let vector = Vector::named("packed-self-es256");
    let entry = |key: &str, value: Item| (Item::text(key), value);
    let map = |entries: &[(Item, Item)]| Item::Map(entries.to_vec());
    let object = vector.bytes("create.attestationObject");
    let read = Value::read(&object).unwrap();
    let statement = read.map().unwrap().get(Key::Text("attStmt")).unwrap().map().unwrap();
    let signature = statement.get(Key::Text("sig")).unwrap().bytes().unwrap();
    let algorithm = || entry("alg", Item::Integer(-7));
    let signed = |signature: &[u8]| entry("sig", Item::Bytes(signature.to_vec()));
    assert_eq!(attested(&vector, "packed", map(&[algorithm(), signed(signature)])), Ok(()));
    assert_eq!(attested(&vector, "packed", map(&[signed(signature), algorithm()])), Ok(()), "another order");
    assert_eq!(attested(&vector, "none", map(&[])), Ok(()));
    for (format, statement) in [
        ("none", map(&[algorithm()])),
        ("none", map(&[algorithm(), signed(signature)])),
        ("none", Item::Null),
        ("none", Item::Array(vec![])),
        ("None", map(&[])),
        ("", map(&[])),
        ("packed", map(&[])),
        ("packed", map(&[algorithm()])),
        ("packed", map(&[signed(signature)])),
        ("packed", map(&[entry("alg", Item::Integer(-257)), signed(signature)])),
        ("packed", map(&[entry("alg", Item::text("ES256")), signed(signature)])),
        ("packed", map(&[algorithm(), entry("sig", Item::text("x"))])),
        ("packed", map(&[algorithm(), signed(signature), entry("x5c", Item::Array(vec![]))])),
        ("packed", map(&[algorithm(), signed(signature), entry("ecdaaKeyId", Item::Bytes(vec![]))])),
        ("packed", map(&[algorithm(), signed(&[])])),
        ("packed", map(&[algorithm(), signed(&signature[1..])])),
        ("packed", map(&[algorithm(), signed(&[signature, &[0]].concat())])),
        ("fido-u2f", map(&[signed(signature)])),
        ("compound", Item::Array(vec![])),
        ("android-safetynet", map(&[])),
    ] {
        assert_eq!(attested(&vector, format, statement.clone()), Err(Attestation), "{format} {statement:?}");
    }
    for changed in flipped(signature) {
        assert_eq!(attested(&vector, "packed", map(&[algorithm(), signed(&changed)])), Err(Attestation));
    }
}

#[test]
fn no_part_is_cut_or_goes_on() {
    for vector in accepted() {
        let object = vector.bytes("create.attestationObject");
        for length in 0..object.len() {
            let cut = vector.registration().with("attestationObject", &object[..length]);
            assert_eq!(verdict(&vector, &cut), Err(Malformed), "{length}");
        }
        let longer = vector.registration().with("attestationObject", &[&object[..], &[0]].concat());
        assert_eq!(verdict(&vector, &longer), Err(Malformed));
        let text = vector.registration().text();
        for length in 0..text.len() {
            let cut = register_with(&vector, &text[..length], UserVerification::Preferred);
            assert_eq!(cut, Err(Malformed), "{length}");
        }
        for after in ["x", "{}", "\0"] {
            let longer = register_with(&vector, &format!("{text}{after}"), UserVerification::Preferred);
            assert_eq!(longer, Err(Malformed));
        }
    }
}

#[test]
fn the_form_of_a_credential_is_checked() {
    let vector = Vector::named("none-es256");
    let whole = vector.registration();
    let padded = |member: &str| json!(format!("{}=", whole.0["response"][member].as_str().unwrap()));
    for answer in [
        whole.clone().with_outer("type", json!("password")),
        whole.clone().with_outer("type", json!(null)),
        whole.clone().with_outer("id", json!("AQI")),
        whole.clone().with_outer("rawId", json!("AQI")),
        whole.clone().with_outer("response", json!([])),
        Answer::new(&[]).with("clientDataJSON", b"{}").with("attestationObject", &[0xa0]),
        Answer::new(&[1; 1024]).with("clientDataJSON", b"{}").with("attestationObject", &[0xa0]),
        whole.clone().without("clientDataJSON"),
        whole.clone().without("attestationObject"),
        whole.clone().with_json("clientDataJSON", padded("clientDataJSON")),
        whole.clone().with_json("attestationObject", padded("attestationObject")),
        whole.clone().with_json("transports", json!("usb")),
        whole.clone().with_json("transports", json!([1])),
        whole.clone().with_outer("more", json!(std::iter::repeat_n('x', 16 * 1024).collect::<String>())),
    ] {
        assert_eq!(verdict(&vector, &answer), Err(Malformed), "{}", answer.text());
    }
    let doubled = whole.text().replacen('{', "{\"type\":\"public-key\",", 1);
    assert_eq!(register_with(&vector, &doubled, UserVerification::Preferred), Err(Malformed));
    let told = whole
        .with_json("transports", json!(["internal", "U S B", "smart-card"]))
        .with_outer("later", json!({ "a": 1 }));
    let passkey = register_with(&vector, &told.text(), UserVerification::Preferred).unwrap();
    assert_eq!(passkey.transports, ["internal", "smart-card"]);
}

#[test]
fn what_was_registered_here_is_taken_from_elsewhere() {
    for vector in accepted() {
        let answer = vector.registration();
        let passkey = register_with(&vector, &answer.text(), UserVerification::Preferred).unwrap();
        assert_eq!(webauthn().accept(&passkey), Ok(()));
        let elsewhere = Passkey { rp_id: "example.com".to_owned(), ..passkey.clone() };
        assert!(!webauthn().works_here(&elsewhere) && webauthn().accept(&elsewhere).is_ok());
        let mut cut = passkey.clone();
        cut.public_key.pop();
        assert_eq!(webauthn().accept(&cut), Err(PasskeyRefused::PublicKey));
        // A map with nothing but a key type and an algorithm, which is none: that of `ES384`.
        let other = Passkey { public_key: vec![0xa2, 1, 2, 3, 0x38, 0x22], ..passkey };
        assert_eq!(webauthn().accept(&other), Err(PasskeyRefused::Algorithm));
    }
}
