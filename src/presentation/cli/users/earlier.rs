//! Rows of a dry run that stand in each other's way. The server compares the rows of one batch alone and stores none, so that
//! it cannot know what a real import would have stored before.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, Hash, RandomState};

use prost::Message as _;

use super::report::Refused;
use super::rows::Origin;
use crate::domain::account::email::EmailAddress;
use crate::domain::account::username::Username;
use crate::proto::factor_record::Method;
use crate::proto::{ErrorReason, UserRecord};

/// What no two people may have the same of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Unique {
    Id(String),
    Username(String),
    Passkey(Vec<u8>),
}

/// What a row claims for its person alone: digests, as there may be millions of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Claims {
    record: u64,
    email: u64,
    others: Vec<(u64, Conflict)>,
}

#[derive(Debug, Clone, Copy)]
enum Conflict {
    Id,
    Username,
    Passkey,
}

/// The claims of the rows that a real import would have stored before.
#[derive(Default)]
pub(super) struct Earlier {
    emails: HashMap<u64, u64>,
    others: HashSet<u64>,
}

/// Makes digests that are the same within one run alone.
#[derive(Clone, Default)]
pub(super) struct Digests(RandomState);

impl Digests {
    /// The claims of a row. What is not even well formed claims nothing: the server refuses its row.
    pub(super) fn claims(&self, record: &UserRecord) -> Claims {
        let Some(user) = &record.user else { return Claims::default() };
        let mut uniques = Vec::new();
        if !user.id.is_empty() {
            uniques.push((Unique::Id(user.id.clone()), Conflict::Id));
        }
        if let Ok(username) = Username::parse(&user.username) {
            uniques.push((Unique::Username(username.as_str().to_owned()), Conflict::Username));
        }
        for factor in &record.factors {
            if let Some(Method::Passkey(passkey)) = &factor.method {
                uniques.push((Unique::Passkey(passkey.credential_id.clone()), Conflict::Passkey));
            }
        }
        let email = EmailAddress::parse(&user.email).map(|email| self.of(email.canonical())).unwrap_or_default();
        let others = uniques.into_iter().map(|(unique, conflict)| (self.of(&unique), conflict)).collect();
        Claims { record: self.of(record.encode_to_vec()), email, others }
    }

    fn of(&self, value: impl Hash) -> u64 {
        self.0.hash_one(value)
    }
}

impl Earlier {
    /// The rows of a batch that would be refused, of what the server told of them: rows of batches before it stand in the way of
    /// some, and some are what stands there. The others stand in the way of rows to come.
    pub(super) fn judge(&mut self, rows: impl Iterator<Item = (Origin, Claims)>, told: Vec<Refused>) -> Vec<Refused> {
        let mut told: HashMap<u64, Refused> = told.into_iter().map(|row| (row.origin.number, row)).collect();
        let mut refused = Vec::new();
        let mut taken = Vec::new();
        for (origin, claims) in rows {
            let is_before = self.emails.get(&claims.email) == Some(&claims.record);
            match (told.remove(&origin.number), self.conflict(&claims)) {
                (Some(row), _) if row.reason == ErrorReason::EmailTaken && is_before => {}
                (Some(row), _) => refused.push(row),
                (None, Some((reason, field, description))) => {
                    refused.push(Refused {
                        origin,
                        reason,
                        field: field.to_owned(),
                        description: description.to_owned(),
                    });
                }
                (None, None) => taken.push(claims),
            }
        }
        for claims in taken {
            self.emails.entry(claims.email).or_insert(claims.record);
            self.others.extend(claims.others.into_iter().map(|(digest, _)| digest));
        }
        refused
    }

