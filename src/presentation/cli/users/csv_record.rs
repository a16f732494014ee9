//! Rows as values in columns. Attributes are a JSON object in one of them; second factors have no place in any.

use csv::StringRecord;
use serde_json::Value;

use super::rows::Unreadable;
use super::words::{read_state, read_time, write_state, write_time};
use crate::domain::account::attributes::UnfitAttributes;
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

/// What spreadsheets show, and save, for true and false in the languages that their users work in.
const FLAGS: [(&str, &str); 9] = [
    ("true", "false"),
    ("wahr", "falsch"),
    ("vrai", "faux"),
    ("verdadero", "falso"),
    ("vero", "falso"),
    ("verdadeiro", "falso"),
    ("waar", "onwaar"),
    ("prawda", "fałsz"),
    ("sant", "falskt"),
];

/// Which column of a file has which field.
#[derive(Clone)]
pub(super) struct Header {
    places: [Option<usize>; COLUMNS.len()],
    /// Columns without a name, as spreadsheets leave them where something was once: they must be empty.
    unnamed: Vec<usize>,
    width: usize,
}

impl Header {
    /// How many values each row has.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Reads the first row of a file, or says what is wrong with it.
    pub(super) fn read(row: &StringRecord) -> Result<Self, String> {
        let mut places = [None; COLUMNS.len()];
        let mut unnamed = Vec::new();
        for (place, name) in row.iter().enumerate() {
            // A byte order mark, as spreadsheets write it.
            let name = name.trim_start_matches('\u{feff}').trim();
            if name.is_empty() {
                unnamed.push(place);
                continue;
            }
            let column = COLUMNS.iter().position(|column| *column == name);
            let column = column.ok_or_else(|| format!("names {name:?}, which is not one of {}", COLUMNS.join(", ")))?;
            if places[column].replace(place).is_some() {
                return Err(format!("names {name} twice"));
            }
        }
        if places[EMAIL].is_none() {
            return Err("does not name email".to_owned());
        }
        Ok(Self { places, unnamed, width: row.len() })
    }

    /// Whom a row is about.
    pub(super) fn key(&self, row: &StringRecord) -> String {
        let names = ["email", "username", "id"].map(|name| self.cell(row, name));
        names.into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned()
    }

    fn cell<'r>(&self, row: &'r StringRecord, name: &str) -> &'r str {
        let column = COLUMNS.iter().position(|column| *column == name);
        column.and_then(|column| self.places[column]).and_then(|place| row.get(place)).unwrap_or_default()
    }

    /// Reads a row, or says what is wrong with it.
    pub(super) fn record(&self, row: &StringRecord) -> Result<UserRecord, Unreadable> {
        if self.unnamed.iter().any(|place| row.get(*place).is_some_and(|value| !value.trim().is_empty())) {
            return Err("the row has a value in a column that the header does not name".into());
        }
        let cell = |name| self.cell(row, name);
        let text = |name| cell(name).to_owned();
        let flag = |name| read_flag(name, cell(name)).map_err(in_field(name));
        let time = |name| read_time(name, cell(name)).map_err(in_field(name));
        let user = User {
            id: text("id"),
            email: text("email"),
            email_verified: flag("email_verified")?,
            username: text("username"),
            display_name: text("display_name"),
            state: read_state(cell("state")).map_err(in_field("state"))?,
            state_reason: text("state_reason"),
            attributes: read_attributes(cell("attributes")).map_err(in_field("attributes"))?,
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

/// What is wrong with a column, told with the field of `UserRecord` that it has.
fn in_field(column: &'static str) -> impl Fn(String) -> Unreadable {
    move |why| Unreadable {
        field: match column {
            "suspend_time" | "provisional" => column.to_owned(),
            _ => format!("user.{column}"),
        },
        description: why.strip_prefix(column).unwrap_or(&why).trim_start().to_owned(),
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
    let word = text.trim().to_lowercase();
    match FLAGS.iter().find(|(yes, no)| word == *yes || word == *no) {
        Some((yes, _)) => Ok(word == *yes),
        None if word.is_empty() => Ok(false),
        None => Err(format!("{name} must be true or false")),
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
        Err(error) if error.to_string().starts_with("recursion limit exceeded") => {
            Err(UnfitAttributes::TooDeep.to_string())
        }
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
            "{\"a\":1}",
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
    fn flags_are_read_as_spreadsheets_save_them() {
        let header = header(&["email", "email_verified"]).unwrap();
        let flag = |text: &str| {
            let record = header.record(&StringRecord::from(vec!["a@b.de", text]));
            record.map(|record| record.user.unwrap().email_verified)
        };
        for (text, expected) in [
            ("", false),
            ("true", true),
            ("TRUE", true),
            ("FALSE", false),
            ("True", true),
            ("WAHR", true),
            ("FALSCH", false),
            ("VRAI", true),
            ("FAUX", false),
            ("FAŁSZ", false),
            (" false ", false),
        ] {
            assert_eq!(flag(text), Ok(expected), "{text}");
        }
        for text in ["yes", "1", "perhaps", "truefalse"] {
            let Unreadable { field, description } = flag(text).unwrap_err();
            assert_eq!(
                (field.as_str(), description.as_str()),
                ("user.email_verified", "must be true or false"),
                "{text}"
            );
        }
    }

    #[test]
    fn columns_without_a_name_are_empty() {
        let header = header(&["email", "", " "]).unwrap();
        assert_eq!(header.width(), 3);
        let read = |cells: &[&str]| header.record(&StringRecord::from(cells.to_vec()));
        assert_eq!(read(&["a@b.de", "", " "]).unwrap().user.unwrap().email, "a@b.de");
        assert!(read(&["a@b.de", "", "x"]).unwrap_err().description.contains("does not name"));
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
