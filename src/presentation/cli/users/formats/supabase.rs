//! Supabase: rows of the table `auth.users` as JSON, perhaps with a list `factors` of rows of `auth.mfa_factors`.

use super::super::rows::Unreadable;
use super::factors::{app_of_base32, named};
use super::fields::Fields;
use super::person::{attributes, deleted, display_name, id, record};
use super::{Hints, LEAVE_FACTORS};
use crate::proto::{FactorRecord, User, UserRecord};

/// Reads a row.
pub(super) fn read(mut row: Fields<'_>, hints: &Hints) -> Result<UserRecord, Unreadable> {
    // Tokens of links in mail, and what follows from others.
    row.pass(&[
        "instance_id",
        "aud",
        "role",
        "phone_confirmed_at",
        "identities",
        "confirmation_token",
        "recovery_token",
    ]);
    row.pass(&["confirmation_sent_at", "recovery_sent_at", "reauthentication_token", "reauthentication_sent_at"]);
    row.pass(&["email_change_token_new", "email_change_token_current", "email_change_sent_at", "invited_at"]);
    row.pass(&["phone_change_token", "phone_change_sent_at", "email_change_confirm_status"]);
    let former_id = row.text("id")?;
    let mut members = match row.object("raw_user_meta_data")? {
        Some(mut metadata) => metadata.rest(),
        None => row.object("user_metadata")?.map(|mut metadata| metadata.rest()).unwrap_or_default(),
    };
    let named = |name: &str| members.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let name = display_name(&[&named("full_name"), &named("name"), &named("display_name")], "", "");
    let phone = row.text("phone")?;
    if !phone.is_empty() {
        members.insert("phone_number".to_owned(), phone.into());
    }
    let (confirmed, email_confirmed) = (row.time("confirmed_at")?, row.time("email_confirmed_at")?);
    let ban = row.time("banned_until")?;
    let user = User {
        id: id("supabase", &former_id),
        email: row.text("email")?,
        email_verified: email_confirmed.or(confirmed).is_some(),
        display_name: name,
        attributes: attributes(members)?,
        create_time: row.time("created_at")?,
        update_time: row.time("updated_at")?,
        last_login_time: row.time("last_sign_in_at")?,
        ..User::default()
    };
    let mut record = record(user, ban.is_some_and(|ban| ban.seconds > hints.now));
    record.password_hash = row.text("encrypted_password")?;
    for factor in row.objects("factors")? {
        if let Some(factor) = take(factor, hints)? {
            record.factors.push(factor);
        }
    }
    Ok(deleted(record, row.time("deleted_at")?))
}

/// Reads a factor, unless it never was one that a sign-in asked for.
fn take(mut factor: Fields<'_>, hints: &Hints) -> Result<Option<FactorRecord>, Unreadable> {
    let (kind, state) = (factor.text("factor_type")?, factor.text("status")?);
    if hints.without_factors || state == "unverified" {
        factor.leave_all(&kind);
        return Ok(None);
    }
    factor.pass(&[
        "id",
        "user_id",
        "updated_at",
        "last_challenged_at",
        "phone",
        "web_authn_aaguid",
        "web_authn_credential",
    ]);
    let secret = factor.text("secret")?;
    if kind != "totp" || secret.is_empty() {
        let what = format!("is {kind:?} of which Ipse cannot take what is here; {LEAVE_FACTORS}");
        return Err(factor.wrong("factor_type", what));
    }
    let method = app_of_base32(&secret).ok_or_else(|| factor.wrong("secret", "must be base32"))?;
    let (create_time, name) = (factor.time("created_at")?, factor.text("friendly_name")?);
    Ok(Some(FactorRecord { create_time, ..named(method, name) }))
}
