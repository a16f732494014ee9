//! Rows of a file one by one, each with its place in the file.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use csv::StringRecord;

use super::csv_record::Header;
use super::formats::{Columns, Element, Hints, LeftOut, System, judge};
use super::input::{Delimiter, Entries, Entry, Input, Layout, Place, Unfit, values};
use super::{Format, Source, TransferFailed, json_reader};
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
    hints: Arc<Hints>,
    left_out: Arc<Mutex<LeftOut>>,
}

/// What makes records of entries.
#[derive(Clone)]
enum Reader {
    Json,
    Table(Delimiter, Box<Header>),
    /// Elements of another system, or records if it gives out a table.
    Foreign(System, Option<(Delimiter, Box<Columns>)>),
}

impl Reading {
    /// Judges a file as a whole: whether it has rows of a format.
    pub(super) fn of(input: &Input, source: impl Into<Source>) -> Result<Self, TransferFailed> {
        let failed = |unfit: Unfit| unfit.before_rows(input.path());
        let header = |what: String| failed(Unfit::Wrong(format!("has a header that {what}")));
        let source = source.into();
        if input.is_empty().map_err(|error| failed(error.into()))? {
            return Err(failed(Unfit::wrong("is empty: has what wrote it failed?")));
        }
        let (layout, reader) = match source {
            Source::Own(Format::Ndjson) => (Layout::of_json(input).map_err(failed)?, Reader::Json),
            Source::Own(Format::Csv) => {
                let (delimiter, names) = Delimiter::of(input).map_err(failed)?;
                let names = Header::read(&names).map_err(header)?;
                (Layout::Table(delimiter), Reader::Table(delimiter, Box::new(names)))
            }
            Source::Foreign(System::Cognito) => {
                let (delimiter, names) = Delimiter::of(input).map_err(failed)?;
                let columns = Columns::read(&names).map_err(header)?;
                (Layout::Table(delimiter), Reader::Foreign(System::Cognito, Some((delimiter, columns.into()))))
            }
            Source::Foreign(system) => {
                let (list, is_always) = system.list();
                (Layout::of_people(input, list, is_always).map_err(failed)?, Reader::Foreign(system, None))
            }
        };
        Entries::judge(input, layout).map_err(failed)?;
        if !matches!(layout, Layout::Table(_))
            && let Some(Entry { text: Some(first), .. }) =
                Entries::open(input, layout, None).map_err(failed)?.next().map_err(failed)?
        {
            judge(source, &first).map_err(|what| failed(Unfit::Wrong(what)))?;
        }
        Ok(Self { layout, reader, hints: Arc::default(), left_out: Arc::default() })
    }

    /// The same with what the user says of the file.
    pub(super) fn given(self, hints: Hints) -> Self {
        Self { hints: Arc::new(hints), ..self }
    }

    /// What was left out of the rows that were read so far.
    pub(super) fn left_out(&self) -> Vec<String> {
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner).lines()
    }

    /// The rows after the place where another reading of the file stopped, or all.
    pub(super) fn rows(&self, input: &Input, from: Option<Place>) -> Result<Rows, TransferFailed> {
        let entries = Entries::open(input, self.layout, from).map_err(|unfit| unfit.of(input.path()))?;
        let (reader, hints, left_out) = (self.reader.clone(), self.hints.clone(), self.left_out.clone());
        Ok(Rows { path: input.path().to_owned(), entries, reader, hints, left_out })
    }
}

/// The rows of a file from some place on.
pub(super) struct Rows {
    path: PathBuf,
    entries: Entries,
    reader: Reader,
    hints: Arc<Hints>,
    left_out: Arc<Mutex<LeftOut>>,
}

