use zeroize::Zeroizing;

use super::Cause;
use crate::domain::Timestamp;
use crate::domain::secret::Secret;
use crate::domain::text::InvalidText;

/// How long new seeds are, in bytes: 160 bits, as RFC 4226 recommends (section 4, R6).
pub const SEED_BYTES: usize = 20;

/// The longest code that is looked at, in bytes; one that is not of six digits is wrong.
pub const MAX_CODE_BYTES: usize = 64;

/// What an authenticator app needs, in the three forms that people give it. All of them hold the seed.
#[derive(Debug, Clone)]
pub struct TotpEnrolment {
    /// The seed as people type it.
    pub secret_base32: Secret,
    /// The seed and how codes are made of it, as apps read it.
    pub otpauth_uri: Secret,
    /// The URI as a picture: a QR code in SVG, for pages to show and cameras to read.
    pub qr_svg: Secret,
}

/// Why a URI of another system is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OtpauthRefused {
    /// Empty, too long, or with U+0000 in it.
    #[error(transparent)]
    Text(#[from] InvalidText),
    /// No URI of this kind, or one that says something twice or contradicts itself.
    #[error("must be an otpauth URI of codes that change with time, such as otpauth://totp/NAME?secret=…")]
    Form,
    /// Codes that are made with another hash function.
    #[error("must be of codes that are made with SHA-1, which is the default")]
    Algorithm,
    /// Codes of another length.
    #[error("must be of codes of 6 digits, which is the default")]
    Digits,
    /// Codes that change at another pace.
    #[error("must be of codes that change every 30 seconds, which is the default")]
    Period,
    /// A secret that is none, or too easily found by trying.
    #[error("must have a secret of 16 to 64 bytes in base32, without padding")]
    Seed,
}

/// Codes that an authenticator app and this service make of a shared seed and the time (RFC 6238): six digits, a new code
/// every 30 seconds, HMAC-SHA-1, which is all that every app makes.
pub trait OneTimeCodes: Send + Sync {
    /// The step (T in RFC 6238) that the code belongs to: the one at `now`, the one before or the one after, if the seed
    /// makes this code then. The code is six ASCII digits and nothing else. Whoever asks remembers the step: no code is
    /// good twice.
    fn matched_step(&self, seed: &[u8], code: &str, now: Timestamp) -> Option<i64>;

    /// How a person gives the seed to an app, which shows the account's name beside the codes.
    fn enrolment(&self, seed: &[u8], account: &str) -> Result<TotpEnrolment, Cause>;

    /// The seed as a URI alone, which `accept` takes back.
    fn uri(&self, seed: &[u8], account: &str) -> Result<Secret, Cause>;

    /// Reads the seed from a URI that another system made. Only one whose codes this service makes is taken.
    fn accept(&self, uri: &Secret) -> Result<Zeroizing<Vec<u8>>, OtpauthRefused>;
}
