//! Second factors as they come from another system or another installation, and go there: with what signs in by them.

use std::fmt;

use zeroize::Zeroizing;

use super::factor::{Factor, FactorMethod, FactorName, HARD_LIMIT, MAX_PER_USER, TOTP_STEP};
use super::passkey::Passkey;
use super::password::PasswordHash;
use super::recovery_code::CODES;
use crate::domain::Timestamp;
use crate::domain::id::{FactorId, UserId};

/// How many factors a record of a person may have: those that count, and a set of recovery codes.
pub const RECORDS: usize = MAX_PER_USER + 1;

/// The shared secret of an authenticator app. Never printed, and wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed(Zeroizing<Vec<u8>>);

impl Seed {
    /// Takes the bytes in.
    #[must_use]
    pub const fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The bytes themselves, for sealing and for apps.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed")
    }
}

/// What a recorded factor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordedMethod {
    /// Codes of an authenticator app.
    Totp(Seed),
    /// A `WebAuthn` credential.
    Passkey(Passkey),
    /// Hashes of recovery codes, all with one salt.
    RecoveryCodes(Vec<PasswordHash>),
}

/// A factor, as a record tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactorRecord {
    /// Its name, which the person gave it.
    pub display_name: FactorName,
    /// What it is.
    pub method: RecordedMethod,
    /// Whether too many attempts failed: it signs nobody in.
    pub is_disabled: bool,
    /// When it was enrolled, if the record states it.
    pub create_time: Option<Timestamp>,
    /// When somebody last signed in by it.
    pub last_used_time: Option<Timestamp>,
}

/// Why the factors of a record do not go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnfitTogether {
    /// More than anybody may have.
    #[error("must be at most {MAX_PER_USER} TOTP secrets and passkeys")]
    TooMany,
    /// Several sets of recovery codes.
    #[error("must have at most one set of recovery codes")]
    SeveralSets,
    /// Recovery codes, and nothing that they could stand in for.
    #[error("must have a TOTP secret or a passkey beside recovery codes")]
    CodesAlone,
    /// The same passkey or the same secret twice.
    #[error("must not have the same passkey or TOTP secret twice")]
    Twice,
}

impl FactorRecord {
    /// Whether it is a factor of its own: recovery codes only stand in for others.
    #[must_use]
    pub const fn is_primary(&self) -> bool {
        !matches!(self.method, RecordedMethod::RecoveryCodes(_))
    }

    /// The passkey, if it is one.
    #[must_use]
    pub const fn passkey(&self) -> Option<&Passkey> {
        match &self.method {
            RecordedMethod::Passkey(passkey) => Some(passkey),
            RecordedMethod::Totp(_) | RecordedMethod::RecoveryCodes(_) => None,
        }
    }

    /// The factor that taking the record in makes, all but what it is.
    #[must_use]
    pub fn to_factor(&self, (id, user_id): (FactorId, UserId), method: FactorMethod, now: Timestamp) -> Factor {
        Factor {
            failures: if self.is_disabled { HARD_LIMIT } else { 0 },
            last_used_time: self.last_used_time,
            ..Factor::new((id, user_id), self.display_name.clone(), method, self.create_time.unwrap_or(now))
        }
    }

    /// The last step whose code may have been taken before the record was written, at the enrolment too: no code is good
    /// twice, wherever it was used first. A clock may be a step ahead.
    #[must_use]
    pub fn last_step(&self) -> Option<i64> {
        self.last_used_time
            .max(self.create_time)
            .map(|time| time.unix_timestamp().div_euclid(TOTP_STEP.whole_seconds()) + 1)
    }

