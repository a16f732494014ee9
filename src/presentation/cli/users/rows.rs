//! Rows of a file one by one, each with its place in the file.

use std::path::PathBuf;

use csv::StringRecord;

use super::csv_record::Header;
use super::input::{Delimiter, Entries, Entry, Input, Layout, Place, Unfit, values};
use super::{Format, TransferFailed, json_reader};
use crate::proto::{User, UserRecord};

/// What is wrong with a row, and the field of `UserRecord` if one is at fault.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) field: String,
    pub(super) description: String,
}

impl From<String> for Unreadable {
    fn from(description: String) -> Self {
        Self { description, ..Self::default() }
    }
}

impl From<&str> for Unreadable {
    fn from(description: &str) -> Self {
        description.to_owned().into()
    }
}

/// Where a row comes from.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// The line that it begins in.
    pub(super) line: u64,
    /// Its number among the rows: as spreadsheets count, the header of a table is the first.
    pub(super) number: u64,
    /// Whom it is about: the address or else what it has in place of it.
    pub(super) key: String,
}

/// A row, or what is wrong with it.
pub(super) struct Row {
    pub(super) origin: Origin,
    /// The place after it.
    pub(super) end: Place,
    pub(super) record: Result<UserRecord, Unreadable>,
}

/// How the rows of a file are read, which was found out by reading all of it.
pub(super) struct Reading {
    layout: Layout,
    reader: Reader,
}

/// What makes records of entries.
#[derive(Clone)]
enum Reader {
    Json,
    Table(Delimiter, Box<Header>),
}

impl Reading {
    /// Judges a file as a whole: whether it has rows of a format.
    pub(super) fn of(input: &Input, format: Format) -> Result<Self, TransferFailed> {
        let failed = |unfit: Unfit| unfit.of(input.path());
        let (layout, reader) = match format {
            Format::Ndjson => (Layout::of_json(input).map_err(failed)?, Reader::Json),
            Format::Csv => {
                let (delimiter, header) = Delimiter::of(input).map_err(failed)?;
                let header = Header::read(&header).map_err(TransferFailed::Header)?;
                (Layout::Table(delimiter), Reader::Table(delimiter, Box::new(header)))
            }
        };
        Entries::judge(input, layout).map_err(failed)?;
        Ok(Self { layout, reader })
    }

    /// The rows after the place where another reading of the file stopped, or all.
    pub(super) fn rows(&self, input: &Input, from: Option<Place>) -> Result<Rows, TransferFailed> {
        let entries = Entries::open(input, self.layout, from).map_err(|unfit| unfit.of(input.path()))?;
        Ok(Rows { path: input.path().to_owned(), entries, reader: self.reader.clone() })
    }
}

/// The rows of a file from some place on.
pub(super) struct Rows {
    path: PathBuf,
    entries: Entries,
    reader: Reader,
}

impl Rows {
    /// The next row; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Row>, TransferFailed> {
        let entry = self.entries.next().map_err(|unfit| unfit.of(&self.path))?;
        Ok(entry.map(|Entry { line, number, end, text }| {
            let (key, record) = match text {
                Some(text) => self.reader.read(&text),
                None => (String::new(), Err("the row is too long".into())),
            };
            Row { origin: Origin { line, number, key }, end, record }
        }))
    }
}

impl Reader {
    /// Whom an entry is about, and the record that it is.
    fn read(&self, text: &[u8]) -> (String, Result<UserRecord, Unreadable>) {
        match self {
            Self::Json => match json_reader::read(text) {
                Ok(record) => (key(record.user.as_ref()), Ok(record)),
                Err(why) => (json_reader::key(text), Err(why)),
            },
            Self::Table(delimiter, header) => match values(text, *delimiter) {
                Ok(values) => (header.key(&values), record(header, &values)),
                Err(why) => (String::new(), Err(why.into())),
            },
        }
    }
}

