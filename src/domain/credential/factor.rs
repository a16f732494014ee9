//! Second factors: what a person has beside the password, as it is stored.

use time::Duration;

use super::passkey::Passkey;
use crate::domain::Timestamp;
use crate::domain::id::{FactorId, SessionId, UserId};
use crate::domain::named_enum::named_enum;
use crate::domain::text::{self, InvalidText};

/// How many factors a person may have, a set of recovery codes not counted.
pub const MAX_PER_USER: usize = 20;
/// How many consecutive failures disable a factor (NIST SP 800-63B-4, section 3.2.2).
pub const HARD_LIMIT: i32 = 100;
/// How long somebody may take to enrol a factor.
pub const ENROLMENT_LIFETIME: Duration = Duration::minutes(10);
/// How long a one-time code is the present one (RFC 6238).
pub const TOTP_STEP: Duration = Duration::seconds(30);
/// How many wrong codes end an enrolment.
pub const ENROLMENT_ATTEMPTS: i32 = 5;

named_enum! {
    /// What kind of factor it is.
    FactorKind {
        /// Codes of an authenticator app (RFC 6238).
        Totp = "totp",
        /// A WebAuthn credential.
        Passkey = "passkey",
        /// A set of single-use codes for when the others are lost.
        RecoveryCodes = "recovery_codes",
    }
}

named_enum! {
    /// Whether a factor signs in.
    FactorState {
        /// It is being enrolled and signs nobody in.
        Pending = "pending",
        /// It does.
        Active = "active",
        /// Too many attempts failed: it has to be enrolled anew.
        Disabled = "disabled",
    }
}

/// A person's name for a factor: one line of at most 64 code points, perhaps empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FactorName(String);

impl FactorName {
    /// Reads a name.
    pub fn parse(input: &str) -> Result<Self, InvalidText> {
        text::line(input, 64).map(|text| Self(text.to_owned()))
    }

    /// The name as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A factor that was enrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factor {
    /// Names the factor for ever.
    pub id: FactorId,
    /// Whose it is.
    pub user_id: UserId,
    /// The person's name for it.
    pub display_name: FactorName,
    /// What it is.
    pub method: FactorMethod,
    /// How many attempts failed since the last success.
    pub failures: i32,
    /// When it was enrolled.
    pub create_time: Timestamp,
    /// When somebody last signed in by it.
    pub last_used_time: Option<Timestamp>,
    /// Grows by one with each change of its name: the basis of the etag.
    pub revision: i64,
}

/// What a factor is, with what checks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactorMethod {
    /// Codes of an authenticator app.
    Totp {
        /// The shared secret, sealed.
        sealed_secret: Vec<u8>,
        /// The step of the last code that was taken (RFC 6238, section 5.2): only later ones are.
        last_step: Option<i64>,
    },
    /// A WebAuthn credential.
    Passkey(Passkey),
    /// Recovery codes, whose hashes stand apart.
    RecoveryCodes {
        /// How many are left.
        remaining: u32,
    },
}

impl Factor {
    /// A factor that was just enrolled.
    #[must_use]
    pub const fn new(
        (id, user_id): (FactorId, UserId),
        name: FactorName,
        method: FactorMethod,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            user_id,
            display_name: name,
            method,
            failures: 0,
            create_time: now,
            last_used_time: None,
            revision: 1,
        }
    }

    /// What kind of factor it is.
    #[must_use]
    pub const fn kind(&self) -> FactorKind {
        match self.method {
            FactorMethod::Totp { .. } => FactorKind::Totp,
            FactorMethod::Passkey(_) => FactorKind::Passkey,
            FactorMethod::RecoveryCodes { .. } => FactorKind::RecoveryCodes,
        }
    }

    /// Whether it signs in.
    #[must_use]
    pub const fn state(&self) -> FactorState {
        if self.failures >= HARD_LIMIT { FactorState::Disabled } else { FactorState::Active }
    }

    /// Gives it another name.
    pub fn rename(&mut self, name: FactorName) {
        self.display_name = name;
        self.revision += 1;
    }

    /// The entity tag (AIP-154), in quotes.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.revision)
    }

    /// Whether it is a factor of its own. Recovery codes only stand in for one.
    #[must_use]
    pub fn is_primary(&self) -> bool {
        self.kind() != FactorKind::RecoveryCodes
    }

    /// Whether somebody may try to sign in by it.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        let has_some = !matches!(self.method, FactorMethod::RecoveryCodes { remaining: 0 });
        has_some && self.failures < HARD_LIMIT
    }

    /// How many recovery codes are left, if it is a set of these.
    #[must_use]
    pub const fn remaining(&self) -> u32 {
        match self.method {
            FactorMethod::RecoveryCodes { remaining } => remaining,
            FactorMethod::Totp { .. } | FactorMethod::Passkey(_) => 0,
        }
    }

    /// The passkey, if it is one.
    #[must_use]
    pub const fn passkey(&self) -> Option<&Passkey> {
        match &self.method {
            FactorMethod::Passkey(passkey) => Some(passkey),
            FactorMethod::Totp { .. } | FactorMethod::RecoveryCodes { .. } => None,
        }
    }
}

/// A factor that is being enrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The id that the factor will have.
    pub id: FactorId,
    /// Who enrols it.
    pub user_id: UserId,
    /// The session that began the enrolment, which alone may complete it.
    pub session_id: SessionId,
    /// What the person will call it.
    pub display_name: FactorName,
    /// What completes it.
    pub method: EnrolmentMethod,
    /// How many wrong codes came.
    pub failures: i32,
    /// When it began.
    pub create_time: Timestamp,
    /// Until when it may be completed.
    pub expire_time: Timestamp,
}

/// What completes an enrolment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnrolmentMethod {
    /// A code that the secret makes.
    Totp {
        /// The shared secret, sealed.
        sealed_secret: Vec<u8>,
    },
    /// The answer of an authenticator to a challenge.
    Passkey {
        /// What the authenticator signs.
        challenge: [u8; 32],
        /// By which authenticators know the person, and nobody else does.
        user_handle: Vec<u8>,
    },
}

impl EnrolmentMethod {
    /// The kind of the factor.
    #[must_use]
    pub const fn kind(&self) -> FactorKind {
        match self {
            Self::Totp { .. } => FactorKind::Totp,
            Self::Passkey { .. } => FactorKind::Passkey,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_signs_in_until_too_many_attempts_failed_and_recovery_codes_until_they_are_used_up() {
        let now = Timestamp::UNIX_EPOCH;
        let factor = |method| Factor::new((FactorId::NOBODY, UserId::NOBODY), FactorName::default(), method, now);
        let mut totp = factor(FactorMethod::Totp { sealed_secret: Vec::new(), last_step: None });
        assert!(totp.is_usable() && totp.is_primary() && totp.state() == FactorState::Active);
        totp.failures = HARD_LIMIT;
        assert!(!totp.is_usable() && totp.state() == FactorState::Disabled);
        let codes = |remaining| factor(FactorMethod::RecoveryCodes { remaining });
        assert_eq!((codes(1).is_usable(), codes(0).is_usable(), codes(1).is_primary()), (true, false, false));
        assert_eq!((codes(7).remaining(), totp.remaining()), (7, 0));
    }
}
