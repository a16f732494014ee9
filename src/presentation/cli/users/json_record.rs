//! Rows in the JSON mapping of protobuf, with their members in the order of the contract.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::words::{read_state, read_time, write_state, write_time};
use crate::presentation::json;
use crate::proto::{User, UserRecord};

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct JsonRecord {
    user: JsonUser,
    #[serde(alias = "password_hash", skip_serializing_if = "String::is_empty")]
    password_hash: String,
    #[serde(alias = "suspend_time", skip_serializing_if = "String::is_empty")]
    suspend_time: String,
    #[serde(skip_serializing_if = "is_false")]
    provisional: bool,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct JsonUser {
    #[serde(skip_serializing_if = "String::is_empty")]
    id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    email: String,
    #[serde(alias = "email_verified", skip_serializing_if = "is_false")]
    email_verified: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    username: String,
    #[serde(alias = "display_name", skip_serializing_if = "String::is_empty")]
    display_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    state: String,
    #[serde(alias = "state_reason", skip_serializing_if = "String::is_empty")]
    state_reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "String::is_empty")]
    locale: String,
    #[serde(alias = "mfa_enabled", skip_serializing)]
    mfa_enabled: bool,
    #[serde(alias = "password_change_required", skip_serializing_if = "is_false")]
    password_change_required: bool,
    #[serde(alias = "create_time", skip_serializing_if = "String::is_empty")]
    create_time: String,
    #[serde(alias = "update_time", skip_serializing_if = "String::is_empty")]
    update_time: String,
    #[serde(alias = "last_login_time", skip_serializing_if = "String::is_empty")]
    last_login_time: String,
    #[serde(alias = "delete_time", skip_serializing_if = "String::is_empty")]
    delete_time: String,
    #[serde(alias = "purge_time", skip_serializing_if = "String::is_empty")]
    purge_time: String,
    #[serde(skip_serializing)]
    etag: String,
}

/// Reads a row, or says what is wrong with it.
pub(super) fn read(line: &[u8]) -> Result<UserRecord, String> {
    let JsonRecord { user, password_hash, suspend_time, provisional } =
        serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let user = User {
        state: read_state(&user.state)?,
        create_time: read_time("createTime", &user.create_time)?,
        update_time: read_time("updateTime", &user.update_time)?,
        last_login_time: read_time("lastLoginTime", &user.last_login_time)?,
        delete_time: read_time("deleteTime", &user.delete_time)?,
        purge_time: read_time("purgeTime", &user.purge_time)?,
        attributes: user.attributes.map(json::of_members),
        id: user.id,
        email: user.email,
        email_verified: user.email_verified,
        username: user.username,
        display_name: user.display_name,
        state_reason: user.state_reason,
        locale: user.locale,
        mfa_enabled: user.mfa_enabled,
        password_change_required: user.password_change_required,
        etag: user.etag,
    };
    let suspend_time = read_time("suspendTime", &suspend_time)?;
    Ok(UserRecord { user: Some(user), password_hash, suspend_time, provisional })
}

/// Writes a row as a line, without its end.
pub(super) fn write(record: UserRecord) -> serde_json::Result<Vec<u8>> {
    let UserRecord { user, password_hash, suspend_time, provisional } = record;
    let user = user.unwrap_or_default();
    let user = JsonUser {
        state: write_state(user.state()).to_owned(),
        create_time: write_time(user.create_time.as_ref()),
        update_time: write_time(user.update_time.as_ref()),
        last_login_time: write_time(user.last_login_time.as_ref()),
        delete_time: write_time(user.delete_time.as_ref()),
        purge_time: write_time(user.purge_time.as_ref()),
        attributes: user.attributes.and_then(|attributes| json::members(attributes).ok()),
        id: user.id,
        email: user.email,
        email_verified: user.email_verified,
        username: user.username,
        display_name: user.display_name,
        state_reason: user.state_reason,
        locale: user.locale,
        mfa_enabled: false,
        password_change_required: user.password_change_required,
        etag: String::new(),
    };
    let suspend_time = write_time(suspend_time.as_ref());
    serde_json::to_vec(&JsonRecord { user, password_hash, suspend_time, provisional })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = concat!(
        r#"{"user":{"id":"01890a5d-ac96-774b-bcce-b302099a8057","email":"a@b.de","emailVerified":true,"username":"abc","#,
        r#""displayName":"A \"B\" 😀","state":"USER_STATE_SUSPENDED","stateReason":"why","attributes":{"a":[1.0,null]},"#,
        r#""locale":"de","passwordChangeRequired":true,"createTime":"2026-03-01T12:00:00Z","#,
        r#""updateTime":"2026-03-01T12:00:00.123456Z","lastLoginTime":"1969-12-31T23:59:59.500Z","#,
        r#""deleteTime":"2026-03-01T12:00:00Z","purgeTime":"2026-04-01T12:00:00Z"},"passwordHash":"$2b$10$x","suspendTime":"2026-03-01T12:00:00Z","provisional":true}"#
    );

    #[test]
    fn a_row_is_written_as_it_is_read() {
        let record = read(LINE.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(write(record).unwrap()).unwrap(), LINE);
        let least = r#"{"user":{"email":"a@b.de"}}"#;
        assert_eq!(String::from_utf8(write(read(least.as_bytes()).unwrap()).unwrap()).unwrap(), least);
    }

    #[test]
    fn both_names_of_a_field_are_read_and_others_are_not() {
        let names = r#"{"user":{"email_verified":true,"mfaEnabled":true,"etag":"\"7\""},"password_hash":"x"}"#;
        let record = read(names.as_bytes()).unwrap();
        assert!(record.user.unwrap().email_verified && record.password_hash == "x");
        for line in
            ["", "[1]", "{\"user\":1}", "{\"users\":{}}", "{\"user\":{\"roles\":[]}}", "{\"user\":{}}}", "\u{e9}"]
        {
            assert!(read(line.as_bytes()).is_err(), "{line}");
        }
    }
}
