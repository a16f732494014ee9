//! An authenticator in software, with the browser in front of it: makes passkeys and signs with them, as the options of a
//! ceremony ask.

use std::ops::{BitOr, BitOrAssign};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What an authenticator says about its person and its copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flags(u8);

impl Flags {
    /// Somebody is there.
    pub(crate) const PRESENT: Self = Self(1);
    /// It verified its person.
    pub(crate) const VERIFIED: Self = Self(1 << 2);
    /// Private halves may have copies.
    pub(crate) const BACKUP_ELIGIBLE: Self = Self(1 << 3);
    /// There are copies.
    pub(crate) const BACKED_UP: Self = Self(1 << 4);
    const ATTESTED: Self = Self(1 << 6);

    /// All of these but that one.
    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

/// What keys it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Es256,
    EdDsa,
}

/// What it says about itself when it makes a passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attestation {
    None,
    /// `packed`, signed with the new key.
    Own,
}

/// An authenticator with the passkeys that it made. What it does is set by its fields, at any time.
pub(crate) struct Authenticator {
    pub(crate) algorithm: Algorithm,
    pub(crate) attestation: Attestation,
    pub(crate) flags: Flags,
    /// The count of the last use, which goes up by one with each; `None`: it does not count.
    pub(crate) counter: Option<u32>,
    /// Whether it says whose a passkey is, as one does that finds passkeys by itself.
    pub(crate) tells_user: bool,
    passkeys: Vec<Held>,
}

struct Held {
    id: Vec<u8>,
    rp_id: String,
    user_handle: String,
    key: Key,
}

enum Key {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

impl Authenticator {
    /// One of a single device that verifies its person, counts, and makes keys for ES256.
    pub(crate) fn new() -> Self {
        Self {
            algorithm: Algorithm::Es256,
            attestation: Attestation::None,
            flags: Flags::PRESENT | Flags::VERIFIED,
            counter: Some(0),
            tells_user: true,
            passkeys: Vec::new(),
        }
    }

    /// One whose passkeys are synced, which cannot count.
    pub(crate) fn synced() -> Self {
        let flags = Flags::PRESENT | Flags::VERIFIED | Flags::BACKUP_ELIGIBLE | Flags::BACKED_UP;
        Self { flags, counter: None, ..Self::new() }
    }

    /// The ids of its passkeys, the oldest first.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &[u8]> {
        self.passkeys.iter().map(|passkey| passkey.id.as_slice())
    }

    /// Whether it has a passkey that these options exclude: then it makes no other.
    pub(crate) fn is_excluded(&self, options: &str) -> bool {
        let listed = listed(&parse(options)["excludeCredentials"]);
        self.passkeys.iter().any(|passkey| listed.contains(&passkey.id))
    }

    /// Makes a passkey: from `PublicKeyCredentialCreationOptionsJSON` to `RegistrationResponseJSON`.
    pub(crate) fn create(&mut self, options: &str, origin: &str) -> String {
        assert!(!self.is_excluded(options), "the authenticator has an excluded passkey");
        let options = parse(options);
        let key = Key::generate(self.algorithm);
        let asked = options["pubKeyCredParams"].as_array().unwrap();
        assert!(asked.iter().any(|parameters| parameters["alg"] == key.algorithm()), "another algorithm is asked for");
        let (rp_id, user) = (text(&options["rp"]["id"]), text(&options["user"]["id"]));
        let credential = self.answer(&options, &key, origin);
        self.passkeys.push(Held { id: Sha256::digest(key.cose()).to_vec(), rp_id, user_handle: user, key });
        credential
    }

    /// Offers its newest passkey once more, as one that it has just made.
    pub(crate) fn create_again(&mut self, options: &str, origin: &str) -> String {
        let held = self.passkeys.pop().expect("a passkey");
        let credential = self.answer(&parse(options), &held.key, origin);
        self.passkeys.push(held);
        credential
    }

