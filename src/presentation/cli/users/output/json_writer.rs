//! Rows written in the JSON mapping of protobuf, with their members in the order of the contract.

use serde::Serialize;
use serde_json::{Map, Value};

use super::json_factor::{JsonFactor, is_false};
use crate::presentation::cli::users::words::{write_state, write_time};
use crate::presentation::json;
use crate::proto::UserRecord;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonRecord {
    user: JsonUser,
    #[serde(skip_serializing_if = "String::is_empty")]
    password_hash: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    suspend_time: String,
    #[serde(skip_serializing_if = "is_false")]
    provisional: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    factors: Vec<JsonFactor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonUser {
    #[serde(skip_serializing_if = "String::is_empty")]
    id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    email: String,
    #[serde(skip_serializing_if = "is_false")]
    email_verified: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    username: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    display_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    state: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    state_reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "String::is_empty")]
    locale: String,
    #[serde(skip_serializing_if = "is_false")]
    password_change_required: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    create_time: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    update_time: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    last_login_time: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    delete_time: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    purge_time: String,
}

/// Writes a row as a line, without its end.
pub(in crate::presentation::cli::users) fn write(record: UserRecord) -> serde_json::Result<Vec<u8>> {
    let UserRecord { user, password_hash, suspend_time, provisional, factors } = record;
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
        password_change_required: user.password_change_required,
    };
    let suspend_time = write_time(suspend_time.as_ref());
    let factors = factors.into_iter().map(JsonFactor::from).collect();
    serde_json::to_vec(&JsonRecord { user, password_hash, suspend_time, provisional, factors })
}
