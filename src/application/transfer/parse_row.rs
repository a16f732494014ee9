use std::collections::HashSet;

use time::Duration;

use super::parse_factors::ImportFactor;
use super::{RowRefusal, UserTransfer, WhyRefused};
use crate::application::error::{Error, Result, Violation, Violations};
use crate::domain::Timestamp;
use crate::domain::account::attributes::Attributes;
use crate::domain::account::email::EmailAddress;
use crate::domain::account::profile::{DisplayName, Locale};
use crate::domain::account::user::{StateReason, UnprovenSignUp, User, UserState};
use crate::domain::account::user_record::{Stated, UserRecord};
use crate::domain::account::username::Username;
use crate::domain::credential::factor_record::FactorRecord;
use crate::domain::id::UserId;
use crate::domain::secret::Secret;

/// How far ahead a time may be: a clock elsewhere, or a local time that was taken for that of UTC.
const AHEAD: Duration = Duration::days(1);
/// The most rows of a batch.
pub const MAX_ROWS: usize = 500;

/// A row as it came; what is empty or `None` is left open.
#[derive(Debug, Clone, Default)]
pub struct ImportRow {
    /// The id.
    pub id: String,
    /// The address.
    pub email: String,
    /// Whether the person has proven to receive mail there.
    pub email_verified: bool,
    /// The username.
    pub username: String,
    /// The name to show.
    pub display_name: String,
    /// The language for mail.
    pub locale: String,
    /// The attributes as a JSON object.
    pub attributes: Option<String>,
    /// The state.
    pub state: Option<UserState>,
    /// When an operator suspended the account.
    pub suspend_time: Option<Timestamp>,
    /// Whether nobody stands for the account but who signed up with the unproven address.
    pub provisional: bool,
    /// Why an operator gave the account its state.
    pub state_reason: String,
    /// Whether the password must be replaced before the next sign-in.
    pub password_change_required: bool,
    /// When the account was made.
    pub create_time: Option<Timestamp>,
    /// When it was last changed.
    pub update_time: Option<Timestamp>,
    /// When the person last signed in.
    pub last_login_time: Option<Timestamp>,
    /// When it was deleted.
    pub delete_time: Option<Timestamp>,
    /// When it will be erased.
    pub purge_time: Option<Timestamp>,
    /// The password hash, in the form of the system that made it.
    pub password_hash: Secret,
    /// The second factors.
    pub factors: Vec<ImportFactor>,
}

/// A batch of rows that are well formed, and why the others are not.
#[derive(Debug)]
pub struct Batch {
    pub(super) first_row: usize,
    pub(super) rows: Vec<(usize, UserRecord)>,
    pub(super) refusals: Vec<RowRefusal>,
}

impl UserTransfer {
    /// Reads the rows of a batch, whose first one has this place in its import; those that could not even be decoded come as
    /// what is wrong with them. Computes nothing expensive and asks nobody.
    pub fn parse(&self, first_row: usize, rows: Vec<std::result::Result<ImportRow, Violation>>) -> Result<Batch> {
        if rows.is_empty() || rows.len() > MAX_ROWS {
            return Err(Error::Invalid(vec![Violation::form("rows", "must be 1 to 500")]));
        }
        let now = self.clock.now();
        let mut batch = Batch { first_row, rows: Vec::with_capacity(rows.len()), refusals: Vec::new() };
        let mut ids = HashSet::with_capacity(rows.len());
        for (index, row) in rows.into_iter().enumerate() {
            let record = match row.map(|row| self.parse_row(row, now)) {
                Ok(parsed) => parsed?,
                Err(violation) => Err(violation),
            };
            match record {
                // The store tells rows apart by their ids.
                Ok(record) if ids.insert(record.user.id) => batch.rows.push((index, record)),
                Ok(_) => batch.refuse(index, Violation::form("id", "must not be that of a row before it")),
                Err(violation) => batch.refuse(index, violation),
            }
        }
        Ok(batch)
    }

    /// The outer error is a fault; the inner one is the row's.
    fn parse_row(&self, mut row: ImportRow, now: Timestamp) -> Result<std::result::Result<UserRecord, Violation>> {
        let new_id = UserId::new(now, &self.entropy.bytes()?);
        let mut violations = Violations::default();
        let hash =
            violations.take_optional("password_hash", row.password_hash.expose(), |text| self.hasher.accept(text));
        check_times(&row, now, &mut violations);
        let stated = stated(&row, &mut violations);
        let factors = self.parse_factors(std::mem::take(&mut row.factors));
        let factors = factors.and_then(|factors| fit_for(&row, factors).map_err(str::to_owned));
        let factors = violations.take("factors", factors).unwrap_or_default();
        let user = user(row, &mut violations).map(|user| User {
            id: stated.id.unwrap_or(new_id),
            create_time: stated.create_time.unwrap_or(now),
            update_time: stated.update_time.unwrap_or(now),
            suspend_time: match user.state {
                UserState::Suspended => Some(stated.suspend_time.unwrap_or(now)),
                _ => stated.suspend_time,
            },
            delete_time: (user.state == UserState::Deleted).then(|| stated.delete_time.unwrap_or(now)),
            purge_time: (user.state == UserState::Deleted)
                .then(|| stated.purge_time.unwrap_or(now + self.policy.deleted_retention)),
            mfa_enabled: factors.iter().any(FactorRecord::is_primary),
            ..user
        });
        Ok(violations.first(user.map(|user| UserRecord { user, stated, password_hash: hash, factors })))
    }
}

