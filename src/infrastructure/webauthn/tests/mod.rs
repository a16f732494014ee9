//! The test vectors of WebAuthn, changes to each part of them, and whatever else authenticators and attackers could send.

mod assertion;
mod authenticator_data;
mod cbor;
mod cose;
mod options;
mod registration;
mod vectors;
mod writer;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::attestation::AttestationObject;
use super::authenticator_data::AuthenticatorData;
use super::*;

const RP_ID: &str = "example.org";
const ORIGIN: &str = "https://example.org";
const PERSON: &[u8] = b"person 1";

fn webauthn() -> WebAuthn {
    WebAuthn::new(relying_party())
}

fn relying_party() -> RelyingParty {
    RelyingParty { rp_id: RP_ID.into(), name: "Example".into(), origins: vec![ORIGIN.into()] }
}

fn decode(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// A vector of section 16: a registration and an assertion, by the names of their parts.
#[derive(Clone)]
struct Vector {
    name: &'static str,
    parts: BTreeMap<&'static str, &'static str>,
}

impl Vector {
    fn all() -> Vec<Self> {
        let sections = include_str!("vectors.txt").split("\n[").skip(1);
        let vectors = sections.map(|section| {
            let (name, parts) = section.split_once("]\n").unwrap();
            Self { name, parts: parts.lines().filter_map(|line| line.split_once(" = ")).collect() }
        });
        vectors.collect()
    }

    fn named(name: &str) -> Self {
        Self::all().into_iter().find(|vector| vector.name == name).unwrap()
    }

    fn bytes(&self, part: &str) -> Vec<u8> {
        decode(self.parts[part])
    }

    /// A challenge of 32 bytes, which all vectors but one have.
    fn challenge(&self, part: &str) -> [u8; 32] {
        self.bytes(part).try_into().unwrap_or_default()
    }

    fn registration(&self) -> Answer {
        Answer::new(&self.bytes("credential_id"))
            .with("clientDataJSON", self.parts["create.clientDataJSON"].as_bytes())
            .with("attestationObject", &self.bytes("create.attestationObject"))
    }

    fn assertion(&self) -> Answer {
        Answer::new(&self.bytes("credential_id"))
            .with("clientDataJSON", self.parts["get.clientDataJSON"].as_bytes())
            .with("authenticatorData", &self.bytes("get.authenticatorData"))
            .with("signature", &self.bytes("get.signature"))
            .with("userHandle", PERSON)
    }

    /// The passkey of the vector, whether its registration is accepted or not.
    fn passkey(&self) -> Passkey {
        let object = self.bytes("create.attestationObject");
        let data = AuthenticatorData::read(AttestationObject::read(&object).unwrap().authenticator_data).unwrap();
        let made = data.attested.as_ref().unwrap();
        Passkey {
            credential_id: made.credential_id.to_vec(),
            public_key: made.public_key.to_vec(),
            user_handle: PERSON.to_vec(),
            rp_id: RP_ID.into(),
            sign_count: data.sign_count,
            aaguid: made.aaguid,
            transports: vec![],
            backup_eligible: data.backup_eligible(),
            backed_up: data.backed_up(),
            user_verified: data.user_verified(),
        }
    }
}

/// What a page sends, to be changed.
#[derive(Clone)]
struct Answer(Json);

impl Answer {
    fn new(credential_id: &[u8]) -> Self {
        let id = URL_SAFE_NO_PAD.encode(credential_id);
        Self(json!({ "id": id, "rawId": id, "type": "public-key", "response": {}, "clientExtensionResults": {} }))
    }

    fn with(self, member: &str, bytes: &[u8]) -> Self {
        self.with_json(member, json!(URL_SAFE_NO_PAD.encode(bytes)))
    }

    fn with_json(mut self, member: &str, value: Json) -> Self {
        self.0["response"][member] = value;
        self
    }

    fn without(mut self, member: &str) -> Self {
        self.0["response"].as_object_mut().unwrap().remove(member);
        self
    }

    /// With another member beside `response`.
    fn with_outer(mut self, member: &str, value: Json) -> Self {
        self.0[member] = value;
        self
    }

    fn bytes(&self, member: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(self.0["response"][member].as_str().unwrap()).unwrap()
    }

    /// With its client data changed as text.
    fn with_client_data(self, from: &str, to: &str) -> Self {
        let text = String::from_utf8(self.bytes("clientDataJSON")).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        self.with("clientDataJSON", text.replacen(from, to, 1).as_bytes())
    }

    fn text(&self) -> String {
        self.0.to_string()
    }
}

/// The bytes with each of their bits flipped in turn.
fn flipped(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len() * 8).map(|bit| {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        changed
    })
}

/// Changes of client data that both ceremonies refuse, with the step.
const CLIENT_DATA: [(&str, &str, CeremonyRejected); 14] = [
    ("\"type\":\"webauthn.", "\"type\":\"webauthn_", CeremonyRejected::CeremonyType),
    ("\"challenge\":\"", "\"challenge\":\"A", CeremonyRejected::Challenge),
    ("\",\"origin\"", "=\",\"origin\"", CeremonyRejected::Challenge),
    ("https://example.org", "http://example.org", CeremonyRejected::Origin),
    ("https://example.org", "https://evil.example", CeremonyRejected::Origin),
    ("https://example.org", "https://example.org:8443", CeremonyRejected::Origin),
    ("\"crossOrigin\":false", "\"crossOrigin\":true", CeremonyRejected::CrossOrigin),
    ("\"crossOrigin\":false", "\"topOrigin\":\"https://example.org\"", CeremonyRejected::CrossOrigin),
    ("\"crossOrigin\":false", "\"crossOrigin\":\"\"", CeremonyRejected::Malformed),
    ("}", ",\"origin\":\"https://example.org\"}", CeremonyRejected::Malformed),
    ("}", ",\"y\":1,\"y\":1}", CeremonyRejected::Malformed),
    ("}", "}}", CeremonyRejected::Malformed),
    ("\"origin\"", "\"orange\"", CeremonyRejected::Malformed),
    ("{", "\u{feff}{", CeremonyRejected::Malformed),
];

#[test]
fn a_passkey_is_printed_without_what_was_signed() {
    let vector = Vector::named("none-es256");
    let presented = webauthn().read_assertion(&vector.assertion().text()).unwrap();
    assert_eq!(format!("{presented:?}"), "PresentedAssertion");
    assert_eq!(
        (presented.credential_id, presented.user_handle),
        (vector.bytes("credential_id"), Some(PERSON.to_vec()))
    );
}
