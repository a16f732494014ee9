//! Challenges: sign-ins that wait for their next proof.

use super::attempt::WantedSession;
use crate::application::error::{Error, Refusal, Result, Violations};
use crate::application::ports::{Entropy, Store, Transaction};
use crate::domain::Timestamp;
use crate::domain::credential::factor::{Factor, FactorKind};
use crate::domain::id::{SessionId, UserId};
use crate::domain::secret::{Digest, Secret};
use crate::domain::session::authentication::Proof;
use crate::domain::session::challenge::{self, Challenge, ChallengePurpose, LIFETIME, MAX_FAILURES, MAX_TOKEN_BYTES};
use crate::domain::text;
use crate::domain::token::action_token;

/// A challenge for the client to answer.
#[derive(Debug, Clone)]
pub struct IssuedChallenge {
    /// Names it.
    pub token: Secret,
    /// What may answer it, without repetition.
    pub factors: Vec<ChallengeFactor>,
    /// What to ask the authenticator, if a passkey may answer it and was asked for.
    pub request_options: Option<String>,
    /// Until when it may be answered.
    pub expire_time: Timestamp,
}

/// What may answer a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeFactor {
    /// The password.
    Password,
    /// A code of an authenticator app.
    Totp,
    /// A passkey.
    Passkey,
    /// A recovery code.
    RecoveryCode,
}

impl ChallengeFactor {
    /// What the usable ones of these factors offer, in the order in which people are asked for them.
    pub(super) fn offered_by(factors: &[Factor]) -> Vec<Self> {
        let offers = [
            (FactorKind::Passkey, Self::Passkey),
            (FactorKind::Totp, Self::Totp),
            (FactorKind::RecoveryCodes, Self::RecoveryCode),
        ];
        let is_offered = |kind| factors.iter().any(|factor| factor.kind() == kind && factor.is_usable());
        offers.into_iter().filter(|&(kind, _)| is_offered(kind)).map(|(_, offer)| offer).collect()
    }
}

/// A challenge to make.
pub(super) struct NewChallenge {
    pub(super) purpose: ChallengePurpose,
    pub(super) user_id: Option<UserId>,
    pub(super) session_id: Option<SessionId>,
    pub(super) proofs: Vec<Proof>,
    pub(super) wanted: WantedSession,
    pub(super) failures_before: i32,
    pub(super) webauthn_challenge: Option<[u8; 32]>,
}

impl NewChallenge {
    /// Stores the challenge. Its token, and until when it may be answered.
    pub(super) async fn store(
        self,
        tx: &dyn Transaction,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<(Secret, Timestamp)> {
        let token = challenge::text(&entropy.bytes()?);
        let expire_time = now + LIFETIME;
        let challenge = Challenge {
            digest: action_token::digest(token.expose()),
            purpose: self.purpose,
            user_id: self.user_id,
            session_id: self.session_id,
            proofs: self.proofs,
            audience: self.wanted.audience,
            label: self.wanted.label,
            failures_before: self.failures_before,
            webauthn_challenge: self.webauthn_challenge,
            failures: 0,
            create_time: now,
            expire_time,
        };
        tx.challenges().insert_challenge(&challenge).await?;
        Ok((token, expire_time))
    }
}

/// Reads a challenge token: the digest under which the challenge is stored.
pub(super) fn read(token: &Secret, violations: &mut Violations) -> Option<Digest> {
    let text = violations.take("challenge_token", text::required(token.expose(), MAX_TOKEN_BYTES));
    text.map(action_token::digest)
}

/// The challenge with this digest that may be answered for one of these purposes.
pub(super) async fn find(
    store: &dyn Store,
    digest: &Digest,
    purposes: &[ChallengePurpose],
    now: Timestamp,
) -> Result<Challenge> {
    let found = store.read().await?.challenges().find_challenge(digest, now).await?;
    let found = found.filter(|found| purposes.contains(&found.purpose) && found.failures < MAX_FAILURES);
    Ok(found.ok_or(Refusal::MfaChallengeInvalid)?)
}

/// Takes the challenge out of the store: of several answers to it exactly one is taken.
pub(super) async fn consume(tx: &dyn Transaction, challenge: &Challenge) -> Result<()> {
    if tx.challenges().delete_challenge(&challenge.digest).await? {
        return Ok(());
    }
    Err(Refusal::MfaChallengeInvalid.into())
}

/// Whose challenge it is.
pub(super) fn holder(challenge: &Challenge) -> Result<UserId> {
    challenge.user_id.ok_or_else(|| Error::Internal("a challenge is nobody's".into()))
}
