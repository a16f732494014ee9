//! The verdicts of Ipse itself: reads a question in each line, and writes a verdict for it. See ../README.md.

use std::error::Error;
use std::io::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ipse::application::ports::{AssertionCeremony, CeremonyRejected, Passkeys as _, RegistrationCeremony};
use ipse::domain::credential::passkey::{Passkey, UserVerification};
use ipse::infrastructure::webauthn::WebAuthn;
use ipse::infrastructure::webauthn::relying_party::RelyingParty;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

type Failure = Box<dyn Error>;

#[derive(Deserialize)]
struct Question {
    kind: String,
    origin: String,
    rp_id: String,
    challenge: String,
    user_verification: String,
    user_handle: String,
    is_for_anybody: bool,
    stored: Option<Kept>,
    credential: String,
}

#[derive(Deserialize)]
struct Kept {
    credential_id: String,
    public_key: String,
    user_handle: String,
    rp_id: String,
    sign_count: u32,
    aaguid: String,
    backup_eligible: bool,
    backed_up: bool,
    user_verified: bool,
}

impl Kept {
    fn passkey(&self) -> Result<Passkey, Failure> {
        Ok(Passkey {
            credential_id: bytes(&self.credential_id)?,
            public_key: bytes(&self.public_key)?,
            user_handle: bytes(&self.user_handle)?,
            rp_id: self.rp_id.clone(),
            sign_count: self.sign_count,
            aaguid: Uuid::from_slice(&bytes(&self.aaguid)?)?,
            transports: Vec::new(),
            backup_eligible: self.backup_eligible,
            backed_up: self.backed_up,
            user_verified: self.user_verified,
        })
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, Failure> {
    Ok(URL_SAFE_NO_PAD.decode(text)?)
}

fn judge(asked: &Question) -> Result<Result<(), CeremonyRejected>, Failure> {
    let origins = vec![asked.origin.clone()];
    let webauthn = WebAuthn::new(RelyingParty { rp_id: asked.rp_id.clone(), name: "Example".to_owned(), origins });
    let challenge = bytes(&asked.challenge)?;
    // The service asks with 32 bytes. One of the vectors has more, and is refused before for its algorithm.
    let challenge = challenge.first_chunk().ok_or("the challenge is short")?;
    let user_handle = &bytes(&asked.user_handle)?;
    let user_verification = match asked.user_verification.as_str() {
        "required" => UserVerification::Required,
        "preferred" => UserVerification::Preferred,
        _ => UserVerification::Discouraged,
    };
    let credential = &asked.credential;
    if asked.kind == "create" {
        let ceremony = RegistrationCeremony { challenge, user_handle, user_verification };
        return Ok(webauthn.register(credential, &ceremony).map(|_| ()));
    }
    let user_handle = (!asked.is_for_anybody).then_some(user_handle.as_slice());
    let ceremony = AssertionCeremony { challenge, user_handle, user_verification };
    let stored = asked.stored.as_ref().ok_or("no passkey")?.passkey()?;
    Ok(webauthn.read_assertion(credential).and_then(|presented| {
        let found = Some(&stored).filter(|stored| stored.credential_id == presented.credential_id);
        webauthn.verify(&presented, found, &ceremony).map(|_| ())
    }))
}

fn main() -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lines() {
        let verdict = judge(&serde_json::from_str(&line?)?)?;
        let why = verdict.err().map_or("", CeremonyRejected::as_str);
        writeln!(out, "{}", json!({ "accepts": verdict.is_ok(), "why": why }))?;
    }
    Ok(())
}
