use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::{ExportArgs, Format, Remote, TransferFailed, csv_record, output};
use crate::presentation::cli::progress::Progress;
use crate::proto::{ExportUsersRequest, UserRecord};

/// Exports to a file through a server: what to print at the end. The file appears when it is complete.
pub async fn export(arguments: &ExportArgs, remote: &Remote) -> Result<Vec<String>, TransferFailed> {
    let mut file = Draft::new(&arguments.file, Format::of(arguments.format, &arguments.file)?)?;
    let request = ExportUsersRequest { filter: arguments.filter.clone(), include_hashes: arguments.include_hashes };
    let mut responses = remote.client().await?.export_users(remote.request(request)).await?.into_inner();
    let mut progress = Progress::begin(None, 0);
    while let Some(response) = responses.message().await? {
        let rows = response.rows.len() as u64;
        file.add(response.rows)?;
        progress.advance(rows, 0);
    }
    file.finish()?;
    Ok(vec![progress.end()])
}

/// A file under another name until it is complete; erased if it never is. For this user alone, as it may hold hashes.
struct Draft {
    target: PathBuf,
    path: PathBuf,
    output: Output,
}

enum Output {
    Ndjson(BufWriter<File>),
    Csv(Box<csv::Writer<File>>),
}

impl Draft {
    fn new(target: &Path, format: Format) -> Result<Self, TransferFailed> {
        let mut name: OsString = target.as_os_str().to_owned();
        name.push(".part");
        let path = PathBuf::from(name);
        let file = create_private(&path).map_err(TransferFailed::file(&path))?;
        let mut draft = Self { target: target.to_owned(), path, output: Output::new(file, format) };
        draft.output.begin().map_err(TransferFailed::file(&draft.path))?;
        Ok(draft)
    }

    fn add(&mut self, rows: Vec<UserRecord>) -> Result<(), TransferFailed> {
        rows.into_iter().try_for_each(|row| self.output.add(row)).map_err(TransferFailed::file(&self.path))
    }

    fn finish(mut self) -> Result<(), TransferFailed> {
        let finished = self.output.sync().and_then(|()| fs::rename(&self.path, &self.target));
        finished.map_err(TransferFailed::file(&self.target))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After the renaming there is nothing under this name.
        let _ = fs::remove_file(&self.path);
    }
}

impl Output {
    fn new(file: File, format: Format) -> Self {
        match format {
            Format::Ndjson => Self::Ndjson(BufWriter::new(file)),
            Format::Csv => Self::Csv(Box::new(csv::Writer::from_writer(file))),
        }
    }

    fn begin(&mut self) -> io::Result<()> {
        match self {
            Self::Ndjson(_) => Ok(()),
            Self::Csv(writer) => Ok(writer.write_record(csv_record::COLUMNS)?),
        }
    }

    fn add(&mut self, row: UserRecord) -> io::Result<()> {
        match self {
            Self::Ndjson(writer) => {
                let mut line = output::write(row)?;
                line.push(b'\n');
                writer.write_all(&line)
            }
            Self::Csv(writer) => Ok(writer.write_record(csv_record::write(row))?),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        match self {
            Self::Ndjson(writer) => {
                writer.flush()?;
                writer.get_ref().sync_all()
            }
            Self::Csv(writer) => {
                writer.flush()?;
                writer.get_ref().sync_all()
            }
        }
    }
}

/// A new file; what an export that was killed left under the name is erased.
fn create_private(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