    fn conflict(&self, claims: &Claims) -> Option<(ErrorReason, &'static str, &'static str)> {
        if let Some(record) = self.emails.get(&claims.email) {
            let is_same = *record == claims.record;
            return (!is_same).then_some((ErrorReason::EmailTaken, "user.email", "is that of a row before it"));
        }
        let (_, conflict) = claims.others.iter().find(|(digest, _)| self.others.contains(digest))?;
        Some(match conflict {
            Conflict::Id => (ErrorReason::FieldInvalid, "user.id", "must not be that of a row before it"),
            Conflict::Username => (ErrorReason::UsernameTaken, "user.username", "is that of a row before it"),
            Conflict::Passkey => (ErrorReason::CredentialExists, "factors", "have a passkey of a row before it"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{FactorRecord, PasskeyRecord, User};

    fn row(email: &str, change: impl FnOnce(&mut UserRecord, &mut User)) -> UserRecord {
        let (mut record, mut user) = (UserRecord::default(), User { email: email.to_owned(), ..User::default() });
        change(&mut record, &mut user);
        UserRecord { user: Some(user), ..record }
    }

    fn passkey(record: &mut UserRecord) {
        let passkey = PasskeyRecord { credential_id: vec![1], ..PasskeyRecord::default() };
        record.factors = vec![FactorRecord { method: Some(Method::Passkey(passkey)), ..FactorRecord::default() }];
    }

    #[test]
    fn rows_of_earlier_batches_stand_in_the_way() {
        let (digests, mut earlier, mut number) = (Digests::default(), Earlier::default(), 0);
        let mut refuse = |rows: &[UserRecord]| -> Vec<(u64, ErrorReason, String)> {
            let batch = rows.iter().map(|row| {
                number += 1;
                (Origin { number, ..Origin::default() }, digests.claims(row))
            });
            let batch: Vec<_> = batch.collect();
            earlier
                .judge(batch.into_iter(), Vec::new())
                .into_iter()
                .map(|row| (row.origin.number, row.reason, row.field))
                .collect()
        };
        let alice = row("alice@example.com", |record, user| {
            (user.id, user.username) = ("1".to_owned(), "alice".to_owned());
            passkey(record);
        });
        // Rows of one batch are the server's.
        let named = row("bob@example.com", |_, user| user.display_name = "Bob".to_owned());
        assert_eq!(refuse(&[alice.clone(), row("bob@example.com", |_, _| {}), named.clone()]), []);
        let told = refuse(&[
            alice,
            named,
            row("Alice@EXAMPLE.com", |_, _| {}),
            row("carol@example.com", |_, user| user.username = "Alice".to_owned()),
            row("dave@example.com", |_, user| user.id = "1".to_owned()),
            row("erin@example.com", |record, _| passkey(record)),
            row("frank@example.com", |_, _| {}),
        ]);
        let expected = [
            (5, ErrorReason::EmailTaken, "user.email"),
            (6, ErrorReason::EmailTaken, "user.email"),
            (7, ErrorReason::UsernameTaken, "user.username"),
            (8, ErrorReason::FieldInvalid, "user.id"),
            (9, ErrorReason::CredentialExists, "factors"),
        ];
        assert_eq!(told, expected.map(|(number, reason, field)| (number, reason, field.to_owned())));
        // Who was refused stands in nobody's way.
        assert_eq!(refuse(&[row("carol@example.com", |_, _| {})]), []);
    }

    #[test]
    fn a_row_that_is_what_stands_there_is_taken() {
        let (digests, mut earlier) = (Digests::default(), Earlier::default());
        let alice = row("alice@example.com", |_, user| user.locale = "de".to_owned());
        let other = row("alice@example.com", |_, _| {});
        let of = |number, row| (Origin { number, ..Origin::default() }, digests.claims(row));
        assert_eq!(earlier.judge([of(1, &alice)].into_iter(), Vec::new()), []);
        // The server took the second row, which a real import refuses, and refused the third, which is that of the first.
        let told = |number| Refused {
            origin: Origin { number, ..Origin::default() },
            reason: ErrorReason::EmailTaken,
            field: "user.email".to_owned(),
            description: "is taken".to_owned(),
        };
        let rows = [of(2, &other), of(3, &alice), of(4, &other)];
        let refused = earlier.judge(rows.into_iter(), vec![told(3), told(4)]);
        assert_eq!(refused.iter().map(|row| row.origin.number).collect::<Vec<_>>(), [2, 4]);
    }
}