impl Rows {
    /// The next row; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Row>, TransferFailed> {
        let entry = self.entries.next().map_err(|unfit| unfit.of(&self.path))?;
        Ok(entry.map(|Entry { line, number, end, text }| {
            let (key, record) = match text {
                Some(text) => self.read(&text),
                None => (String::new(), Err("the row is too long".into())),
            };
            Row { origin: Origin { line, number, key }, end, record }
        }))
    }

    fn read(&self, text: &[u8]) -> (String, Result<UserRecord, Unreadable>) {
        let mut left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        let (key, record) = self.reader.read(text, &self.hints, &mut left_out);
        (key, record.map(|record| self.hints.leave(record, &mut left_out)))
    }
}

impl Reader {
    /// Whom an entry is about, and the record that it is.
    fn read(&self, text: &[u8], hints: &Hints, left_out: &mut LeftOut) -> (String, Result<UserRecord, Unreadable>) {
        match self {
            Self::Foreign(system, table) => {
                let columns = table.as_ref().map(|(delimiter, columns)| (*delimiter, columns.as_ref()));
                let element = match columns {
                    Some((delimiter, columns)) => values(text, delimiter).and_then(|values| columns.element(&values)),
                    None => Element::of_json(text),
                };
                match element {
                    Ok(element) => (element.key(), element.read(*system, hints, left_out)),
                    Err(why) => (String::new(), Err(why.into())),
                }
            }
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
    header.record(values)
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
        assert_eq!(read(Format::Ndjson, b"[]"), []);
    }

    #[test]
    fn rows_that_cannot_be_read_are_told_and_left_out() {
        let deep =
            format!(r#"{{"user":{{"email":"deep","attributes":{{"a":{}{}}}}}}}"#, "[".repeat(60), "]".repeat(60));
        let deeper = deep.replace('[', "[[[").replace(']', "]]]");
        let rows = read(Format::Ndjson, format!("{deep}\n{deeper}\n{{\"user\":{{\"email\":1}}}}\n[]\n{{}}").as_bytes());
        let failed: Vec<_> = rows.iter().map(|(line, _, key, email)| (*line, key.as_str(), email.is_err())).collect();
        assert_eq!(failed, [(1, "deep", true), (2, "", true), (3, "", true), (4, "", true), (5, "", false)]);
        let rows = read(Format::Csv, b"email,email_verified\na,perhaps\nb\nc,true\n");
        let failed: Vec<_> = rows.iter().map(|(line, _, key, email)| (*line, key.as_str(), email.is_err())).collect();
        assert_eq!(failed, [(2, "a", true), (3, "b", true), (4, "c", false)]);
    }

    fn refused(source: Source, text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, text).unwrap();
        let refused = Reading::of(&Input::open(&path, None).unwrap(), source).err().unwrap().to_string();
        let what = refused.strip_prefix(path.to_str().unwrap()).unwrap().trim_start();
        what.strip_suffix("; nothing was imported").unwrap().to_owned()
    }

    #[test]
    fn an_empty_file_and_one_of_another_system_are_refused_as_a_whole() {
        for source in [
            Format::Ndjson.into(),
            Format::Csv.into(),
            Source::Foreign(System::Cognito),
            Source::Foreign(System::Kratos),
        ] {
            for text in ["", "\n", " \r\n\t\n"] {
                assert_eq!(refused(source, text), "is empty: has what wrote it failed?", "{source:?}");
            }
        }
        let firebase = r#"{"users":[{"localId":"x","email":"a@b.de","passwordHash":"x","salt":"x"}]}"#;
        assert_eq!(
            refused(Source::Foreign(System::Keycloak), firebase),
            "holds people of Firebase: say --format firebase"
        );
        let realms = r#"[{"realm":"one","users":[]},{"realm":"two","users":[]}]"#;
        assert!(refused(Source::Foreign(System::Keycloak), realms).starts_with("holds a list of realms"));
    }

    #[test]
    fn a_table_needs_a_header() {
        for (text, what) in [
            ("id\n", "has a header that does not name email"),
            ("email,email\n", "has a header that names email twice"),
            ("email,roles\n", "has a header that names \"roles\", which is not one of id, email, "),
        ] {
            assert!(refused(Format::Csv.into(), text).starts_with(what), "{text}");
        }
    }
}
