//! What the systems have in common: ids, names and states, and what becomes of them here.

use prost_types::Timestamp;
use serde_json::{Map, Value};
use sha1::{Digest as _, Sha1};
use uuid::{Builder, Uuid};

use super::super::rows::Unreadable;
use crate::presentation::json;
use crate::proto::{User, UserRecord, UserState};

/// How deeply attributes may be nested on their way: the server allows less.
const MAX_DEPTH: usize = 16;
/// The largest whole number that a double keeps apart from its neighbours (RFC 7493, 2.2).
const MAX_WHOLE: u64 = 1 << 53;

/// The id of somebody who had another one elsewhere. A UUID stays as it is. Of anything else, a UUID is made that everybody
/// can make who knows it: of version 5 (RFC 9562, 5.5) in the namespace for URLs, of the name of the system, a colon and the
/// id there.
pub(super) fn id(system: &str, id: &str) -> String {
    if id.is_empty() {
        return String::new();
    }
    if let Ok(uuid) = Uuid::try_parse(id)
        && id.len() == uuid::fmt::Hyphenated::LENGTH
        && !uuid.is_nil()
    {
        return uuid.hyphenated().to_string();
    }
    let mut digest = Sha1::new();
    digest.update(Uuid::NAMESPACE_URL.as_bytes());
    digest.update(system.as_bytes());
    digest.update(b":");
    digest.update(id.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.finalize()[..16]);
    Builder::from_sha1_bytes(bytes).into_uuid().hyphenated().to_string()
}

/// The username, unless it is the address written once more: here, people sign in by that anyway.
pub(super) fn username(name: String, email: &str) -> String {
    if name.eq_ignore_ascii_case(email) { String::new() } else { name }
}

/// The first of these names that is one, or given and family name together.
pub(super) fn display_name(whole: &[&str], given: &str, family: &str) -> String {
    let parts = [given.trim(), family.trim()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let whole = whole.iter().map(|name| name.trim()).find(|name| !name.is_empty());
    whole.map_or(parts, str::to_owned)
}

/// Given and family name among the attributes, under their names in OpenID Connect: of the name to show nobody can tell them
/// apart any more.
pub(super) fn keep_names(attributes: &mut Map<String, Value>, given: String, family: String) {
    for (name, value) in [("given_name", given), ("family_name", family)] {
        if !value.is_empty() {
            attributes.entry(name).or_insert(Value::String(value));
        }
    }
}

/// The attributes of an account. What would be changed on the way is refused: whole numbers that are none in a double, and
/// what is nested more deeply than a message may be.
pub(super) fn attributes(members: Map<String, Value>) -> Result<Option<prost_types::Struct>, Unreadable> {
    let wrong =
        |description: &str| Unreadable { field: "user.attributes".to_owned(), description: description.to_owned() };
    if members.is_empty() {
        return Ok(None);
    }
    for value in members.values() {
        check(value, MAX_DEPTH).map_err(wrong)?;
    }
    Ok(Some(json::of_members(members)))
}

fn check(value: &Value, depth: usize) -> Result<(), &'static str> {
    let depth = depth.checked_sub(1).ok_or("are nested too deeply")?;
    match value {
        Value::Array(values) => values.iter().try_for_each(|value| check(value, depth)),
        Value::Object(members) => members.values().try_for_each(|value| check(value, depth)),
        Value::Number(number) if !number.is_f64() => {
            let magnitude = number.as_i64().map_or(u64::MAX, i64::unsigned_abs);
            if magnitude > MAX_WHOLE {
                Err("hold a whole number beyond 2^53, which JSON numbers do not keep")
            } else {
                Ok(())
            }
        }
        _ => Ok(()),
    }
}

/// The row of an account, which is suspended or in the state that follows from the address.
pub(super) fn record(user: User, is_suspended: bool) -> UserRecord {
    let state = if is_suspended { UserState::Suspended } else { UserState::Unspecified };
    UserRecord { user: Some(User { state: state.into(), ..user }), ..UserRecord::default() }
}

/// The row of an account that was deleted at this time, if at any.
pub(super) fn deleted(record: UserRecord, time: Option<Timestamp>) -> UserRecord {
    let Some(time) = time else { return record };
    let user = record.user.unwrap_or_default();
    let user = User { state: UserState::Deleted.into(), delete_time: Some(time), ..user };
    UserRecord { user: Some(user), ..record }
}
