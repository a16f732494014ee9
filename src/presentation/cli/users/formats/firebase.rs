//! Firebase Authentication: `firebase auth:export FILE --format=json`, and the parameters of the project's hashes.

use std::collections::HashMap;
use std::path::Path;

use super::super::TransferFailed;
use super::super::rows::Unreadable;
use super::fields::Fields;
use super::person::{attributes, id, record};
use super::{Hints, LEAVE_FACTORS};
use crate::domain::secret::Secret;
use crate::proto::{User, UserRecord};

/// The names of the parameters, as the console shows them under "Password hash parameters".
const SIGNER_KEY: &str = "base64_signer_key";
const SALT_SEPARATOR: &str = "base64_salt_separator";
const ROUNDS: &str = "rounds";
const MEMORY: &str = "mem_cost";

/// What the hashes of a project have in common.
#[derive(Clone)]
pub(super) struct HashConfig {
    /// The parameters as a hash has them, with the key that signs nothing but is as secret as one.
    prefix: Secret,
}

impl HashConfig {
    /// Reads the parameters out of a file: as the console shows them, or as JSON with the same names.
    pub(super) fn read(file: &Path) -> Result<Self, TransferFailed> {
        let text = std::fs::read_to_string(file).map_err(TransferFailed::file(file))?;
        let text = Secret::new(text);
        Self::parse(text.expose()).map_err(|what| TransferFailed::HashConfig(file.to_owned(), what))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let is_around = |letter: char| letter.is_whitespace() || letter == '"';
        let values: HashMap<&str, &str> = text
            .split([',', ';', '\n', '{', '}'])
            .filter_map(|member| member.split_once([':', '=']))
            .map(|(name, value)| (name.trim_matches(is_around), value.trim_matches(is_around)))
            .collect();
        let value = |name: &str| {
            let value = values.get(name).copied().filter(|value| !value.is_empty());
            value.ok_or_else(|| format!("does not name {name}"))
        };
        if values.get("algorithm").is_some_and(|algorithm| !algorithm.eq_ignore_ascii_case("SCRYPT")) {
            return Err("names an algorithm that is not SCRYPT".to_owned());
        }
        let (memory, rounds) = (value(MEMORY)?, value(ROUNDS)?);
        let (separator, key) = (value(SALT_SEPARATOR)?, value(SIGNER_KEY)?);
        Ok(Self { prefix: Secret::new(format!("$fbscrypt$v=1,n={memory},r={rounds},p=1,ss={separator},sk={key}")) })
    }
}

/// Reads a user of the export.
pub(super) fn read(mut row: Fields<'_>, hints: &Hints) -> Result<UserRecord, Unreadable> {
    let former_id = row.text("localId")?;
    let mut members = serde_json::Map::new();
    for (name, claim) in [("phoneNumber", "phone_number"), ("photoUrl", "picture")] {
        let value = row.text(name)?;
        if !value.is_empty() {
            members.insert(claim.to_owned(), value.into());
        }
    }
    if !hints.without_factors && !row.list("mfaInfo")?.is_empty() {
        return Err(row.wrong("mfaInfo", format!("names a second factor, which Ipse cannot take; {LEAVE_FACTORS}")));
    }
    let user = User {
        id: id("firebase", &former_id),
        email: row.text("email")?,
        email_verified: row.flag("emailVerified")?.unwrap_or_default(),
        display_name: row.text("displayName")?,
        attributes: attributes(members)?,
        create_time: row.millis("createdAt")?,
        last_login_time: row.millis("lastSignedInAt")?,
        ..User::default()
    };
    let mut record = record(user, row.flag("disabled")? == Some(true));
    if let Some(config) = &hints.hash_config {
        let (hash, salt) = (row.text("passwordHash")?, row.text("salt")?);
        if !hash.is_empty() {
            // The console writes one alphabet of base64, and the interface the other.
            let [hash, salt] = [hash, salt].map(|text| text.replace('-', "+").replace('_', "/"));
            record.password_hash = format!("{}${salt}${hash}", config.prefix.expose());
        }
    }
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIX: &str = "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYy==";

    #[test]
    fn parameters_are_read_as_they_are_shown_and_as_json() {
        for text in [
            "hash_config {\n  algorithm: SCRYPT,\n  base64_signer_key: jxspr8Ki0RYy==,\n  base64_salt_separator: Bw==,\n  \
             rounds: 8,\n  mem_cost: 14,\n}\n",
            r#"{"algorithm":"SCRYPT","base64_signer_key":"jxspr8Ki0RYy==","base64_salt_separator":"Bw==","rounds":8,"mem_cost":14}"#,
            "mem_cost: 14\r\nrounds: 8\r\nbase64_salt_separator: \"Bw==\"\r\nbase64_signer_key: \"jxspr8Ki0RYy==\"",
        ] {
            assert_eq!(HashConfig::parse(text).unwrap().prefix.expose(), PREFIX, "{text}");
        }
        for (text, what) in [
            ("", "does not name mem_cost"),
            ("mem_cost: 14, rounds: 8, base64_salt_separator: Bw==", "does not name base64_signer_key"),
            ("algorithm: BCRYPT", "names an algorithm that is not SCRYPT"),
        ] {
            assert_eq!(HashConfig::parse(text).err().as_deref(), Some(what));
        }
    }
}
