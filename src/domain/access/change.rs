//! What makes access tokens useless before their time, or changes what their bearers may do.

use uuid::Uuid;

use super::subject::Subject;
use crate::domain::Timestamp;
use crate::domain::id::TokenId;
use crate::domain::token::signing_key::{LONGEST_TOKEN_LIFE, MAX_SKEW};

/// A change of what access tokens are worth.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AccessChange {
    /// Tokens with this `sid` are void: the session has ended, or the API key was revoked.
    Session(Uuid),
    /// Tokens with the `sub` `id` are void if they were issued up to the whole second of `revoked_before`.
    Subject {
        /// The person or service account.
        id: Uuid,
        /// Tokens issued later are good.
        revoked_before: Timestamp,
    },
    /// The token with this `jti` is void.
    Token(TokenId),
    /// Tokens that the key with this `kid` signed are void.
    Key(String),
    /// There are other signing keys, or other times in their lives; no token is void by that.
    KeySet,
    /// Somebody may do more or less than before; no token is void by that.
    Rights,
}

/// By what an access token can be revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenMarks<'t> {
    /// The claim `sid`.
    pub sid: Uuid,
    /// The claim `sub`.
    pub subject: Uuid,
    /// The claim `iat`, in whole seconds.
    pub issue_time: Timestamp,
    /// The claim `jti`.
    pub token_id: TokenId,
    /// The header `kid`.
    pub key_id: &'t str,
}

impl AccessChange {
    /// Voids the tokens that somebody has who is turned away from `now` on, and those to come: of a call that saw what held
    /// before and is not done yet, or of a replica whose clock is ahead. Tokens that are issued within the next minute are
    /// void as well, should the subject be let in again so soon.
    #[must_use]
    pub fn turned_away(subject: Subject, now: Timestamp) -> Self {
        Self::Subject { id: *subject.as_uuid(), revoked_before: now + MAX_SKEW }
    }

    /// From when on a change of `now` is of no more interest: every token that it concerns has expired by then, on every
    /// replica's clock.
    #[must_use]
    pub fn forget_after(now: Timestamp) -> Timestamp {
        now + LONGEST_TOKEN_LIFE + MAX_SKEW
    }

    /// Whether it makes this token void. In doubt it does: of the tokens of a subject that were issued within the second of
    /// the revocation, nobody can tell which came first.
    #[must_use]
    pub fn voids(&self, token: &TokenMarks<'_>) -> bool {
        match self {
            Self::Session(sid) => *sid == token.sid,
            Self::Subject { id, revoked_before } => {
                *id == token.subject && token.issue_time.unix_timestamp() <= revoked_before.unix_timestamp()
            }
            Self::Token(id) => *id == token.token_id,
            Self::Key(kid) => *kid == token.key_id,
            Self::KeySet | Self::Rights => false,
        }
    }

    /// Whether any token can be void by such a change.
    #[must_use]
    pub const fn is_revocation(&self) -> bool {
        !matches!(self, Self::KeySet | Self::Rights)
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::milliseconds(milliseconds)
    }

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn token() -> TokenMarks<'static> {
        TokenMarks {
            sid: id(1),
            subject: id(2),
            issue_time: at(10_000),
            token_id: TokenId::from_uuid(id(3)),
            key_id: "k",
        }
    }

    #[test]
    fn a_token_is_void_by_its_own_marks_alone() {
        let token_id = |number| AccessChange::Token(TokenId::from_uuid(id(number)));
        for (change, voids) in [
            (AccessChange::Session(id(1)), true),
            (AccessChange::Session(id(2)), false),
            (AccessChange::Session(id(3)), false),
            (token_id(3), true),
            (token_id(1), false),
            (AccessChange::Key("k".into()), true),
            (AccessChange::Key("K".into()), false),
            (AccessChange::KeySet, false),
            (AccessChange::Rights, false),
        ] {
            assert_eq!(change.voids(&token()), voids, "{change:?}");
        }
    }

    #[test]
    fn what_voids_no_token_is_no_revocation() {
        for (change, is_revocation) in [
            (AccessChange::Session(id(1)), true),
            (AccessChange::Subject { id: id(1), revoked_before: at(0) }, true),
            (AccessChange::Token(TokenId::from_uuid(id(1))), true),
            (AccessChange::Key("k".into()), true),
            (AccessChange::KeySet, false),
            (AccessChange::Rights, false),
        ] {
            assert_eq!(change.is_revocation(), is_revocation, "{change:?}");
        }
    }

    #[test]
    fn of_a_subject_those_tokens_are_void_that_were_issued_up_to_the_second() {
        for (millisecond, voids) in [(9_999, false), (10_000, true), (10_500, true), (11_000, true)] {
            let change = |number| AccessChange::Subject { id: id(number), revoked_before: at(millisecond) };
            assert_eq!(change(2).voids(&token()), voids, "{millisecond}");
            assert!(!change(1).voids(&token()));
        }
    }

    #[test]
    fn a_change_outlives_every_token_that_it_concerns() {
        let issued_last = at(0) + MAX_SKEW;
        assert_eq!(AccessChange::forget_after(at(0)), issued_last + LONGEST_TOKEN_LIFE);
    }
}