impl Batch {
    /// How many rows it has, well formed or not.
    #[must_use]
    pub fn size(&self) -> usize {
        self.rows.len() + self.refusals.len()
    }

    fn refuse(&mut self, row: usize, violation: Violation) {
        self.refusals.push(RowRefusal { row, why: WhyRefused::Invalid(violation) });
    }
}

fn stated(row: &ImportRow, violations: &mut Violations) -> Stated {
    Stated {
        id: violations.take_optional("id", &row.id, parse_id),
        create_time: row.create_time,
        update_time: row.update_time,
        state: row.state.is_some(),
        attributes: row.attributes.is_some(),
        suspend_time: row.suspend_time,
        delete_time: row.delete_time,
        purge_time: row.purge_time,
    }
}

/// Nothing has happened to an account that is still to come, or before there was anything to keep accounts in.
fn check_times(row: &ImportRow, now: Timestamp, violations: &mut Violations) {
    for (field, time) in [
        ("create_time", row.create_time),
        ("update_time", row.update_time),
        ("last_login_time", row.last_login_time),
        ("suspend_time", row.suspend_time),
        ("delete_time", row.delete_time),
    ] {
        let verdict = match time {
            Some(time) if time < Timestamp::UNIX_EPOCH => Err("must not be before 1970"),
            Some(time) if time > now + AHEAD => Err("must not be in the future"),
            _ => Ok(()),
        };
        violations.take(field, verdict);
    }
}

/// The nil UUID stands for nobody.
fn parse_id(text: &str) -> std::result::Result<UserId, &'static str> {
    UserId::parse(text)
        .ok()
        .filter(|id| *id != UserId::NOBODY)
        .ok_or("must be a UUID in its canonical form of 36 characters, and not the nil one")
}

/// The account of a row, with the times of the epoch for what is left open.
fn user(row: ImportRow, violations: &mut Violations) -> Option<User> {
    let state = violations.take("state", state(&row));
    let provisional = violations.take("provisional", provisional(&row));
    let email = violations.take("email", EmailAddress::parse(&row.email));
    let username = violations.take_optional("username", &row.username, Username::parse);
    // Whoever proves the address finds a password that one person chose, or has to choose one.
    let disputed = row.password_hash.expose().is_empty();
    let unproven = (provisional == Some(true)).then(|| UnprovenSignUp { username: username.clone(), disputed });
    let display_name = violations.take("display_name", DisplayName::parse(&row.display_name));
    let locale = violations.take_optional("locale", &row.locale, Locale::parse);
    let attributes = row.attributes.map_or(Ok(Attributes::default()), Attributes::new);
    let attributes = violations.take("attributes", attributes);
    let state_reason = violations.take("state_reason", StateReason::parse(&row.state_reason));
    provisional?;
    Some(User {
        id: UserId::NOBODY,
        email: email?,
        email_verified: row.email_verified,
        username: username.clone().filter(|_| unproven.is_none()),
        display_name: display_name?,
        locale,
        attributes: attributes?,
        state: state?,
        suspend_time: None,
        unproven,
        state_reason: state_reason?,
        password_change_required: row.password_change_required,
        mfa_enabled: false,
        create_time: Timestamp::UNIX_EPOCH,
        update_time: Timestamp::UNIX_EPOCH,
        last_login_time: row.last_login_time,
        delete_time: None,
        purge_time: None,
        revision: 1,
    })
}

/// The state of an account, if it follows from the facts as it does for accounts that were made here.
fn state(row: &ImportRow) -> std::result::Result<UserState, &'static str> {
    let unstated = if row.email_verified { UserState::Active } else { UserState::Pending };
    let state = row.state.unwrap_or(unstated);
    if matches!(state, UserState::Pending | UserState::Active) && state != unstated {
        return Err("must be ACTIVE with a proven address and PENDING with an unproven one");
    }
    if state != UserState::Deleted && (row.delete_time.is_some() || row.purge_time.is_some()) {
        return Err("must be DELETED with delete_time or purge_time");
    }
    if state == unstated && row.suspend_time.is_some() {
        return Err("must be SUSPENDED or DELETED with suspend_time");
    }
    Ok(state)
}

fn provisional(row: &ImportRow) -> std::result::Result<bool, &'static str> {
    if row.provisional && row.email_verified {
        return Err("must not be true with a proven address");
    }
    Ok(row.provisional)
}

/// Nobody can tell whose factors those of a sign-up are that nobody has proven: they must let nobody in who signed up with
/// the address of somebody else.
fn fit_for(row: &ImportRow, factors: Vec<FactorRecord>) -> std::result::Result<Vec<FactorRecord>, &'static str> {
    if row.provisional && !factors.is_empty() {
        return Err("must not be there with provisional");
    }
    Ok(factors)
}
