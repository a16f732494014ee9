//! People as other systems give them out, each system in a file of its own.

mod auth0;
mod cognito;
mod factors;
mod fields;
mod firebase;
mod hints;
mod keycloak;
mod kratos;
mod left_out;
mod person;
mod recognition;
mod supabase;
#[cfg(test)]
mod tests;
mod times;

use clap::ValueEnum;
use csv::StringRecord;
use serde_json::{Map, Value};

use self::fields::Fields;
use self::firebase::HashConfig;
pub use self::hints::HintArgs;
pub(super) use self::hints::Hints;
pub(super) use self::left_out::LeftOut;
pub(super) use self::recognition::judge;
use super::rows::Unreadable;
use crate::proto::UserRecord;

/// What somebody does whose second factors cannot come along.
const LEAVE_FACTORS: &str = "--without-factors brings people in without their second factors";
/// What somebody does whose password hash cannot come along.
const LEAVE_PASSWORDS: &str = "--without-passwords brings people in without their passwords";
/// What is missing where there are passkeys.
const NO_DOMAIN: &str = "is a passkey: name the domain that it was made for with --passkey-domain DOMAIN";

/// A system that people come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum System {
    /// An export of a realm with its users, or of users alone
    Keycloak,
    /// What `firebase auth:export` writes as JSON
    Firebase,
    /// The export of password hashes, or of users
    #[value(name = "auth0")]
    Auth0,
    /// CSV with the columns of `aws cognito-idp get-csv-header`, without passwords
    Cognito,
    /// Rows of the table `auth.users` as JSON
    Supabase,
    /// Identities of Ory Kratos with their credentials
    Kratos,
}

impl System {
    /// The name of the member that has the list of people in a document that is an object: always, or only if it is the
    /// first member, as otherwise each object is a person.
    pub(super) const fn list(self) -> (&'static str, bool) {
        match self {
            Self::Keycloak | Self::Firebase => ("users", true),
            Self::Auth0 | Self::Cognito | Self::Supabase => ("users", false),
            Self::Kratos => ("identities", false),
        }
    }
}

/// The names of the columns of a table.
#[derive(Clone)]
pub(super) struct Columns(StringRecord);

impl Columns {
    /// Reads the header of a table of Cognito.
    pub(super) fn read(header: &StringRecord) -> Result<Self, String> {
        let header: StringRecord = header.iter().map(str::trim).collect();
        for (place, name) in header.iter().enumerate() {
            if header.iter().take(place).any(|earlier| earlier == name) {
                return Err(format!("names {name:?} twice"));
            }
        }
        let missing =
            [cognito::USERNAME, "email"].into_iter().find(|name| !header.iter().any(|column| column == *name));
        missing.map_or(Ok(Self(header)), |name| Err(format!("does not name {name}")))
    }

    /// A record as an object, without the values that are empty.
    pub(super) fn element(&self, record: &StringRecord) -> Result<Element, String> {
        if record.len() != self.0.len() {
            return Err("the row has another number of values than the header".to_owned());
        }
        let values = self.0.iter().zip(record).filter(|(_, value)| !value.is_empty());
        Ok(Element(values.map(|(name, value)| (name.to_owned(), Value::String(value.to_owned()))).collect()))
    }
}

/// What a system tells of a person.
pub(super) struct Element(Map<String, Value>);

impl Element {
    /// Reads an element of JSON.
    pub(super) fn of_json(text: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(text).map(Self).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => "the row is not a JSON object".to_owned(),
            _ => format!("the row cannot be read: {error}"),
        })
    }

    /// Whom it is about, as far as it tells: an address, a name or an id.
    pub(super) fn key(&self) -> String {
        let inner = |outer: &str, name: &str| self.0.get(outer)?.get(name)?.as_str();
        let named = |name: &str| self.0.get(name)?.as_str();
        let names = [
            named("email"),
            inner("traits", "email"),
            named("username"),
            inner("traits", "username"),
            named(cognito::USERNAME),
            named("id"),
            named("localId"),
            named("user_id"),
            inner("_id", "$oid"),
        ];
        names.into_iter().flatten().find(|name| !name.is_empty()).unwrap_or_default().to_owned()
    }

    /// Makes a row of it, or says what is wrong with it.
    pub(super) fn read(self, system: System, hints: &Hints, left_out: &mut LeftOut) -> Result<UserRecord, Unreadable> {
        let names = fields::Names::default();
        let row = Fields::of_row(self.0, &names);
        let record = match system {
            System::Keycloak => keycloak::read(row, hints),
            System::Firebase => firebase::read(row, hints),
            System::Auth0 => auth0::read(row, hints),
            System::Cognito => cognito::read(row, hints),
            System::Supabase => supabase::read(row, hints),
            System::Kratos => kratos::read(row, hints),
        };
        if record.is_ok() {
            left_out.add(names.into_inner());
        }
        record
    }
}