    /// Whether a stored factor is what taking the record in has made of it before. What uses change does not count.
    fn is_stored_as(&self, stored: &Self) -> bool {
        let is_same = match (&self.method, &stored.method) {
            (RecordedMethod::Passkey(recorded), RecordedMethod::Passkey(stored)) => {
                let used = Passkey { sign_count: stored.sign_count, backed_up: stored.backed_up, ..recorded.clone() };
                used == *stored && recorded.sign_count <= stored.sign_count
            }
            (RecordedMethod::RecoveryCodes(recorded), RecordedMethod::RecoveryCodes(stored)) => {
                stored.iter().all(|hash| recorded.contains(hash))
            }
            (recorded, stored) => recorded == stored,
        };
        is_same
            && self.display_name == stored.display_name
            && self.create_time.is_none_or(|time| stored.create_time == Some(time))
            && self.last_used_time <= stored.last_used_time
    }
}

/// Whether the stored factors of a person are what taking these records in has made of them before.
#[must_use]
pub fn are_stored_as(records: &[FactorRecord], stored: &[FactorRecord]) -> bool {
    let has_stored = |record: &FactorRecord| stored.iter().any(|stored| record.is_stored_as(stored));
    records.len() == stored.len() && records.iter().all(has_stored)
}

/// Checks that one person may have all these factors.
pub fn check_together(records: &[FactorRecord]) -> Result<(), UnfitTogether> {
    let primary: Vec<&FactorRecord> = records.iter().filter(|record| record.is_primary()).collect();
    let is_same = |one: &FactorRecord, other: &FactorRecord| match (one.passkey(), other.passkey()) {
        (Some(one), Some(other)) => one.credential_id == other.credential_id,
        _ => one.method == other.method,
    };
    let has_before = |place: usize| primary[..place].iter().any(|before| is_same(before, primary[place]));
    if primary.len() > MAX_PER_USER {
        return Err(UnfitTogether::TooMany);
    }
    if records.len() > primary.len() + 1 {
        return Err(UnfitTogether::SeveralSets);
    }
    if primary.is_empty() && !records.is_empty() {
        return Err(UnfitTogether::CodesAlone);
    }
    if (0..primary.len()).any(has_before) { Err(UnfitTogether::Twice) } else { Ok(()) }
}

