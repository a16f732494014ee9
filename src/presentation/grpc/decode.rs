//! Contract to domain: the conversions that several services share.

use prost_types::Timestamp as ProtoTime;
use time::OffsetDateTime;

use crate::application::error::Violation;
use crate::application::sign_in::PresentedProof;
use crate::domain::Timestamp;
use crate::domain::secret::Secret;
use crate::proto;

const NANOS_PER_MICRO: i32 = 1_000;
/// The times that RFC 3339 can write, and therefore the contract in JSON: the years 1 to 9999.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// A time, cut to the microseconds that the stores keep.
pub(super) fn time(field: &'static str, time: Option<ProtoTime>) -> Result<Option<Timestamp>, Violation> {
    let Some(ProtoTime { seconds, nanos }) = time else { return Ok(None) };
    let micros = nanos / NANOS_PER_MICRO;
    let whole = SECONDS.contains(&seconds).then(|| OffsetDateTime::from_unix_timestamp(seconds).ok()).flatten();
    let whole = whole.filter(|_| (0..1_000_000_000).contains(&nanos));
    let time = whole.ok_or_else(|| Violation::form(field, "must be a time of the years 1 to 9999"))?;
    Ok(Some(time + time::Duration::microseconds(micros.into())))
}

/// The second factor of a sign-in.
pub(super) fn mfa_proof(proof: proto::complete_mfa_request::Proof) -> PresentedProof {
    use proto::complete_mfa_request::Proof;
    match proof {
        Proof::TotpCode(code) => PresentedProof::Totp(Secret::new(code)),
        Proof::RecoveryCode(code) => PresentedProof::RecoveryCode(Secret::new(code)),
        Proof::PasskeyCredentialJson(json) => PresentedProof::Passkey(Secret::new(json)),
    }
}

/// The proof of a step-up.
pub(super) fn step_up_proof(proof: proto::complete_step_up_request::Proof) -> PresentedProof {
    use proto::complete_step_up_request::Proof;
    match proof {
        Proof::Password(password) => PresentedProof::Password(Secret::new(password)),
        Proof::TotpCode(code) => PresentedProof::Totp(Secret::new(code)),
        Proof::RecoveryCode(code) => PresentedProof::RecoveryCode(Secret::new(code)),
        Proof::PasskeyCredentialJson(json) => PresentedProof::Passkey(Secret::new(json)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::encode;
    use super::*;

    fn read(seconds: i64, nanos: i32) -> Option<ProtoTime> {
        time("t", Some(ProtoTime { seconds, nanos })).ok().flatten().map(encode::time)
    }

    #[test]
    fn times_are_cut_to_microseconds_and_stay_in_the_calendar() {
        assert_eq!(read(0, 999), Some(ProtoTime { seconds: 0, nanos: 0 }));
        assert_eq!(read(-1, 999_999_999), Some(ProtoTime { seconds: -1, nanos: 999_999_000 }));
        for edge in [*SECONDS.start(), *SECONDS.end()] {
            assert_eq!(read(edge, 0), Some(ProtoTime { seconds: edge, nanos: 0 }));
        }
        for (seconds, nanos) in [
            (SECONDS.start() - 1, 0),
            (SECONDS.end() + 1, 0),
            (i64::MIN, 0),
            (i64::MAX, 0),
            (0, -1),
            (0, 1_000_000_000),
            (0, i32::MIN),
        ] {
            assert_eq!(read(seconds, nanos), None, "{seconds} {nanos}");
        }
    }
}
