//! Amazon Cognito: CSV with the columns of `aws cognito-idp get-csv-header`. Cognito gives no hashes out.

use serde_json::Value;
use uuid::Uuid;

use super::super::rows::Unreadable;
use super::fields::Fields;
use super::person::{attributes, display_name, id, keep_names, record, username};
use super::{Hints, LEAVE_FACTORS};
use crate::proto::{User, UserRecord};

pub(super) const USERNAME: &str = "cognito:username";
const FACTORS: &str = "cognito:mfa_enabled";

/// Reads a record of the table as the object that its header makes of it.
pub(super) fn read(mut row: Fields<'_>, hints: &Hints) -> Result<UserRecord, Unreadable> {
    let (name, sub, email) = (row.text(USERNAME)?, row.text("sub")?, row.text("email")?);
    let former_id = if sub.is_empty() { name.clone() } else { sub };
    if is_true(&mut row, FACTORS)? == Some(true) && !hints.without_factors {
        let what = format!("is true, and Cognito does not give second factors out; {LEAVE_FACTORS}");
        return Err(row.wrong(FACTORS, what));
    }
    let preferred = row.text("preferred_username")?;
    // Pools in which people sign in by their address have an id or the address for the username.
    let is_name = Uuid::try_parse(&name).is_err() && !name.contains('@');
    let name = if preferred.is_empty() && is_name { name } else { preferred };
    let (given, family) = (row.text("given_name")?, row.text("family_name")?);
    let is_enabled = is_true(&mut row, "enabled")?;
    let user = User {
        id: id("cognito", &former_id),
        email_verified: is_true(&mut row, "email_verified")?.unwrap_or_default(),
        username: username(name, &email),
        email,
        display_name: display_name(&[&row.text("name")?], &given, &family),
        locale: row.text("locale")?,
        ..User::default()
    };
    let mut members = row.rest();
    members.retain(|_, value| value.as_str().is_some_and(|text| !text.is_empty()));
    keep_names(&mut members, given, family);
    let user = User { attributes: attributes(members)?, ..user };
    Ok(record(user, is_enabled == Some(false)))
}

/// As Cognito, spreadsheets and scripts write it.
fn is_true(row: &mut Fields<'_>, name: &str) -> Result<Option<bool>, Unreadable> {
    match row.value(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(_) => Err(row.wrong(name, "must be true or false")),
    }
}