/// Whether a set may have so many hashes: some codes may have been used.
#[must_use]
pub const fn is_possible_set(hashes: usize) -> bool {
    hashes <= CODES
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use uuid::Uuid;

    use super::*;

    const THEN: Timestamp = Timestamp::UNIX_EPOCH;

    fn record(method: RecordedMethod) -> FactorRecord {
        let display_name = FactorName::default();
        FactorRecord { display_name, method, is_disabled: false, create_time: None, last_used_time: None }
    }

    fn app(seed: u8) -> FactorRecord {
        record(RecordedMethod::Totp(Seed::new(Zeroizing::new(vec![seed; 20]))))
    }

    fn passkey(id: u8, change: impl FnOnce(&mut Passkey)) -> FactorRecord {
        let mut passkey = Passkey {
            credential_id: vec![id],
            public_key: vec![],
            user_handle: vec![2],
            rp_id: "example.org".to_owned(),
            sign_count: 5,
            aaguid: Uuid::nil(),
            transports: vec![],
            backup_eligible: true,
            backed_up: false,
            user_verified: true,
        };
        change(&mut passkey);
        record(RecordedMethod::Passkey(passkey))
    }

    fn codes(hashes: &[&str]) -> FactorRecord {
        let hash = |text: &&str| PasswordHash::new((*text).to_owned());
        record(RecordedMethod::RecoveryCodes(hashes.iter().map(hash).collect()))
    }

    fn is_stored(record: &FactorRecord, stored: &FactorRecord) -> bool {
        are_stored_as(std::slice::from_ref(record), std::slice::from_ref(stored))
    }

    #[test]
    fn uses_make_no_difference_and_changes_do() {
        let used = |record: FactorRecord| FactorRecord { last_used_time: Some(THEN), is_disabled: true, ..record };
        assert!(is_stored(&app(1), &used(app(1))) && !is_stored(&used(app(1)), &app(1)));
        assert!(!is_stored(&app(1), &app(2)) && !is_stored(&app(1), &passkey(1, |_| {})));
        let at = |time| FactorRecord { create_time: Some(time), ..app(1) };
        assert!(is_stored(&app(1), &at(THEN)) && !is_stored(&at(THEN), &at(THEN + Duration::SECOND)));
        let named = FactorRecord { display_name: FactorName::parse("phone").unwrap(), ..app(1) };
        assert!(!is_stored(&app(1), &named));
        let later = passkey(1, |passkey| (passkey.sign_count, passkey.backed_up) = (9, true));
        assert!(is_stored(&passkey(1, |_| {}), &later) && !is_stored(&later, &passkey(1, |_| {})));
        assert!(!is_stored(&passkey(1, |_| {}), &passkey(1, |passkey| passkey.public_key = vec![1])));
        assert!(is_stored(&codes(&["a", "b"]), &codes(&["b"])) && !is_stored(&codes(&["a"]), &codes(&["b"])));
    }

    #[test]
    fn all_factors_are_compared_in_any_order() {
        let both = [app(1), passkey(1, |_| {})];
        assert!(are_stored_as(&both, &[passkey(1, |_| {}), app(1)]));
        assert!(!are_stored_as(&both, &[app(1)]) && !are_stored_as(&[app(1)], &both));
    }

    #[test]
    fn some_factors_do_not_go_together() {
        assert_eq!(check_together(&[]), Ok(()));
        assert_eq!(check_together(&[app(1), app(2), passkey(1, |_| {}), codes(&[])]), Ok(()));
        let many: Vec<_> = (0..21).map(app).collect();
        assert_eq!(check_together(&many[..20]), Ok(()));
        assert_eq!(check_together(&many), Err(UnfitTogether::TooMany));
        assert_eq!(check_together(&[app(1), app(1)]), Err(UnfitTogether::Twice));
        let other = passkey(1, |passkey| passkey.sign_count = 7);
        assert_eq!(check_together(&[passkey(1, |_| {}), other]), Err(UnfitTogether::Twice));
        assert_eq!(check_together(&[codes(&["a"])]), Err(UnfitTogether::CodesAlone));
        assert_eq!(check_together(&[app(1), codes(&[]), codes(&[])]), Err(UnfitTogether::SeveralSets));
        assert_eq!((is_possible_set(0), is_possible_set(10), is_possible_set(11)), (true, true, false));
    }

    #[test]
    fn a_code_that_may_have_been_used_is_not_taken_again() {
        let at = |create: i64, used: Option<i64>| FactorRecord {
            create_time: Some(THEN + Duration::seconds(create)),
            last_used_time: used.map(|used| THEN + Duration::seconds(used)),
            ..app(1)
        };
        assert_eq!(app(1).last_step(), None);
        assert_eq!((at(59, None).last_step(), at(0, Some(60)).last_step()), (Some(2), Some(3)));
    }

    #[test]
    fn what_a_record_states_of_a_factor_is_taken_in() {
        let method = || FactorMethod::Totp { sealed_secret: vec![], last_step: None };
        let factor = |record: &FactorRecord| {
            let factor = record.to_factor((FactorId::NOBODY, UserId::NOBODY), method(), THEN + Duration::DAY);
            (factor.display_name, factor.create_time, factor.last_used_time)
        };
        assert_eq!(factor(&app(1)), (FactorName::default(), THEN + Duration::DAY, None));
        let (create_time, last_used_time) = (Some(THEN), Some(THEN + Duration::SECOND));
        let stated =
            FactorRecord { display_name: FactorName::parse("phone").unwrap(), create_time, last_used_time, ..app(1) };
        assert_eq!(factor(&stated), (stated.display_name.clone(), THEN, last_used_time));
    }

    #[test]
    fn a_disabled_factor_stays_disabled() {
        let factor = |is_disabled| {
            let method = FactorMethod::Totp { sealed_secret: vec![], last_step: None };
            FactorRecord { is_disabled, ..app(1) }.to_factor((FactorId::NOBODY, UserId::NOBODY), method, THEN)
        };
        assert!(factor(false).is_usable() && !factor(true).is_usable());
        assert_eq!(format!("{:?}", app(1).method), "Totp(Seed)");
    }
}
