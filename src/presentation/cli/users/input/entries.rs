//! The entries of a text, one by one: lines, elements of an array, records of a table. What an entry says is not looked at
//! here, only where it ends.

use serde::de::IgnoredAny;

use super::json::{self, Stage};
use super::table::{self, Delimiter};
use super::{Cursor, Input, Place, Unfit};

/// The longest entry, in bytes: several times what a message may have.
pub(super) const MAX_ENTRY_BYTES: usize = 512 * 1024;

/// How a text is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::presentation::cli::users) enum Layout {
    /// A JSON value in each line.
    Lines,
    /// JSON values one after another, each of as many lines as it likes.
    Values,
    /// The elements of a JSON array: of the text, or of the member of this name of the object that the text is.
    Array(Option<&'static str>),
    /// The records of a table.
    Table(Delimiter),
}

/// An entry of a text.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::presentation::cli::users) struct Entry {
    /// The line that it begins in, counted from 1.
    pub(in crate::presentation::cli::users) line: u64,
    /// Its number among the entries, counted from 1; the header of a table counts.
    pub(in crate::presentation::cli::users) number: u64,
    /// The place after it.
    pub(in crate::presentation::cli::users) end: Place,
    /// What it is; nothing if it is too long.
    pub(in crate::presentation::cli::users) text: Option<Vec<u8>>,
}

impl Entry {
    /// Whether it is the beginning of a line of JSON, as a copy that broke off leaves it: without a line break, and without its
    /// last brackets.
    fn is_cut_off(&self) -> bool {
        let is_incomplete =
            |text: &Vec<u8>| serde_json::from_slice::<IgnoredAny>(text).is_err_and(|error| error.is_eof());
        self.end.line < self.line && self.text.as_ref().is_some_and(is_incomplete)
    }
}

/// The entries of a text from some place on.
pub(in crate::presentation::cli::users) struct Entries {
    cursor: Cursor,
    layout: Layout,
    stage: Stage,
}

impl Entries {
    /// The entries after a place between two of them; without one, all, and of a table those after the header.
    pub(in crate::presentation::cli::users) fn open(
        input: &Input,
        layout: Layout,
        from: Option<Place>,
    ) -> Result<Self, Unfit> {
        let mut cursor = input.from(from.unwrap_or_default())?;
        let stage = if from.is_some() { Stage::Within } else { Stage::Before };
        if let (Layout::Table(_), Stage::Before) = (layout, stage) {
            table::header(&mut cursor)?;
        }
        Ok(Self { cursor, layout, stage })
    }

    /// Reads a text to its end and finds out whether all of it can be divided. How many entries it has.
    pub(in crate::presentation::cli::users) fn judge(input: &Input, layout: Layout) -> Result<u64, Unfit> {
        let mut entries = Self::open(input, layout, None)?;
        let (mut count, mut last) = (0, None);
        while let Some(entry) = entries.next()? {
            (count, last) = (count + 1, Some(entry));
        }
        match last {
            Some(last) if layout == Layout::Lines && last.is_cut_off() => Err(Unfit::at_line(last.line, json::ENDLESS)),
            _ => Ok(count),
        }
    }

    /// The next entry; none at the end. Lines and records with nothing in them are passed over.
    pub(in crate::presentation::cli::users) fn next(&mut self) -> Result<Option<Entry>, Unfit> {
        loop {
            if !self.begin()? {
                return Ok(None);
            }
            let line = self.cursor.line();
            let mut text = Text::default();
            match self.layout {
                Layout::Lines => json::line(&mut self.cursor, &mut text)?,
                Layout::Values | Layout::Array(_) => json::value(&mut self.cursor, &mut text)?,
                Layout::Table(delimiter) => table::record(&mut self.cursor, delimiter, &mut text)?,
            }
            self.cursor.place.entries += 1;
            if !text.is_blank(self.layout) {
                let Place { entries: number, .. } = self.cursor.place;
                return Ok(Some(Entry { line, number, end: self.cursor.place, text: text.end() }));
            }
        }
    }

    /// Goes to the beginning of the next entry, if there is one.
    fn begin(&mut self) -> Result<bool, Unfit> {
        match self.layout {
            Layout::Lines | Layout::Values => Ok(json::pass_space(&mut self.cursor)?.is_some()),
            Layout::Array(member) => json::next_element(&mut self.cursor, member, &mut self.stage),
            Layout::Table(_) => Ok(self.cursor.peek()?.is_some()),
        }
    }
}

/// The bytes of an entry, as long as they are not too many.
#[derive(Default)]
pub(super) struct Text {
    bytes: Vec<u8>,
    is_too_long: bool,
}

impl Text {
    pub(super) fn push(&mut self, byte: u8) {
        if self.bytes.len() < MAX_ENTRY_BYTES {
            self.bytes.push(byte);
        } else {
            self.is_too_long = true;
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether there is nothing in it: spreadsheets save rows that were emptied as delimiters, perhaps with quotes.
    fn is_blank(&self, layout: Layout) -> bool {
        let is_frame = |byte: &u8| match layout {
            Layout::Table(delimiter) => *byte == b'"' || delimiter.is(*byte),
            _ => false,
        };
        !self.is_too_long && self.bytes.iter().all(|byte| byte.is_ascii_whitespace() || is_frame(byte))
    }

    /// What there is, without the byte order mark that joining files leaves between them.
    fn end(mut self) -> Option<Vec<u8>> {
        if self.bytes.starts_with("\u{feff}".as_bytes()) {
            self.bytes.drain(..'\u{feff}'.len_utf8());
        }
        (!self.is_too_long).then_some(self.bytes)
    }
}
