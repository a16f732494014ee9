//! Bytes of a text one by one, with the place that they stand at.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::os::unix::fs::FileExt as _;

use serde::{Deserialize, Serialize};

const BUFFER_BYTES: usize = 256 * 1024;

/// A place between two entries of a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::presentation::cli::users) struct Place {
    /// The bytes before it.
    pub(in crate::presentation::cli::users) bytes: u64,
    /// The line breaks before it: the number of the last line that is over.
    pub(in crate::presentation::cli::users) line: u64,
    /// The entries before it.
    pub(in crate::presentation::cli::users) entries: u64,
}

/// A file from some place on. Several of them read the same file without being in each other's way.
pub(in crate::presentation::cli::users) struct Window {
    file: File,
    start: u64,
    at: u64,
}

impl Window {
    pub(super) fn new(file: File, start: u64) -> Self {
        Self { file, start, at: 0 }
    }
}

impl Read for Window {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.start + self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// A reader of a text that knows where it is. A line ends with LF, CR LF or, as spreadsheets of old write it, CR alone.
pub(in crate::presentation::cli::users) struct Cursor {
    reader: BufReader<Window>,
    pub(super) place: Place,
    is_after_cr: bool,
}

impl Cursor {
    pub(super) fn new(window: Window, place: Place) -> Self {
        let window = Window { at: place.bytes, ..window };
        Self { reader: BufReader::with_capacity(BUFFER_BYTES, window), place, is_after_cr: false }
    }

    /// The line that the next byte is in, counted from 1.
    pub(super) fn line(&self) -> u64 {
        self.place.line + 1
    }

    /// The next byte, which stays the next; none at the end.
    pub(super) fn peek(&mut self) -> io::Result<Option<u8>> {
        if let Some(byte) = self.reader.buffer().first() {
            return Ok(Some(*byte));
        }
        Ok(self.reader.fill_buf()?.first().copied())
    }

    /// Passes over the byte that was peeked at.
    pub(super) fn pass(&mut self, byte: u8) {
        self.reader.consume(1);
        self.place.bytes += 1;
        self.place.line += u64::from(byte == b'\r' || (byte == b'\n' && !self.is_after_cr));
        self.is_after_cr = byte == b'\r';
    }

    /// Passes over the next byte, and tells which it was.
    pub(super) fn take(&mut self) -> io::Result<Option<u8>> {
        let byte = self.peek()?;
        if let Some(byte) = byte {
            self.pass(byte);
        }
        Ok(byte)
    }

    /// Passes over bytes as long as they are of a kind; the next one after them.
    pub(super) fn pass_while(&mut self, is_passed: impl Fn(u8) -> bool) -> io::Result<Option<u8>> {
        loop {
            match self.peek()? {
                Some(byte) if is_passed(byte) => self.pass(byte),
                other => return Ok(other),
            }
        }
    }
}
