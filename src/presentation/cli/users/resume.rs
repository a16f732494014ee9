//! What an interrupted import leaves beside its file, so that the next one continues where it stopped.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::lines::Place;
use super::{Format, TransferFailed};

/// Which import it is: of which contents, to which server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Import {
    server: String,
    format: Format,
    /// The length of the file and when it was changed: seconds and nanoseconds.
    version: (u64, i64, i64),
}

/// How far an import has come. Everything before the place was answered for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) place: Place,
    pub(super) accepted: u64,
    pub(super) unchanged: u64,
    pub(super) refused: u64,
    /// The bytes of the report that are about rows before the place.
    pub(super) reported: u64,
}

#[derive(Serialize, Deserialize)]
struct Contents {
    import: Import,
    tally: Tally,
}

/// The file beside the import's own.
pub(super) struct Checkpoint {
    path: PathBuf,
    import: Import,
}

impl Import {
    /// The import of the file as it is now.
    pub(super) fn of(file: &Path, format: Format, server: &impl ToString) -> Result<Self, TransferFailed> {
        let metadata = fs::metadata(file).map_err(TransferFailed::file(file))?;
        let version = (metadata.len(), metadata.mtime(), metadata.mtime_nsec());
        Ok(Self { server: server.to_string(), format, version })
    }

    /// The length of the file in bytes.
    pub(super) fn length(&self) -> u64 {
        self.version.0
    }
}

impl Checkpoint {
    /// The checkpoint of an import, and how far an import of the same contents had come.
    pub(super) fn open(file: &Path, import: Import) -> Result<(Self, Option<Tally>), TransferFailed> {
        let mut path = file.as_os_str().to_owned();
        path.push(".resume");
        let checkpoint = Self { path: path.into(), import };
        let text = match fs::read(&checkpoint.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((checkpoint, None)),
            read => read.map_err(TransferFailed::file(&checkpoint.path))?,
        };
        let foreign = |what| TransferFailed::Foreign(checkpoint.path.clone(), what);
        let found: Contents = serde_json::from_slice(&text).map_err(|_| foreign("another program"))?;
        if found.import.version != checkpoint.import.version || found.import.format != checkpoint.import.format {
            return Err(foreign("other contents of the file"));
        }
        if found.import.server != checkpoint.import.server {
            return Err(foreign("another server"));
        }
        Ok((checkpoint, Some(found.tally)))
    }

    /// Notes how far the import has come. Replaces the note as a whole: half of one would be worth nothing.
    pub(super) fn write(&self, tally: Tally) -> Result<(), TransferFailed> {
        let mut draft = self.path.clone().into_os_string();
        draft.push(".part");
        let contents = Contents { import: self.import.clone(), tally };
        let written = File::create(&draft)
            .and_then(|file| Ok(serde_json::to_writer(file, &contents)?))
            .and_then(|()| fs::rename(&draft, &self.path));
        written.map_err(TransferFailed::file(&self.path))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_continues_only_with_what_it_began_with() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users.csv");
        fs::write(&file, "email\n").unwrap();
        let open = |format, server: &str| Checkpoint::open(&file, Import::of(&file, format, &server)?);
        let (checkpoint, tally) = open(Format::Csv, "a").unwrap();
        assert_eq!(tally, None);
        let far = Tally { place: Place { bytes: 6, line: 1 }, accepted: 1, ..Tally::default() };
        checkpoint.write(far).unwrap();
        assert_eq!(open(Format::Csv, "a").unwrap().1, Some(far));
        assert!(matches!(open(Format::Csv, "b"), Err(TransferFailed::Foreign(..))));
        assert!(matches!(open(Format::Ndjson, "a"), Err(TransferFailed::Foreign(..))));
        fs::write(&file, "email\na@b.de\n").unwrap();
        assert!(matches!(open(Format::Csv, "a"), Err(TransferFailed::Foreign(..))));
        checkpoint.remove().unwrap();
        checkpoint.remove().unwrap();
        assert_eq!(open(Format::Csv, "a").unwrap().1, None);
    }
}
