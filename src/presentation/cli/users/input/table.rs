//! Tables as spreadsheets save them: their delimiters, their quotes, and where their records end.

use csv::{ByteRecord, StringRecord};
use serde::{Deserialize, Serialize};

use super::entries::Text;
use super::{Cursor, Input, Place, Unfit};

/// What stands between the values of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::presentation::cli::users) struct Delimiter(u8);

/// Commas by RFC 4180; semicolons where a comma is part of numbers; tabs of what spreadsheets call text.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// What Excel takes for the delimiter and not for a record: a first line such as `sep=;`.
const DECLARATION: &[u8] = b"sep=";

impl Delimiter {
    pub(super) fn is(self, byte: u8) -> bool {
        self.0 == byte
    }

    /// That of a table, with its header.
    pub(in crate::presentation::cli::users) fn of(input: &Input) -> Result<(Self, StringRecord), Unfit> {
        let (delimiter, text) = header(&mut input.from(Place::default())?)?;
        let header = values(text.bytes(), delimiter).map_err(Unfit::wrong)?;
        Ok((delimiter, header))
    }
}

/// Passes over the header: the delimiter that it has, and its text.
pub(super) fn header(cursor: &mut Cursor) -> Result<(Delimiter, Text), Unfit> {
    loop {
        let (mut text, mut counts, mut state) = (Text::default(), [0_usize; DELIMITERS.len()], State::Beginning);
        while let Some(byte) = cursor.take()? {
            let place = DELIMITERS.iter().position(|delimiter| *delimiter == byte);
            if matches!(byte, b'\r' | b'\n') && state != State::Quoted {
                pass_line_feed(cursor, byte)?;
                break;
            }
            if let Some(place) = place.filter(|_| state != State::Quoted) {
                counts[place] += 1;
            }
            state = state.after(byte, place.is_some());
            text.push(byte);
        }
        if let [declaration @ .., delimiter] = text.bytes()
            && declaration.eq_ignore_ascii_case(DECLARATION)
        {
            let mut header = Text::default();
            let delimiter = Delimiter(*delimiter);
            record(cursor, delimiter, &mut header)?;
            cursor.place.entries += 1;
            return Ok((delimiter, header));
        }
        let is_blank = text.bytes().trim_ascii().is_empty();
        cursor.place.entries += 1;
        if !is_blank || cursor.peek()?.is_none() {
            let most = (0..DELIMITERS.len()).rev().max_by_key(|place| counts[*place]).unwrap_or_default();
            return Ok((Delimiter(DELIMITERS[most]), text));
        }
    }
}

/// The values of a record.
pub(in crate::presentation::cli::users) fn values(text: &[u8], delimiter: Delimiter) -> Result<StringRecord, String> {
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(delimiter.0).buffer_capacity(text.len().max(1));
    let mut values = ByteRecord::new();
    builder.from_reader(text).read_byte_record(&mut values).map_err(|error| error.to_string())?;
    StringRecord::from_byte_record(values).map_err(|error| error.to_string())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a value, where alone a quote opens something.
    Beginning,
    Unquoted,
    Quoted,
    /// After a quote within a quoted value: the first of two, or the closing one.
    Closed,
}

impl State {
    fn after(self, byte: u8, is_delimiter: bool) -> Self {
        match (self, byte) {
            (Self::Quoted, b'"') => Self::Closed,
            (Self::Quoted, _) | (Self::Beginning | Self::Closed, b'"') => Self::Quoted,
            _ if is_delimiter => Self::Beginning,
            _ => Self::Unquoted,
        }
    }
}

/// Reads a record up to the end of its last line.
pub(super) fn record(cursor: &mut Cursor, delimiter: Delimiter, text: &mut Text) -> Result<(), Unfit> {
    let (mut state, mut opened) = (State::Beginning, 0);
    loop {
        let line = cursor.line();
        let Some(byte) = cursor.take()? else { break };
        if matches!(byte, b'\r' | b'\n') && state != State::Quoted {
            pass_line_feed(cursor, byte)?;
            break;
        }
        let next = state.after(byte, byte == delimiter.0);
        if (state, next) == (State::Closed, State::Unquoted) {
            return Err(Unfit::at_line(line, "has something between a closing quote and the next value"));
        }
        if (state, next) == (State::Beginning, State::Quoted) {
            opened = line;
        }
        state = next;
        text.push(byte);
    }
    if state == State::Quoted {
        return Err(Unfit::at_line(opened, "opens a quote that nothing closes"));
    }
    Ok(())
}

fn pass_line_feed(cursor: &mut Cursor, byte: u8) -> Result<(), Unfit> {
    if byte == b'\r' && cursor.peek()? == Some(b'\n') {
        cursor.pass(b'\n');
    }
    Ok(())
}
