//! The people of an installation under load: most sign in with a password, some with a code or a passkey as well.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use ipse::proto::factor_record::Method;
use ipse::proto::{FactorRecord, PasskeyRecord, User, UserRecord};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::Failure;

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery staple";
/// Those with an authenticator app: so many that nobody's turn comes twice while a code counts.
pub(crate) const WITH_CODES: usize = 4_000;
/// Those with a passkey.
pub(crate) const WITH_PASSKEYS: usize = 1_000;
/// Where passkeys are used: at the server's issuer, `https://ipse.localhost`.
const DOMAIN: &str = "ipse.localhost";

/// Somebody's address; who they are follows from the letter and the number.
pub(crate) fn email(letter: char, number: usize) -> String {
    format!("{letter}{number}@example.com")
}

/// A recipe of hashes with the cost that the server has by default.
pub(crate) fn recipe() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

/// The blocks that one hash takes.
pub(crate) fn blocks() -> Vec<Block> {
    vec![Block::new(); Params::DEFAULT.block_count()]
}

/// Computes a hash.
pub(crate) fn hash(blocks: &mut [Block]) -> Result<[u8; 32], Failure> {
    let mut tag = [0; 32];
    recipe().hash_password_into_with_memory(PASSWORD.as_bytes(), SALT, &mut tag, blocks)?;
    Ok(tag)
}

const SALT: &[u8; 16] = b"salt of the load";

/// Rows of an import: so many people with nothing but a password, and those with more.
pub(crate) fn rows(people: usize, passkeys: &[Passkey]) -> Result<Vec<UserRecord>, Failure> {
    let (salt, tag) = (STANDARD_NO_PAD.encode(SALT), STANDARD_NO_PAD.encode(hash(&mut blocks())?));
    let (memory, passes) = (Params::DEFAULT.m_cost(), Params::DEFAULT.t_cost());
    let phc = format!("$argon2id$v=19$m={memory},t={passes},p=1${salt}${tag}");
    let row = |letter, number, method: Option<Method>| UserRecord {
        user: Some(User {
            email: email(letter, number),
            email_verified: true,
            display_name: format!("Person {number}"),
            ..User::default()
        }),
        password_hash: phc.clone(),
        factors: method
            .map(|method| FactorRecord { method: Some(method), ..FactorRecord::default() })
            .into_iter()
            .collect(),
        ..UserRecord::default()
    };
    let plain = (0..people).map(|number| row('p', number, None));
    let with_codes = (0..WITH_CODES).map(|number| row('c', number, Some(Method::OtpauthUri(otpauth_uri(number)))));
    let with_passkeys = passkeys.iter().enumerate();
    let with_passkeys =
        with_passkeys.map(|(number, passkey)| row('k', number, Some(Method::Passkey(passkey.record()))));
    Ok(plain.chain(with_codes).chain(with_passkeys).collect())
}

fn seed(number: usize) -> String {
    format!("the seed of {number:08}")
}

fn otpauth_uri(number: usize) -> String {
    let secret = base32::encode(base32::Alphabet::Rfc4648 { padding: false }, seed(number).as_bytes());
    format!("otpauth://totp/Ipse:{}?secret={secret}", email('c', number))
}

/// The code that somebody's authenticator app shows now.
pub(crate) fn code(number: usize) -> Result<String, Failure> {
    let totp = totp_rs::Builder::new().with_secret(seed(number).as_bytes()).build()?;
    Ok(totp.generate(unix_time()?).to_string())
}

#[expect(clippy::disallowed_methods, reason = "an authenticator app has a clock of its own")]
fn unix_time() -> Result<u64, Failure> {
    Ok(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs())
}

/// A passkey that is synced, and so does not count its uses.
pub(crate) struct Passkey {
    key: EcdsaKeyPair,
    id: Vec<u8>,
}

impl Passkey {
    pub(crate) fn new() -> Result<Self, Failure> {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
        Ok(Self { id: Sha256::digest(key.public_key()).to_vec(), key })
    }

    fn record(&self) -> PasskeyRecord {
        let point = self.key.public_key().as_ref();
        // A COSE_Key in canonical CBOR: {kty: EC2, alg: ES256, crv: P-256, x, y}.
        let cose =
            [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..], &point[1..33], &[0x22, 0x58, 32], &point[33..]];
        PasskeyRecord {
            credential_id: self.id.clone(),
            public_key: cose.concat(),
            user_handle: self.id.clone(),
            rp_id: DOMAIN.to_owned(),
            backup_eligible: true,
            backed_up: true,
            user_verifying: true,
            ..PasskeyRecord::default()
        }
    }

    /// What a browser answers to the options of a sign-in.
    pub(crate) fn answer(&self, options: &str) -> Result<String, Failure> {
        let options: Value = serde_json::from_str(options)?;
        let client_data = json!({
            "type": "webauthn.get",
            "challenge": options["challenge"],
            "origin": format!("https://{DOMAIN}"),
            "crossOrigin": false,
        });
        let client_data = client_data.to_string();
        // Present, verified, may be copied, is copied; used 0 times.
        let data = [&Sha256::digest(DOMAIN)[..], &[0b1_1101], &[0; 4]].concat();
        let signed = [&data[..], &Sha256::digest(&client_data)[..]].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed)?;
        let id = URL_SAFE_NO_PAD.encode(&self.id);
        let response = json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(signature),
            "userHandle": id,
        });
        let credential =
            json!({"id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": {}});
        Ok(credential.to_string())
    }
}
