//! What an interrupted import leaves in a file of its own, so that the next one continues where it stopped.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::input::{Input, Place};
use super::output::Target;
use super::{Source, TransferFailed};

/// Which import it is: of which text, to which server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Import {
    server: String,
    format: Source,
    digest: String,
}

/// How far an import has come. Everything before the place was answered for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) place: Place,
    pub(super) accepted: u64,
    pub(super) unchanged: u64,
    /// How many rows were refused, for each reason and field.
    pub(super) refused: BTreeMap<String, u64>,
    /// The bytes of the report that are about rows before the place.
    pub(super) reported: u64,
}

#[derive(Serialize, Deserialize)]
struct Contents {
    import: Import,
    tally: Tally,
}

/// The file that tells how far an import has come.
pub(super) struct Checkpoint {
    path: PathBuf,
    import: Import,
}

impl Import {
    pub(super) fn new(input: &Input, format: impl Into<Source>, server: &impl ToString) -> Self {
        Self { server: server.to_string(), format: format.into(), digest: input.digest().to_owned() }
    }
}

impl Checkpoint {
    /// The checkpoint of an import, and how far an import of the same text had come.
    pub(super) fn open(path: PathBuf, import: Import) -> Result<(Self, Option<Tally>), TransferFailed> {
        let checkpoint = Self { path, import };
        let foreign = |what| TransferFailed::Foreign(checkpoint.path.clone(), what);
        let text = match fs::metadata(&checkpoint.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((checkpoint, None)),
            // A pipe would be waited for, and a device would be written to.
            Ok(found) if !found.is_file() => return Err(TransferFailed::NoNote(checkpoint.path, not_a_file())),
            _ => fs::read(&checkpoint.path).map_err(TransferFailed::file(&checkpoint.path))?,
        };
        let found: Contents = serde_json::from_slice(&text).map_err(|_| foreign("another program or version"))?;
        if found.import.digest != checkpoint.import.digest || found.import.format != checkpoint.import.format {
            return Err(foreign("other contents of the file"));
        }
        if found.import.server != checkpoint.import.server {
            return Err(foreign("another server"));
        }
        Ok((checkpoint, Some(found.tally)))
    }

    /// Finds out, before anything is stored, whether the import can note how far it comes.
    pub(super) fn begin(&self, tally: &Tally) -> Result<(), TransferFailed> {
        self.replace(tally).map_err(|error| TransferFailed::NoNote(self.path.clone(), error))
    }

    /// Notes how far the import has come. Replaces the note as a whole: half of one would be worth nothing.
    pub(super) fn write(&self, tally: &Tally) -> Result<(), TransferFailed> {
        self.replace(tally).map_err(TransferFailed::file(&self.path))
    }

    fn replace(&self, tally: &Tally) -> io::Result<()> {
        let contents = Contents { import: self.import.clone(), tally: tally.clone() };
        let mut target = Target::open(&self.path)?;
        target.write_all(&serde_json::to_vec(&contents)?)?;
        target.replace()
    }

    /// The import has come to its end.
    pub(super) fn remove(&self) -> Result<(), TransferFailed> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(TransferFailed::File(self.path.clone(), error))
            }
            _ => Ok(()),
        }
    }
}

fn not_a_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is there and no regular file")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Format;
    use super::*;

    #[test]
    fn an_import_continues_only_with_what_it_began_with() {
        let folder = tempfile::tempdir().unwrap();
        let (file, note) = (folder.path().join("users.csv"), folder.path().join("note"));
        fs::write(&file, "email\n").unwrap();
        let open = |format, server: &str| {
            Checkpoint::open(note.clone(), Import::new(&Input::open(&file, None)?, format, &server))
        };
        let (checkpoint, tally) = open(Format::Csv, "a").unwrap();
        assert_eq!(tally, None);
        let place = Place { bytes: 6, line: 1, entries: 1 };
        let far = Tally { place, accepted: 1, ..Tally::default() };
        checkpoint.begin(&far).unwrap();
        assert_eq!(open(Format::Csv, "a").unwrap().1, Some(far.clone()));
        assert!(matches!(open(Format::Csv, "b"), Err(TransferFailed::Foreign(..))));
        assert!(matches!(open(Format::Ndjson, "a"), Err(TransferFailed::Foreign(..))));
        // The same text, however it is written down.
        fs::write(&file, "\u{feff}email\n").unwrap();
        assert_eq!(open(Format::Csv, "a").unwrap().1, Some(far));
        fs::write(&file, "email\na@b.de\n").unwrap();
        assert!(matches!(open(Format::Csv, "a"), Err(TransferFailed::Foreign(..))));
        checkpoint.remove().unwrap();
        checkpoint.remove().unwrap();
        assert_eq!(open(Format::Csv, "a").unwrap().1, None);
    }

    #[test]
    fn a_note_that_cannot_be_written_is_told_at_the_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users.csv");
        fs::write(&file, "email\n").unwrap();
        let import = Import::new(&Input::open(&file, None).unwrap(), Format::Csv, &"a");
        let (checkpoint, _) = Checkpoint::open(folder.path().join("nowhere/note"), import).unwrap();
        assert!(matches!(checkpoint.begin(&Tally::default()), Err(TransferFailed::NoNote(..))));
        let import = Import::new(&Input::open(&file, None).unwrap(), Format::Csv, &"a");
        for path in [folder.path(), Path::new("/dev/null")] {
            let opened = Checkpoint::open(path.to_owned(), import.clone());
            assert!(matches!(opened, Err(TransferFailed::NoNote(..))), "{path:?}");
        }
    }
}
