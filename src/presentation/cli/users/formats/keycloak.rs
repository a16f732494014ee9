//! Keycloak: `kc.sh export` of a realm with its users, or of the users alone.

use serde_json::Value;

use super::super::rows::Unreadable;
use super::factors::{app, app_of_base32, bytes, named, passkey};
use super::fields::Fields;
use super::person::{attributes, display_name, id, keep_names, record, username};
use super::{Hints, LEAVE_FACTORS, LEAVE_PASSWORDS, NO_DOMAIN};
use crate::proto::factor_record::Method;
use crate::proto::{FactorRecord, PasskeyRecord, User, UserRecord};

/// Reads a `UserRepresentation`.
pub(super) fn read(mut row: Fields<'_>, hints: &Hints) -> Result<UserRecord, Unreadable> {
    if row.value("realm").is_some() {
        return Err("the element is a realm: export one realm at a time (--realm NAME)".into());
    }
    if !row.text("serviceAccountClientId")?.is_empty() {
        return Err(
            row.wrong("serviceAccountClientId", "is there: this is the account of a client and not of a person")
        );
    }
    row.pass(&["self", "origin", "totp", "disableableCredentialTypes", "notBefore", "access", "userProfileMetadata"]);
    let (former_id, email) = (row.text("id")?, row.text("email")?);
    let (given, family) = (row.text("firstName")?, row.text("lastName")?);
    let mut members = row.object("attributes")?.map(|mut attributes| attributes.rest()).unwrap_or_default();
    let locale = members.remove("locale").map(first_text).unwrap_or_default();
    let name = display_name(&[], &given, &family);
    keep_names(&mut members, given, family);
    let actions = row.list("requiredActions")?;
    let (update, others): (Vec<_>, Vec<_>) = actions.into_iter().partition(|action| action == "UPDATE_PASSWORD");
    if others.iter().any(|action| action != "VERIFY_EMAIL") {
        row.tell("requiredActions");
    }
    let user = User {
        id: id("keycloak", &former_id),
        email_verified: row.flag("emailVerified")?.unwrap_or_default(),
        username: username(row.text("username")?, &email),
        email,
        display_name: name,
        locale,
        attributes: attributes(members)?,
        password_change_required: !update.is_empty(),
        create_time: row.millis("createdTimestamp")?,
        ..User::default()
    };
    let mut record = record(user, row.flag("enabled")? == Some(false));
    for credential in row.objects("credentials")? {
        take(credential, &former_id, hints, &mut record)?;
    }
    Ok(record)
}

/// Attributes are lists of texts.
fn first_text(value: Value) -> String {
    let value = match value {
        Value::Array(values) => values.into_iter().next().unwrap_or_default(),
        value => value,
    };
    value.as_str().unwrap_or_default().to_owned()
}

fn take(mut credential: Fields<'_>, former_id: &str, hints: &Hints, record: &mut UserRecord) -> Result<(), Unreadable> {
    let kind = credential.text("type")?;
    let read: fn(&mut Fields<'_>, &str, &Hints) -> Result<Method, Unreadable> = match kind.as_str() {
        "password" if hints.without_passwords => {
            credential.leave_all("password");
            return Ok(());
        }
        "password" if !record.password_hash.is_empty() => {
            return Err(credential.wrong("type", "is password for a second time"));
        }
        "password" => {
            record.password_hash = password(&mut credential)?;
            return Ok(());
        }
        "password-history" | "recovery-authn-codes" => {
            credential.leave_all(&kind);
            return Ok(());
        }
        _ if hints.without_factors => {
            credential.leave_all(&kind);
            return Ok(());
        }
        "otp" => otp,
        "webauthn" | "webauthn-passwordless" => webauthn,
        other => {
            return Err(credential.wrong("type", format!("is {other:?}, which Ipse cannot take; {LEAVE_FACTORS}")));
        }
    };
    credential.pass(&["id", "priority"]);
    let method = read(&mut credential, former_id, hints)?;
    let label = credential.text("userLabel")?;
    let create_time = credential.millis("createdDate")?;
    record.factors.push(FactorRecord { create_time, ..named(method, label) });
    Ok(())
}

