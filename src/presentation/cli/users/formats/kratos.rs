//! Ory Kratos: identities of its administrative interface with `include_credential`, or of `kratos list identities`.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::rows::Unreadable;
use super::factors::{bytes, named, passkey};
use super::fields::Fields;
use super::person::{attributes, display_name, id, keep_names, record, username};
use super::{Hints, LEAVE_FACTORS, NO_DOMAIN};
use crate::proto::factor_record::Method;
use crate::proto::{FactorRecord, PasskeyRecord, User, UserRecord};

/// Reads an identity.
pub(super) fn read(mut row: Fields<'_>, hints: &Hints) -> Result<UserRecord, Unreadable> {
    row.pass(&["schema_id", "schema_url", "state_changed_at", "available_aal", "region"]);
    let former_id = row.text("id")?;
    let mut traits = row.object("traits")?.map(|mut traits| traits.rest()).unwrap_or_default();
    let (email, email_verified) = address(&mut row, &mut traits)?;
    let mut take = |name: &str| match traits.get(name) {
        Some(Value::String(_)) => traits.remove(name).and_then(|value| value.as_str().map(str::to_owned)),
        _ => None,
    };
    let mut first_of = |names: [&str; 2]| names.into_iter().find_map(&mut take).unwrap_or_default();
    let (name, locale) = (first_of(["name", "display_name"]), first_of(["locale", "language"]));
    let name_of_account = first_of(["username", "user_name"]);
    let (mut given, mut family) = (first_of(["given_name", "first_name"]), first_of(["family_name", "last_name"]));
    if let Some(Value::Object(parts)) = traits.get("name") {
        let part = |names: [&str; 2]| names.into_iter().find_map(|name| parts.get(name)?.as_str()).unwrap_or_default();
        (given, family) = (part(["first", "given"]).to_owned(), part(["last", "family"]).to_owned());
        if !given.is_empty() || !family.is_empty() {
            traits.remove("name");
        }
    }
    let shown = display_name(&[&name], &given, &family);
    keep_names(&mut traits, given, family);
    let user = User {
        id: id("kratos", &former_id),
        email_verified,
        username: username(name_of_account, &email),
        email,
        display_name: shown,
        locale,
        attributes: attributes(traits)?,
        create_time: row.time("created_at")?,
        update_time: row.time("updated_at")?,
        ..User::default()
    };
    let mut record = record(user, row.text("state")? == "inactive");
    if let Some(credentials) = row.object("credentials")? {
        take_all(credentials, &former_id, hints, &mut record)?;
    }
    Ok(record)
}

/// The address among the traits, or else the first that Kratos verifies; and whether it is proven.
fn address(row: &mut Fields<'_>, traits: &mut Map<String, Value>) -> Result<(String, bool), Unreadable> {
    let mut address = traits.get("email").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut is_verified = false;
    for mut verifiable in row.objects("verifiable_addresses")? {
        verifiable.pass(&["id", "status", "verified_at", "created_at", "updated_at"]);
        let (kind, value) = (verifiable.text("via")?, verifiable.text("value")?);
        let verified = verifiable.flag("verified")? == Some(true);
        if kind == "email" && (address.is_empty() || address.eq_ignore_ascii_case(&value)) {
            (address, is_verified) = (value, verified);
        } else {
            row.tell("verifiable_addresses");
        }
    }
    for mut recovery in row.objects("recovery_addresses")? {
        if !recovery.text("value")?.eq_ignore_ascii_case(&address) {
            row.tell("recovery_addresses");
        }
        recovery.rest();
    }
    if traits.get("email").and_then(Value::as_str).is_some_and(|email| email == address) {
        traits.remove("email");
    }
    Ok((address, is_verified))
}

fn take_all(
    mut credentials: Fields<'_>,
    former_id: &str,
    hints: &Hints,
    record: &mut UserRecord,
) -> Result<(), Unreadable> {
    if let Some(mut config) = config(&mut credentials, "password")? {
        config.pass(&["use_password_migration_hook"]);
        record.password_hash = config.text("hashed_password")?;
    }
    for kind in ["totp", "webauthn", "passkey"] {
        if hints.without_factors && credentials.value(kind).is_some() {
            credentials.tell(kind);
        }
    }
    if let Some(mut config) = config(&mut credentials, "totp")? {
        let uri = config.text("totp_url")?;
        if uri.is_empty() {
            let what = format!("is there without its secret: ask for ?include_credential=totp; {LEAVE_FACTORS}");
            return Err(credentials.wrong("totp", what));
        }
        record.factors.push(named(Method::OtpauthUri(uri), String::new()));
    }
    for kind in ["webauthn", "passkey"] {
        let Some(mut config) = config(&mut credentials, kind)? else { continue };
        let handle = config.text("user_handle")?;
        let handle = bytes(&handle).filter(|handle| !handle.is_empty()).or_else(|| {
            // The handle of those that were made before Kratos noted it.
            Uuid::try_parse(former_id).ok().map(|id| id.as_bytes().to_vec())
        });
        let keys = config.objects("credentials")?;
        if keys.is_empty() {
            let what = format!("is there without its keys: ask for ?include_credential={kind}; {LEAVE_FACTORS}");
            return Err(credentials.wrong(kind, what));
        }
        for key in keys {
            record.factors.push(key_of(key, handle.clone().unwrap_or_default(), hints)?);
        }
    }
    Ok(())
}

/// What a credential is made of. It is empty unless it was asked for.
fn config<'r>(credentials: &mut Fields<'r>, kind: &str) -> Result<Option<Fields<'r>>, Unreadable> {
    let Some(mut credential) = credentials.object(kind)? else {
        return Ok(None);
    };
    credential.pass(&["type", "identifiers", "version", "created_at", "updated_at"]);
    let config = credential.object("config")?;
    Ok(Some(config.unwrap_or_else(|| credential.empty("config"))))
}

fn key_of(mut key: Fields<'_>, user_handle: Vec<u8>, hints: &Hints) -> Result<FactorRecord, Unreadable> {
    key.pass(&["attestation_type", "attestation", "is_passwordless"]);
    let in_base64 = |fields: &mut Fields<'_>, name: &str| {
        let text = fields.text(name)?;
        bytes(&text).ok_or_else(|| fields.wrong(name, "must be base64"))
    };
    let (credential_id, public_key) = (in_base64(&mut key, "id")?, in_base64(&mut key, "public_key")?);
    let mut passkey_record = PasskeyRecord { credential_id, public_key, user_handle, ..PasskeyRecord::default() };
    if let Some(mut authenticator) = key.object("authenticator")? {
        authenticator.pass(&["clone_warning", "attachment"]);
        passkey_record.sign_count = authenticator.number("sign_count")?.unwrap_or_default();
        let model = in_base64(&mut authenticator, "aaguid")?;
        passkey_record.aaguid =
            Uuid::from_slice(&model).map(|model| model.hyphenated().to_string()).unwrap_or_default();
    }
    if let Some(mut flags) = key.object("flags")? {
        flags.pass(&["user_present"]);
        passkey_record.user_verifying = flags.flag("user_verified")?.unwrap_or_default();
        passkey_record.backup_eligible = flags.flag("backup_eligible")?.unwrap_or_default();
        passkey_record.backed_up = flags.flag("backup_state")?.unwrap_or_default();
    }
    let transports = key.list("transport")?;
    passkey_record.transports = transports.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let (create_time, label) = (key.time("added_at")?, key.text("display_name")?);
    let method = passkey(passkey_record, hints).ok_or_else(|| key.wrong("id", NO_DOMAIN))?;
    Ok(FactorRecord { create_time, ..named(method, label) })
}