    /// The answer to the options with a passkey of this key.
    fn answer(&mut self, options: &Value, key: &Key, origin: &str) -> String {
        let rp_id = text(&options["rp"]["id"]);
        let id = Sha256::digest(key.cose()).to_vec();
        let mut data = self.authenticator_data(&rp_id, Flags::ATTESTED);
        data.extend([0; 16]);
        data.extend(u16::try_from(id.len()).unwrap().to_be_bytes());
        data.extend([&id[..], &key.cose()].concat());
        let client_data = client_data("webauthn.create", options, origin);
        let object = self.attestation_object(key, &data, &client_data);
        let response = json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(&client_data),
            "attestationObject": URL_SAFE_NO_PAD.encode(object),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "publicKeyAlgorithm": key.algorithm(),
            "transports": ["internal"],
        });
        credential(&id, &response, &json!({ "credProps": { "rk": true } }))
    }

    /// Signs with the newest passkey that the options allow: from `PublicKeyCredentialRequestOptionsJSON` to
    /// `AuthenticationResponseJSON`.
    pub(crate) fn get(&mut self, options: &str, origin: &str) -> String {
        let options = parse(options);
        let (rp_id, allowed) = (text(&options["rpId"]), listed(&options["allowCredentials"]));
        let data = self.authenticator_data(&rp_id, Flags(0));
        let is_allowed =
            |passkey: &&Held| passkey.rp_id == rp_id && (allowed.is_empty() || allowed.contains(&passkey.id));
        let passkey = self.passkeys.iter().rev().find(is_allowed).expect("the authenticator has such a passkey");
        let client_data = client_data("webauthn.get", &options, origin);
        let signature = passkey.key.sign(&[&data[..], &Sha256::digest(&client_data)].concat());
        let mut response = json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(&client_data),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(signature),
        });
        if self.tells_user {
            response["userHandle"] = json!(passkey.user_handle);
        }
        credential(&passkey.id, &response, &json!({}))
    }

    /// What it says at each use, which it counts.
    fn authenticator_data(&mut self, rp_id: &str, part: Flags) -> Vec<u8> {
        self.counter = self.counter.map(|counter| counter + 1);
        let count = self.counter.unwrap_or(0).to_be_bytes();
        [&Sha256::digest(rp_id)[..], &[(self.flags | part).0], &count].concat()
    }

    fn attestation_object(&self, key: &Key, data: &[u8], client_data: &[u8]) -> Vec<u8> {
        let (format, statement) = match self.attestation {
            Attestation::None => ("none", vec![0xa0]),
            Attestation::Own => {
                let signature = key.sign(&[data, &Sha256::digest(client_data)].concat());
                let algorithm = u8::try_from(-1 - key.algorithm()).unwrap() | 0x20;
                (
                    "packed",
                    [&[0xa2], &cbor_text("alg")[..], &[algorithm], &cbor_text("sig"), &cbor(2, &signature)].concat(),
                )
            }
        };
        let entries = [
            [cbor_text("fmt"), cbor_text(format)].concat(),
            [cbor_text("attStmt"), statement].concat(),
            [cbor_text("authData"), cbor(2, data)].concat(),
        ];
        [vec![0xa3], entries.concat()].concat()
    }
}

impl Key {
    fn generate(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Es256 => Self::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap()),
            Algorithm::EdDsa => Self::EdDsa(Ed25519KeyPair::generate().unwrap()),
        }
    }

    const fn algorithm(&self) -> i32 {
        match self {
            Self::Es256(_) => -7,
            Self::EdDsa(_) => -8,
        }
    }

    /// The public half as a `COSE_Key`.
    fn cose(&self) -> Vec<u8> {
        match self {
            Self::Es256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (cbor(2, &point[1..33]), cbor(2, &point[33..]));
                [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21][..], &x, &[0x22], &y].concat()
            }
            Self::EdDsa(pair) => {
                [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21][..], &cbor(2, pair.public_key().as_ref())].concat()
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Es256(pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Self::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

fn parse(options: &str) -> Value {
    serde_json::from_str(options).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The ids in a list of credentials, which may be left out.
fn listed(credentials: &Value) -> Vec<Vec<u8>> {
    let credentials = credentials.as_array().into_iter().flatten();
    credentials.map(|listed| URL_SAFE_NO_PAD.decode(text(&listed["id"])).unwrap()).collect()
}

/// What a browser writes about a ceremony on a page of an origin.
fn client_data(ceremony: &str, options: &Value, origin: &str) -> Vec<u8> {
    let challenge = &options["challenge"];
    format!(r#"{{"type":"{ceremony}","challenge":{challenge},"origin":"{origin}","crossOrigin":false}}"#).into_bytes()
}

/// What `toJSON` makes of a credential.
fn credential(id: &[u8], response: &Value, extensions: &Value) -> String {
    let id = URL_SAFE_NO_PAD.encode(id);
    json!({
        "id": id,
        "rawId": id,
        "type": "public-key",
        "authenticatorAttachment": "platform",
        "response": response,
        "clientExtensionResults": extensions,
    })
    .to_string()
}

/// An item of bytes (kind 2) or text (kind 3) in CBOR.
fn cbor(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let kind = kind << 5;
    let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    let head = match bytes.len() {
        0..24 => vec![kind | length[1]],
        24..256 => vec![kind | 0x18, length[1]],
        _ => [&[kind | 0x19], &length[..]].concat(),
    };
    [&head, bytes].concat()
}

fn cbor_text(text: &str) -> Vec<u8> {
    cbor(3, text.as_bytes())
}
