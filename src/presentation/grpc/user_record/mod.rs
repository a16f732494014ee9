//! Rows of imports and exports: contract to command, and domain to contract.

mod factor;

use super::decode::time;
use super::encode;
use crate::application::error::Violation;
use crate::application::transfer::{ExportedUser, ImportRow};
use crate::domain::account::user::UserState;
use crate::domain::secret::Secret;
use crate::presentation::json;
use crate::proto;

/// Decodes a row, or tells what cannot even be decoded.
pub(super) fn decode(record: proto::UserRecord) -> Result<ImportRow, Violation> {
    let user = record.user.ok_or_else(|| Violation::form("user", "is required"))?;
    Ok(ImportRow {
        state: state(user.state)?,
        attributes: user.attributes.map(json::write).transpose().map_err(|why| violation("attributes", &why))?,
        create_time: time("create_time", user.create_time)?,
        update_time: time("update_time", user.update_time)?,
        last_login_time: time("last_login_time", user.last_login_time)?,
        delete_time: time("delete_time", user.delete_time)?,
        purge_time: time("purge_time", user.purge_time)?,
        id: user.id,
        email: user.email,
        email_verified: user.email_verified,
        username: user.username,
        display_name: user.display_name,
        locale: user.locale,
        state_reason: user.state_reason,
        password_change_required: user.password_change_required,
        password_hash: Secret::new(record.password_hash),
        suspend_time: time("suspend_time", record.suspend_time)?,
        provisional: record.provisional,
        factors: record.factors.into_iter().map(factor::decode).collect::<Result<_, _>>()?,
    })
}

/// Encodes a row. Its etag is left out: an account that is imported elsewhere begins its revisions anew.
pub(super) fn encode(exported: ExportedUser) -> proto::UserRecord {
    let ExportedUser { user, password_hash: hash, factors } = exported;
    proto::UserRecord {
        user: Some(proto::User { etag: String::new(), ..encode::user(&user) }),
        suspend_time: user.suspend_time.map(encode::time),
        provisional: user.is_provisional(),
        // Nobody can tell whose password it is; without it, whoever proves the address chooses one.
        password_hash: hash.filter(|_| !user.is_disputed()).map(|hash| hash.as_str().to_owned()).unwrap_or_default(),
        factors: factors.iter().map(factor::encode).collect(),
    }
}

fn state(number: i32) -> Result<Option<UserState>, Violation> {
    match proto::UserState::try_from(number) {
        Ok(proto::UserState::Unspecified) => Ok(None),
        Ok(proto::UserState::Pending) => Ok(Some(UserState::Pending)),
        Ok(proto::UserState::Active) => Ok(Some(UserState::Active)),
        Ok(proto::UserState::Suspended) => Ok(Some(UserState::Suspended)),
        Ok(proto::UserState::Deleted) => Ok(Some(UserState::Deleted)),
        Err(_) => Err(Violation::form("state", "must be one of the states")),
    }
}

fn violation(field: &'static str, why: &impl ToString) -> Violation {
    Violation::form(field, why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_decoded_is_told_by_its_field() {
        let field = |record| decode(record).unwrap_err().field;
        let of = |user| proto::UserRecord { user: Some(user), ..proto::UserRecord::default() };
        assert_eq!(field(proto::UserRecord::default()), "user");
        assert_eq!(field(of(proto::User { state: 5, ..proto::User::default() })), "state");
        assert_eq!(field(of(proto::User { state: -1, ..proto::User::default() })), "state");
    }
}
