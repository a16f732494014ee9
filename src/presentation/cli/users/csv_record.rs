//! Rows as values in columns. Attributes are a JSON object in one of them; second factors have no place in any.

use csv::StringRecord;
use serde_json::Value;

use super::words::{read_state, read_time, write_state, write_time};
use crate::presentation::json;
use crate::proto::{User, UserRecord};

/// The columns of an export. Those of an import may stand in any order, and only the address has to be there.
pub(super) const COLUMNS: [&str; 18] = [
    "id",
    "email",
    "email_verified",
    "username",
    "display_name",
    "state",
    "state_reason",
    "attributes",
    "locale",
    "password_change_required",
    "create_time",
    "update_time",
    "last_login_time",
    "delete_time",
    "purge_time",
    "password_hash",
    "suspend_time",
    "provisional",
];

/// The place of the address among the columns.
const EMAIL: usize = 1;

/// Which column of a file has which field.
#[derive(Clone)]
pub(super) struct Header([Option<usize>; COLUMNS.len()]);

impl Header {
    /// How many values each row has.
    pub(super) fn width(&self) -> usize {
        self.0.iter().flatten().count()
    }

    /// Reads the first row of a file, or says what is wrong with it.
    pub(super) fn read(row: &StringRecord) -> Result<Self, String> {
        let mut places = [None; COLUMNS.len()];
        for (place, name) in row.iter().enumerate() {
            // A byte order mark, as spreadsheets write it.
            let name = name.trim_start_matches('\u{feff}').trim();
            let column = COLUMNS.iter().position(|column| *column == name);
            let column = column.ok_or_else(|| format!("names {name:?}, which is not one of {}", COLUMNS.join(", ")))?;
            if places[column].replace(place).is_some() {
                return Err(format!("names {name} twice"));
            }
        }
        if places[EMAIL].is_none() { Err("does not name email".to_owned()) } else { Ok(Self(places)) }
    }

    /// Whom a row is about.
    pub(super) fn key(&self, row: &StringRecord) -> String {
        let names = ["email", "username", "id"].map(|name| self.cell(row, name));
        names.into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned()
    }

    fn cell<'r>(&self, row: &'r StringRecord, name: &str) -> &'r str {
        let column = COLUMNS.iter().position(|column| *column == name);
        column.and_then(|column| self.0[column]).and_then(|place| row.get(place)).unwrap_or_default()
    }

    /// Reads a row, or says what is wrong with it.
    pub(super) fn record(&self, row: &StringRecord) -> Result<UserRecord, String> {
        let cell = |name| self.cell(row, name);
        let text = |name| cell(name).to_owned();
        let flag = |name| read_flag(name, cell(name));
        let time = |name| read_time(name, cell(name));
        let user = User {
            id: text("id"),
            email: text("email"),
            email_verified: flag("email_verified")?,
            username: text("username"),
            display_name: text("display_name"),
            state: read_state(cell("state"))?,
            state_reason: text("state_reason"),
            attributes: read_attributes(cell("attributes"))?,
            locale: text("locale"),
            password_change_required: flag("password_change_required")?,
            create_time: time("create_time")?,
            update_time: time("update_time")?,
            last_login_time: time("last_login_time")?,
            delete_time: time("delete_time")?,
            purge_time: time("purge_time")?,
            ..User::default()
        };
        Ok(UserRecord {
            user: Some(user),
            password_hash: text("password_hash"),
            suspend_time: time("suspend_time")?,
            provisional: flag("provisional")?,
            factors: Vec::new(),
        })
    }
}

/// Writes a row in the order of the columns.
pub(super) fn write(record: UserRecord) -> [String; COLUMNS.len()] {
    let user = record.user.unwrap_or_default();
    let state = write_state(user.state()).to_owned();
    let attributes = user.attributes.and_then(|attributes| json::write(attributes).ok()).unwrap_or_default();
    [
        user.id,
        user.email,
        write_flag(user.email_verified),
        user.username,
        user.display_name,
        state,
        user.state_reason,
        attributes,
        user.locale,
        write_flag(user.password_change_required),
        write_time(user.create_time.as_ref()),
        write_time(user.update_time.as_ref()),
        write_time(user.last_login_time.as_ref()),
        write_time(user.delete_time.as_ref()),
        write_time(user.purge_time.as_ref()),
        record.password_hash,
        write_time(record.suspend_time.as_ref()),
        write_flag(record.provisional),
    ]
}

fn read_flag(name: &str, text: &str) -> Result<bool, String> {
    match text {
        "" | "false" => Ok(false),
        "true" => Ok(true),
        _ => Err(format!("{name} must be true or false")),
    }
}

fn write_flag(flag: bool) -> String {
    flag.to_string()
}

fn read_attributes(text: &str) -> Result<Option<prost_types::Struct>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Ok(Some(json::of_members(members))),
        _ => Err("attributes must be a JSON object".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(names: &[&str]) -> Result<Header, String> {
        Header::read(&StringRecord::from(names.to_vec()))
    }

    #[test]
    fn a_row_is_read_as_it_is_written() {
        let cells = [
            "01890a5d-ac96-774b-bcce-b302099a8057",
            "a@b.de",
            "true",
            "abc",
            "A, \"B\"",
            "USER_STATE_ACTIVE",
            "why",
            "{\"a\":1.0}",
            "de",
            "false",
            "2026-03-01T12:00:00Z",
            "2026-03-01T12:00:00.000001Z",
            "",
            "",
            "",
            "$2b$10$x",
            "2026-03-01T12:00:00Z",
            "false",
        ];
        let record = header(&COLUMNS).unwrap().record(&StringRecord::from(cells.to_vec())).unwrap();
        assert_eq!(write(record), cells);
    }

    #[test]
    fn columns_may_be_missing_and_in_any_order() {
        let header = header(&["\u{feff}password_hash", " email"]).unwrap();
        let record = header.record(&StringRecord::from(vec!["x", "a@b.de"])).unwrap();
        assert_eq!((record.password_hash.as_str(), record.user.unwrap().email.as_str()), ("x", "a@b.de"));
    }

    #[test]
    fn what_is_no_header_or_no_row_is_refused() {
        for names in [&["id"][..], &["email", "e-mail"], &["email", "email"], &[]] {
            assert!(header(names).is_err(), "{names:?}");
        }
        let header = header(&["email", "email_verified", "attributes"]).unwrap();
        for cells in [["a@b.de", "yes", ""], ["a@b.de", "", "[]"]] {
            assert!(header.record(&StringRecord::from(cells.to_vec())).is_err(), "{cells:?}");
        }
    }
}