fn record(header: &Header, values: &StringRecord) -> Result<UserRecord, Unreadable> {
    if values.len() != header.width() {
        return Err("the row has another number of values than the header".into());
    }
    header.record(values).map_err(Unreadable::from)
}

fn key(user: Option<&User>) -> String {
    let names = user.map(|user| [&user.email, &user.username, &user.id]);
    names.and_then(|names| names.into_iter().find(|name| !name.is_empty())).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    type Outcome = (u64, u64, String, Result<String, String>);

    /// The places, keys and outcomes of all rows, read in one go and, each time from the end of a row on, again.
    fn read(format: Format, text: &[u8]) -> Vec<Outcome> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, text).unwrap();
        let input = Input::open(&path, None).unwrap();
        let reading = Reading::of(&input, format).unwrap();
        let all = |from| {
            let (mut rows, mut outcomes, mut places) = (reading.rows(&input, from).unwrap(), vec![], vec![]);
            while let Some(Row { origin: Origin { line, number, key }, end, record }) = rows.next().unwrap() {
                let email = record.map(|record| record.user.unwrap().email).map_err(|why| why.description);
                outcomes.push((line, number, key, email));
                places.push(end);
            }
            (outcomes, places)
        };
        let (rows, places) = all(None);
        for (number, place) in places.into_iter().enumerate() {
            assert_eq!(all(Some(place)).0, rows[number + 1..]);
        }
        rows
    }

    fn row(line: u64, number: u64, email: &str) -> Outcome {
        (line, number, email.to_owned(), Ok(email.to_owned()))
    }

    #[test]
    fn rows_of_json_are_read_in_lines_and_in_an_array() {
        let (a, b) = (r#"{"user":{"email":"a"}}"#, r#"{"user":{"email":"b"}}"#);
        assert_eq!(read(Format::Ndjson, format!("{a}\r\n\n{b}").as_bytes()), [row(1, 1, "a"), row(3, 2, "b")]);
        assert_eq!(read(Format::Ndjson, format!("[\n  {a},\n  {b}\n]\n").as_bytes()), [row(2, 1, "a"), row(3, 2, "b")]);
        let joined = format!("\u{feff}{a}\n\u{feff}{b}\n");
        assert_eq!(read(Format::Ndjson, joined.as_bytes()), [row(1, 1, "a"), row(2, 2, "b")]);
        assert_eq!(read(Format::Ndjson, b""), []);
    }

    #[test]
    fn rows_that_cannot_be_read_are_told_and_left_out() {
        let deep =
            format!(r#"{{"user":{{"email":"deep","attributes":{{"a":{}{}}}}}}}"#, "[".repeat(60), "]".repeat(60));
        let deeper = deep.replace("[", "[[[").replace("]", "]]]");
        let rows = read(Format::Ndjson, format!("{deep}\n{deeper}\n{{\"user\":{{\"email\":1}}}}\n[]\n{{}}").as_bytes());
        let failed: Vec<_> = rows.iter().map(|(line, _, key, email)| (*line, key.as_str(), email.is_err())).collect();
        assert_eq!(failed, [(1, "deep", true), (2, "", true), (3, "", true), (4, "", true), (5, "", false)]);
        let rows = read(Format::Csv, b"email,email_verified\na,perhaps\nb\nc,true\n");
        let failed: Vec<_> = rows.iter().map(|(line, _, key, email)| (*line, key.as_str(), email.is_err())).collect();
        assert_eq!(failed, [(2, "a", true), (3, "b", true), (4, "c", false)]);
    }

    #[test]
    fn a_table_needs_a_header() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for text in ["", "id\n", "email,email\n"] {
            fs::write(&path, text).unwrap();
            let input = Input::open(&path, None).unwrap();
            assert!(matches!(Reading::of(&input, Format::Csv), Err(TransferFailed::Header(_))), "{text}");
        }
    }
}
