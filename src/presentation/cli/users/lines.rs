//! Rows of a file one by one, each with its place in the file.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use csv::{ByteRecord, Position, Reader, StringRecord};
use serde::{Deserialize, Serialize};

use super::csv_record::Header;
use super::{Format, TransferFailed, json_reader};
use crate::proto::UserRecord;

/// The longest line of JSON, in bytes: several times what a message may have.
const MAX_LINE: u64 = 512 * 1024;

/// A place between two rows of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The bytes before it.
    pub(super) bytes: u64,
    /// The last line before it, counted from 1. Of CSV, the last row as spreadsheets count: the header is the first.
    pub(super) line: u64,
}

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

/// A row, or what is wrong with it.
pub(super) struct Row {
    /// Its line, counted like that of a place.
    pub(super) line: u64,
    /// The place after it.
    pub(super) end: Place,
    pub(super) record: Result<UserRecord, Unreadable>,
}

/// The rows of a file from some place on.
pub(super) enum Lines {
    Ndjson { reader: BufReader<File>, place: Place },
    Csv { reader: Box<Reader<File>>, header: Box<Header> },
}

impl Lines {
    /// Opens a file; `from` is where another reading of it stopped.
    pub(super) fn open(path: &Path, format: Format, from: Option<Place>) -> Result<Self, TransferFailed> {
        let failed = |error| TransferFailed::File(path.to_owned(), error);
        let mut file = File::open(path).map_err(failed)?;
        match format {
            Format::Ndjson => {
                let place = from.unwrap_or_default();
                file.seek(SeekFrom::Start(place.bytes)).map_err(failed)?;
                Ok(Self::Ndjson { reader: BufReader::with_capacity(256 * 1024, file), place })
            }
            Format::Csv => {
                let mut reader = csv::ReaderBuilder::new().flexible(true).buffer_capacity(256 * 1024).from_reader(file);
                let header = reader.headers().map_err(|error| failed(io::Error::other(error)))?;
                let header = Box::new(Header::read(header).map_err(TransferFailed::Header)?);
                if let Some(Place { bytes, line }) = from {
                    let mut position = Position::new();
                    position.set_byte(bytes).set_record(line);
                    reader.seek(position).map_err(|error| failed(io::Error::other(error)))?;
                }
                Ok(Self::Csv { reader: Box::new(reader), header })
            }
        }
    }

    /// The next row; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Row>> {
        match self {
            Self::Ndjson { reader, place } => next_json(reader, place),
            Self::Csv { reader, header } => next_values(reader, header),
        }
    }
}

fn next_json(reader: &mut BufReader<File>, place: &mut Place) -> io::Result<Option<Row>> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut length = reader.take(MAX_LINE).read_until(b'\n', &mut line)?;
        if length == 0 {
            return Ok(None);
        }
        let is_whole = line.ends_with(b"\n") || (length as u64) < MAX_LINE;
        if !is_whole {
            length += reader.skip_until(b'\n')?;
        }
        *place = Place { bytes: place.bytes + length as u64, line: place.line + 1 };
        if !line.trim_ascii().is_empty() {
            let record = if is_whole { json_reader::read(&line) } else { Err("the line is too long".into()) };
            return Ok(Some(Row { line: place.line, end: *place, record }));
        }
    }
}

fn next_values(reader: &mut Reader<File>, header: &Header) -> io::Result<Option<Row>> {
    let mut values = ByteRecord::new();
    if !reader.read_byte_record(&mut values).map_err(io::Error::other)? {
        return Ok(None);
    }
    // Not the lines of the text, which the reader counts only roughly: values may hold line breaks.
    let line = values.position().map_or(0, Position::record) + 1;
    let end = Place { bytes: reader.position().byte(), line };
    let width = values.len();
    let record = match StringRecord::from_byte_record(values) {
        Err(_) => Err("the row is not UTF-8".into()),
        Ok(_) if width != header.width() => Err("the row has another number of values than the header".into()),
        Ok(values) => header.record(&values).map_err(Unreadable::from),
    };
    Ok(Some(Row { line, end, record }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The lines and outcomes of all rows, read in one go and, each time from the beginning of a row on, again.
    fn read(format: Format, text: &[u8]) -> Vec<(u64, Result<String, String>)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, text).unwrap();
        let (rows, places) = rows(&path, format, None);
        for (number, place) in places.into_iter().enumerate() {
            assert_eq!(self::rows(&path, format, Some(place)).0, rows[number + 1..]);
        }
        rows
    }

    type Outcomes = Vec<(u64, Result<String, String>)>;

    fn rows(path: &Path, format: Format, from: Option<Place>) -> (Outcomes, Vec<Place>) {
        let mut lines = Lines::open(path, format, from).unwrap();
        let (mut rows, mut places) = (vec![], vec![]);
        while let Some(row) = lines.next().unwrap() {
            let email = row.record.map(|record| record.user.unwrap().email).map_err(|error| error.description);
            rows.push((row.line, email));
            places.push(row.end);
        }
        (rows, places)
    }

    #[test]
    fn each_line_of_json_is_a_row() {
        let long: String = std::iter::repeat_n('x', usize::try_from(MAX_LINE).unwrap()).collect();
        let text = format!("{{\"user\":{{\"email\":\"a\"}}}}\r\n\n {long}\n{{}}\n{{\"user\":{{\"email\":\"b\"}}}}");
        let too_long = Err("the line is too long".to_owned());
        let email = |text: &str| Ok(text.to_owned());
        let expected = [(1, email("a")), (3, too_long), (4, email("")), (5, email("b"))];
        assert_eq!(read(Format::Ndjson, text.as_bytes()), expected);
        assert_eq!(read(Format::Ndjson, b""), []);
        assert!(matches!(&read(Format::Ndjson, b"\xff\n")[..], [(1, Err(_))]));
    }

    #[test]
    fn each_record_of_csv_is_a_row() {
        let text = b"email,display_name\r\na,\"A\r\nB\"\nb,\xff\n\nc\nd,\"D\"";
        let rows = read(Format::Csv, text);
        let outcome = |row: &(u64, Result<String, String>)| (row.0, row.1.clone().ok());
        let expected = [(2, Some("a")), (3, None), (4, None), (5, Some("d"))];
        let expected = expected.map(|(line, email)| (line, email.map(str::to_owned)));
        assert_eq!(rows.iter().map(outcome).collect::<Vec<_>>(), expected);
        assert_eq!(read(Format::Csv, b"email\n"), []);
    }

    #[test]
    fn a_file_of_values_needs_a_header() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "").unwrap();
        assert!(matches!(Lines::open(&path, Format::Csv, None), Err(TransferFailed::Header(_))));
        assert!(matches!(Lines::open(folder.path(), Format::Csv, None), Err(TransferFailed::File(..))));
    }
}
