//! The text of a file that is imported: unpacked and in UTF-8, judged as a whole before its first row is read.

mod cursor;
mod decoding;
pub(super) mod distinct_files;
mod entries;
mod json;
mod packing;
mod table;

use std::fs::File;
use std::io::{self, Seek as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;

pub(super) use self::cursor::Place;
use self::cursor::{Cursor, Window};
pub(super) use self::entries::{Entries, Entry, Layout};
pub(super) use self::table::{Delimiter, values};
use super::TransferFailed;

/// What stands for standard input.
pub(super) const STANDARD_INPUT: &str = "-";

/// What is wrong with a file as a whole: why nothing of it is imported.
#[derive(Debug)]
pub(super) enum Unfit {
    /// It cannot be read.
    Unreadable(io::Error),
    /// It is not what it should be, as a predicate of it.
    Wrong(String),
}

impl From<io::Error> for Unfit {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

impl Unfit {
    pub(super) fn wrong(what: impl Into<String>) -> Self {
        Self::Wrong(what.into())
    }

    fn at_line(line: u64, what: &str) -> Self {
        Self::Wrong(format!("is broken at line {line}, which {what}"))
    }

    /// The failure of an import that has not begun.
    pub(super) fn before_rows(self, path: &Path) -> TransferFailed {
        match self {
            Self::Unreadable(error) => TransferFailed::Unread(path.to_owned(), error),
            Self::Wrong(_) => self.of(path),
        }
    }

    /// The failure of an import.
    pub(super) fn of(self, path: &Path) -> TransferFailed {
        match self {
            Self::Unreadable(error) => TransferFailed::File(path.to_owned(), error),
            Self::Wrong(what) => TransferFailed::Unfit(path.to_owned(), what),
        }
    }
}

/// The text of a file, which can be read again and again.
pub(super) struct Input {
    path: PathBuf,
    file: File,
    /// Where the text begins: after a byte order mark.
    start: u64,
    length: u64,
    digest: String,
}

impl Input {
    /// Opens a file or standard input. Text that cannot be read as it lies there, as it is packed, in another encoding or comes
    /// from a pipe, is written to a temporary file first, which has no name and goes with this process.
    pub(super) fn open(path: &Path, encoding: Option<&'static Encoding>) -> Result<Self, TransferFailed> {
        Self::read(path, encoding).map_err(|unfit| unfit.before_rows(path))
    }

    fn read(path: &Path, encoding: Option<&'static Encoding>) -> Result<Self, Unfit> {
        let mut file = if path == Path::new(STANDARD_INPUT) {
            File::from(io::stdin().as_fd().try_clone_to_owned()?)
        } else {
            File::open(path)?
        };
        let is_seekable = file.metadata()?.is_file() && file.stream_position()? == 0;
        let (packed, head) = packing::peek(file.try_clone()?)?;
        let is_packed = packing::is_packed(&head)?;
        let (mut text, head) = if is_packed { packing::unpack(packed)? } else { (packed, head) };
        let form = decoding::recognise(&head, encoding)?;
        if is_seekable && !is_packed && form.is_utf8() {
            let read = form.decode(&mut text, &mut io::sink())?;
            return Ok(Self {
                path: path.to_owned(),
                file,
                start: form.mark(),
                length: read.length,
                digest: read.digest,
            });
        }
        let mut copy = tempfile::tempfile().map_err(|error| decoding::no_room(&error))?;
        let read = form.decode(&mut text, &mut copy)?;
        Ok(Self { path: path.to_owned(), file: copy, start: 0, length: read.length, digest: read.digest })
    }

    /// Its name, as the user wrote it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The length of the text in bytes.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// What tells the text from every other one.
    pub(super) fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether there is nothing in it: whoever wrote it most likely failed.
    pub(super) fn is_empty(&self) -> io::Result<bool> {
        Ok(self.from(Place::default())?.pass_while(|byte| byte.is_ascii_whitespace())?.is_none())
    }

    /// Reads the text from a place on.
    pub(super) fn from(&self, place: Place) -> io::Result<Cursor> {
        Ok(Cursor::new(Window::new(self.file.try_clone()?, self.start), place))
    }
}

#[cfg(test)]
mod tests;