/// The hash in a spelling of passlib, or of argon2.
fn password(credential: &mut Fields<'_>) -> Result<String, Unreadable> {
    if !credential.text("value")?.is_empty() {
        return Err(credential.wrong("value", "is there: Ipse takes no passwords, only their hashes"));
    }
    credential.pass(&["id", "priority", "createdDate", "userLabel", "temporary"]);
    let (secret, data) = (credential.object_in_text("secretData")?, credential.object_in_text("credentialData")?);
    let (Some(mut secret), Some(mut data)) = (secret, data) else {
        // Before Keycloak 8, all was in one object.
        credential.pass(&["digits", "counter", "period", "config", "device"]);
        let (salt, value) = (credential.text("salt")?, credential.text("hashedSaltedValue")?);
        return hash(credential, &salt, &value);
    };
    secret.pass(&["additionalParameters"]);
    let (salt, value) = (secret.text("salt")?, secret.text("value")?);
    hash(&mut data, &salt, &value)
}

fn hash(data: &mut Fields<'_>, salt: &str, value: &str) -> Result<String, Unreadable> {
    let iterations = data.number("hashIterations")?.unwrap_or_default();
    let algorithm = data.text("algorithm")?;
    let parameters = data.object("additionalParameters")?.map(|mut parameters| parameters.rest());
    let parameter = |name: &str| {
        let value = parameters.as_ref().and_then(|parameters| parameters.get(name)).cloned();
        first_text(value.unwrap_or_default())
    };
    match algorithm.as_str() {
        _ if value.is_empty() => Err(data.wrong("algorithm", format!("is {algorithm:?}, but there is no hash"))),
        // What providers of others store may say itself what it is.
        _ if value.starts_with('$') => Ok(value.to_owned()),
        "pbkdf2" | "pbkdf2-sha256" | "pbkdf2-sha512" => Ok(format!("${algorithm}${iterations}${salt}${value}")),
        "argon2" => {
            let (kind, memory, lanes) = (parameter("type"), parameter("memory"), parameter("parallelism"));
            let version = if parameter("version") == "1.0" { 16 } else { 19 };
            let [salt, value] = [salt, value].map(|text| text.trim_end_matches('='));
            Ok(format!("$argon2{kind}$v={version}$m={memory},t={iterations},p={lanes}${salt}${value}"))
        }
        other => {
            Err(data.wrong("algorithm", format!("is {other:?}, a hash that Ipse does not take; {LEAVE_PASSWORDS}")))
        }
    }
}

fn otp(credential: &mut Fields<'_>, _: &str, _: &Hints) -> Result<Method, Unreadable> {
    let (secret, data) = (credential.object_in_text("secretData")?, credential.object_in_text("credentialData")?);
    let (Some(mut secret), Some(mut data)) = (secret, data) else {
        return Err(credential.wrong("secretData", "must be there with credentialData"));
    };
    data.pass(&["counter"]);
    for (name, must_be) in [("subType", "totp"), ("algorithm", "HmacSHA1"), ("digits", "6"), ("period", "30")] {
        let is = data.text(name)?;
        require(&data, name, &is, must_be)?;
    }
    let value = secret.text("value")?;
    match data.text("secretEncoding")?.to_ascii_uppercase().as_str() {
        "" => Ok(app(value.as_bytes())),
        "BASE32" => app_of_base32(&value).ok_or_else(|| secret.wrong("value", "must be base32")),
        other => Err(data.wrong("secretEncoding", format!("is {other:?}, which Ipse does not know"))),
    }
}

fn require(data: &Fields<'_>, name: &str, is: &str, must_be: &str) -> Result<(), Unreadable> {
    if is == must_be {
        return Ok(());
    }
    Err(data.wrong(name, format!("is {is}, and Ipse checks codes of {must_be} alone; {LEAVE_FACTORS}")))
}

fn webauthn(credential: &mut Fields<'_>, former_id: &str, hints: &Hints) -> Result<Method, Unreadable> {
    credential.pass(&["secretData"]);
    let Some(mut data) = credential.object_in_text("credentialData")? else {
        return Err(credential.wrong("credentialData", "must be there"));
    };
    data.pass(&["attestationStatement", "attestationStatementFormat"]);
    let mut in_base64 = |name: &str| {
        let text = data.text(name)?;
        bytes(&text).ok_or_else(|| data.wrong(name, "must be base64"))
    };
    let (credential_id, public_key) = (in_base64("credentialId")?, in_base64("credentialPublicKey")?);
    let transports = data.list("transports")?;
    let record = PasskeyRecord {
        credential_id,
        public_key,
        // What Keycloak calls the person by towards authenticators.
        user_handle: former_id.as_bytes().to_vec(),
        sign_count: data.number("counter")?.unwrap_or_default(),
        aaguid: data.text("aaguid")?,
        transports: transports.iter().filter_map(Value::as_str).map(str::to_ascii_lowercase).collect(),
        ..PasskeyRecord::default()
    };
    passkey(record, hints).ok_or_else(|| credential.wrong("type", NO_DOMAIN))
}
