//! One-time codes of authenticator apps (RFC 6238), and how they get into the apps.
//!
//! The codes are those of the crate `totp-rs`, without its clock and its random numbers. Every code that is asked about is
//! compared in constant time; which step it belongs to is no secret.

mod qr_svg;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use totp_rs::{Algorithm, Builder, Totp, TotpError};
use url::Url;
use zeroize::Zeroizing;

use crate::application::ports::{Cause, OneTimeCodes, OtpauthRefused, TotpEnrolment};
use crate::domain::Timestamp;
use crate::domain::secret::Secret;
use crate::domain::text;

/// The longest URI of another system that is looked at, in bytes.
pub const MAX_URI_BYTES: usize = 2048;
/// The shortest seed that is taken, in bytes (RFC 4226, section 4, R6).
const LEAST_SEED_BYTES: usize = 16;
/// The longest seed that is taken, in bytes: HMAC-SHA-1 would hash a longer one first, and gain nothing.
const MAX_SEED_BYTES: usize = 64;
const DIGITS: u8 = 6;
const STEP_SECONDS: u64 = 30;
/// How many steps before and after the present one are looked at: clocks differ, and typing takes time.
const SKEW: u16 = 1;
/// The issuer of those that are called by a number.
const PRODUCT: &str = "Ipse";

/// Makes and checks codes.
#[derive(Debug, Clone)]
pub struct TotpCodes {
    issuer: String,
}

impl TotpCodes {
    /// Takes what people know the service by: the host of the issuer. Apps show it beside the codes, without port and path,
    /// as it must not have a colon in it.
    #[must_use]
    pub fn new(service: &str) -> Self {
        let host = service.split(['/', ':']).next().filter(|host| !host.is_empty() && !host.starts_with('['));
        Self { issuer: host.unwrap_or(PRODUCT).to_owned() }
    }

    fn totp(&self, seed: &[u8], account: &str) -> Result<Totp, Cause> {
        Ok(builder(seed).with_issuer(Some(self.issuer.as_str())).with_account_name(account).build()?)
    }
}

impl OneTimeCodes for TotpCodes {
    fn matched_step(&self, seed: &[u8], code: &str, now: Timestamp) -> Option<i64> {
        let seconds = u64::try_from(now.unix_timestamp()).ok()?;
        let step = builder(seed).build().ok()?.check(code, seconds)?;
        i64::try_from(step).ok()
    }

    fn enrolment(&self, seed: &[u8], account: &str) -> Result<TotpEnrolment, Cause> {
        let totp = self.totp(seed, account)?;
        let uri = Zeroizing::new(totp.to_url()?);
        Ok(TotpEnrolment {
            secret_base32: Secret::new(totp.secret().to_base32()),
            qr_svg: Secret::new(qr_svg::draw(&uri)?),
            otpauth_uri: Secret::new(uri.as_str()),
        })
    }

    fn uri(&self, seed: &[u8], account: &str) -> Result<Secret, Cause> {
        Ok(Secret::new(self.totp(seed, account)?.to_url()?))
    }

    fn accept(&self, uri: &Secret) -> Result<Zeroizing<Vec<u8>>, OtpauthRefused> {
        let uri = text::required(uri.expose(), MAX_URI_BYTES)?;
        let totp = read(uri)?;
        if totp.algorithm() != Algorithm::SHA1 {
            return Err(OtpauthRefused::Algorithm);
        }
        if totp.digits() != DIGITS {
            return Err(OtpauthRefused::Digits);
        }
        if totp.step() != STEP_SECONDS {
            return Err(OtpauthRefused::Period);
        }
        let seed = totp.secret().as_bytes();
        if !(LEAST_SEED_BYTES..=MAX_SEED_BYTES).contains(&seed.len()) {
            return Err(OtpauthRefused::Seed);
        }
        Ok(Zeroizing::new(seed.to_vec()))
    }
}

/// The one kind of codes that there is here.
fn builder(seed: &[u8]) -> Builder {
    let kind = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(DIGITS).with_step_duration(STEP_SECONDS);
    kind.with_skew(SKEW).with_secret(seed)
}

/// Reads a URI. The library would take the last of two values; what one app reads so, another reads otherwise.
fn read(uri: &str) -> Result<Totp, OtpauthRefused> {
    let url = Url::parse(uri).map_err(|_| OtpauthRefused::Form)?;
    let mut names = BTreeSet::new();
    if !url.query_pairs().all(|(name, _)| names.insert(name)) {
        return Err(OtpauthRefused::Form);
    }
    Totp::from_url_unchecked(uri).map_err(|error| match error {
        TotpError::InvalidAlgorithm { .. } => OtpauthRefused::Algorithm,
        TotpError::DigitsParse { .. } => OtpauthRefused::Digits,
        TotpError::StepParse { .. } => OtpauthRefused::Period,
        TotpError::InvalidSecret | TotpError::SecretNotSet => OtpauthRefused::Seed,
        _ => OtpauthRefused::Form,
    })
}
