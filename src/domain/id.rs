//! Typed identifiers. Every id is a UUID of version 7 (RFC 9562): unpredictable in its random part, ordered by creation.

use std::fmt;

use uuid::{Builder, Uuid};

use super::Timestamp;

/// The random part of a new id.
pub type IdEntropy = [u8; 10];

/// The text is not a UUID in its canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a UUID in its canonical form of 36 characters")]
pub struct InvalidId;

fn version_7(now: Timestamp, entropy: &IdEntropy) -> Uuid {
    let millis = u64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, entropy).into_uuid()
}

fn parse_canonical(text: &str) -> Result<Uuid, InvalidId> {
    if text.len() != 36 {
        return Err(InvalidId);
    }
    Uuid::try_parse(text).map_err(|_| InvalidId)
}

macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id made at `now`.
            #[must_use]
            pub fn new(now: Timestamp, entropy: &IdEntropy) -> Self {
                Self(version_7(now, entropy))
            }

            /// An id that nothing has, for work that must cost the same whether or not there is something.
            pub const NOBODY: Self = Self(Uuid::nil());

            /// The id that a store or a token carries.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The underlying UUID, for stores and tokens.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }

            /// Reads the canonical text form.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                parse_canonical(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    };
}

typed_id!(
    /// Names a person for ever; never used again for another one.
    UserId
);
typed_id!(
    /// Names a session; the claim `sid`.
    SessionId
);
typed_id!(
    /// Names a mail; receivers see it in `Message-ID` and can drop a repeated delivery.
    MailId
);
typed_id!(
    /// Names a job.
    JobId
);
typed_id!(
    /// Names the claim of a worker to a job; never used again for another one.
    LeaseId
);
typed_id!(
    /// Names one access token; the claim `jti`.
    TokenId
);
typed_id!(
    /// Names a call that may be repeated; its caller's own choice (AIP-155).
    RequestId
);
typed_id!(
    /// Names a service account for ever; never the id of a person.
    ServiceAccountId
);
typed_id!(
    /// Names an API key for ever; the claim `sid` of the tokens it was exchanged for.
    ApiKeyId
);
typed_id!(
    /// Names a role for ever; never used again for another one.
    RoleId
);
typed_id!(
    /// Names a second factor for ever; never used again for another one.
    FactorId
);
typed_id!(
    /// Names an event in the audit trail.
    AuditEventId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_round_trips_through_text_and_sorts_by_time() {
        let earlier = UserId::new(Timestamp::UNIX_EPOCH + time::Duration::days(1), &[255; 10]);
        let later = UserId::new(Timestamp::UNIX_EPOCH + time::Duration::days(2), &[0; 10]);
        assert!(earlier < later);
        assert_eq!(UserId::parse(&earlier.to_string()), Ok(earlier));
        assert_eq!(earlier.as_uuid().get_version_num(), 7);
    }

    #[test]
    fn only_the_canonical_form_is_read() {
        for text in [
            "",
            "x",
            "01890a5d-ac96-774b-bcce-b302099a805",
            "01890a5dac96774bbcceb302099a8057",
            "{01890a5d-ac96-774b-bcce-b302099a8057}",
            "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
        ] {
            assert_eq!(SessionId::parse(text), Err(InvalidId), "{text}");
        }
    }
}
