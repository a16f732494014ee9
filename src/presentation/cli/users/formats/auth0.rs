//! Auth0: the export of password hashes that its support makes, the export of users, and the schema of its own imports.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::Value;

use super::super::rows::Unreadable;
use super::factors::{app_of_base32, bytes, named};
use super::fields::Fields;
use super::person::{attributes, display_name, id, keep_names, record, username};
use super::{Hints, LEAVE_FACTORS, LEAVE_PASSWORDS};
use crate::proto::{User, UserRecord};

/// Reads a user of any of the three.
pub(super) fn read(mut row: Fields<'_>, hints: &Hints) -> Result<UserRecord, Unreadable> {
    row.pass(&["_tmp_is_unique", "tenant", "connection", "password_set_date", "last_ip", "logins_count"]);
    row.pass(&["last_password_reset", "multifactor_last_modified", "__tenant"]);
    let former_id = former_id(&mut row)?;
    let (email, email_verified) = address(&mut row)?;
    let (given, family) = (row.text("given_name")?, row.text("family_name")?);
    let mut members = row.object("user_metadata")?.map(|mut metadata| metadata.rest()).unwrap_or_default();
    let picture = row.text("picture")?;
    if !picture.is_empty() {
        members.entry("picture").or_insert(picture.into());
    }
    // Whoever has no name is called by the address there.
    let name = Some(row.text("name")?).filter(|name| !name.eq_ignore_ascii_case(&email)).unwrap_or_default();
    let shown = display_name(&[&name], &given, &family);
    keep_names(&mut members, given, family);
    let user = User {
        id: id("auth0", &former_id),
        email_verified,
        username: username(row.text("username")?, &email),
        email,
        display_name: shown,
        attributes: attributes(members)?,
        create_time: row.time("created_at")?,
        update_time: row.time("updated_at")?,
        last_login_time: row.time("last_login")?,
        ..User::default()
    };
    let mut record = record(user, row.flag("blocked")? == Some(true));
    if !hints.without_passwords {
        record.password_hash = password(&mut row)?;
    }
    if !hints.without_factors {
        factors(&mut row, &mut record)?;
    }
    Ok(record)
}

/// What stands before the bar is the connection's strategy, which exports of hashes leave out.
fn former_id(row: &mut Fields<'_>) -> Result<String, Unreadable> {
    let (user, alternative) = (row.text("user_id")?, row.text("alt_id")?);
    let object = match row.object("_id")? {
        Some(mut id) => id.text("$oid")?,
        None => String::new(),
    };
    let known = [user, alternative, object].into_iter().find(|id| !id.is_empty()).unwrap_or_default();
    Ok(if known.is_empty() || known.contains('|') { known } else { format!("auth0|{known}") })
}

/// The address, and whether it is proven. Exports of hashes may have both among the identifiers alone.
fn address(row: &mut Fields<'_>) -> Result<(String, bool), Unreadable> {
    let (mut address, mut verified) = (row.text("email")?, row.flag("email_verified")?);
    for mut identifier in row.objects("identifiers")? {
        let (kind, value) = (identifier.text("type")?, identifier.text("value")?);
        let is_verified = identifier.flag("verified")?;
        if kind != "email" {
            row.tell("identifiers");
        } else if address.is_empty() || address == value {
            verified = verified.or(is_verified);
            address = value;
        }
    }
    Ok((address, verified.unwrap_or_default()))
}

fn password(row: &mut Fields<'_>) -> Result<String, Unreadable> {
    for name in ["passwordHash", "password_hash"] {
        let hash = row.text(name)?;
        if !hash.is_empty() {
            return Ok(hash);
        }
    }
    let Some(mut custom) = row.object("custom_password_hash")? else {
        return Ok(String::new());
    };
    let algorithm = custom.text("algorithm")?;
    let Some(mut hash) = custom.object("hash")? else {
        return Err(custom.wrong("hash", "must be there"));
    };
    let (value, encoding) = (hash.text("value")?, hash.text("encoding")?);
    match algorithm.as_str() {
        "argon2" | "bcrypt" | "pbkdf2" => Ok(value),
        "scrypt" => scrypt(&mut custom, &value, &encoding),
        other => {
            Err(custom
                .wrong("algorithm", format!("is {other:?}, a hash that is too weak to be kept; {LEAVE_PASSWORDS}")))
        }
    }
}

/// The parameters that Auth0 has beside the hash, within it.
fn scrypt(custom: &mut Fields<'_>, value: &str, encoding: &str) -> Result<String, Unreadable> {
    custom.pass(&["keylen"]);
    if let Some(mut password) = custom.object("password")?
        && !matches!(password.text("encoding")?.as_str(), "" | "utf8")
    {
        return Err(custom.wrong("password", "must have the encoding utf8"));
    }
    let (salt, salt_encoding) = match custom.object("salt")? {
        Some(mut salt) => {
            salt.pass(&["position"]);
            (salt.text("value")?, salt.text("encoding")?)
        }
        None => Default::default(),
    };
    let in_base64 = |name: &str, text: &str, encoding: &str| {
        let bytes = match encoding {
            "hex" => hex(text),
            "base64" => bytes(text),
            _ => Some(text.as_bytes().to_vec()),
        };
        bytes.map(|bytes| STANDARD_NO_PAD.encode(bytes)).ok_or_else(|| custom.wrong(name, "is not in its encoding"))
    };
    let (salt, hash) = (in_base64("salt", &salt, &salt_encoding)?, in_base64("hash", value, encoding)?);
    let mut parameter = |name, default| Ok::<_, Unreadable>(custom.number(name)?.unwrap_or(default));
    // The defaults of the function that Auth0 calls, which is Node's.
    let (cost, block, lanes) =
        (parameter("cost", 16384)?, parameter("blockSize", 8)?, parameter("parallelization", 1)?);
    Ok(format!("$scrypt$ln={cost},r={block},p={lanes}${salt}${hash}"))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2));
    digits.map(|pair| pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())).collect()
}

fn factors(row: &mut Fields<'_>, record: &mut UserRecord) -> Result<(), Unreadable> {
    if !matches!(row.value("multifactor"), None | Some(Value::Bool(false))) {
        let what = format!("says that there is a second factor, which is not here; {LEAVE_FACTORS}");
        return Err(row.wrong("multifactor", what));
    }
    for mut factor in row.objects("mfa_factors")? {
        let Some(mut app) = factor.object("totp")? else {
            factor.rest();
            return Err(
                row.wrong("mfa_factors", format!("hold one that is no app, which Ipse cannot take; {LEAVE_FACTORS}"))
            );
        };
        let secret = app.text("secret")?;
        let method = app_of_base32(&secret).ok_or_else(|| app.wrong("secret", "must be base32"))?;
        record.factors.push(named(method, String::new()));
    }
    Ok(())
}
