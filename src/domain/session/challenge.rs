//! A sign-in that waits for its next proof: what was proven so far, and for what.

use time::Duration;

use super::authentication::Proof;
use super::client::ClientLabel;
use crate::domain::Timestamp;
use crate::domain::id::{SessionId, UserId};
use crate::domain::named_enum::named_enum;
use crate::domain::secret::{Digest, Secret};
use crate::domain::token::action_token;

/// How long somebody may take to answer a challenge (NIST SP 800-63B-4, section 3.1.3.2).
pub const LIFETIME: Duration = Duration::minutes(5);
/// How many wrong answers end a challenge.
pub const MAX_FAILURES: i32 = 5;
/// The longest challenge token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 256;

named_enum! {
    /// What the answer to a challenge leads to.
    ChallengePurpose {
        /// A sign-in, after the password.
        SecondFactor = "second_factor",
        /// A sign-in by a passkey alone: nobody has proven anything yet.
        PasskeySignIn = "passkey_sign_in",
        /// A session with a fresh proof, in place of another one.
        StepUp = "step_up",
        /// A session with a fresh proof of what the person has, in place of another one.
        StepUpAal2 = "step_up_aal2",
    }
}

/// The text of a challenge token: 256 random bits.
#[must_use]
pub fn text(entropy: &[u8; 32]) -> Secret {
    action_token::text(entropy)
}

/// A challenge as it is stored. Its token is stored as a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The digest of the token.
    pub digest: Digest,
    /// What it leads to.
    pub purpose: ChallengePurpose,
    /// Who has to answer it; none if that is what the answer tells.
    pub user_id: Option<UserId>,
    /// The session that is to be stepped up.
    pub session_id: Option<SessionId>,
    /// What was proven before, in order.
    pub proofs: Vec<Proof>,
    /// The service that the tokens are to be for, unless it is this server.
    pub audience: Option<String>,
    /// The client's name for itself.
    pub label: ClientLabel,
    /// How many attempts at the password had failed before it was right.
    pub failures_before: i32,
    /// What an authenticator was asked to sign, until it did.
    pub webauthn_challenge: Option<[u8; 32]>,
    /// How many wrong answers came.
    pub failures: i32,
    /// When it began.
    pub create_time: Timestamp,
    /// Until when it may be answered.
    pub expire_time: Timestamp,
}
