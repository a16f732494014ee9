//! What is told of refused rows.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::TransferFailed;
use super::output::is_standard_output;
use super::rows::Origin;
use crate::presentation::cli::progress::Progress;
use crate::proto::ErrorReason;

/// How many rows are shown where no report is written.
const MOST_SHOWN: u64 = 10;

/// A row that is not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) origin: Origin,
    pub(super) reason: ErrorReason,
    pub(super) field: String,
    pub(super) description: String,
}

/// Where refused rows are told about.
pub(super) struct Report {
    file: Option<(PathBuf, File)>,
    shown: u64,
    is_output: bool,
}

impl Report {
    /// A report to a file, which continues after its first `length` bytes, to a pipe, or without a path to the terminal.
    pub(super) fn open(path: Option<PathBuf>, length: u64) -> Result<Self, TransferFailed> {
        let is_output = path.as_deref().is_some_and(is_standard_output);
        let open = |path: PathBuf| {
            let opened = if is_output { standard_output() } else { at(&path, length) };
            opened.map(|file| (path.clone(), file)).map_err(TransferFailed::file(path))
        };
        Ok(Self { file: path.map(open).transpose()?, shown: 0, is_output })
    }

    /// Whether it has standard output for itself.
    pub(super) fn is_output(&self) -> bool {
        self.is_output
    }

    /// Tells about rows. How many bytes the report has grown by.
    pub(super) fn add(&mut self, rows: &[Refused], progress: &Progress) -> Result<u64, TransferFailed> {
        let Some((path, file)) = &mut self.file else {
            for row in rows {
                self.shown += 1;
                if self.shown <= MOST_SHOWN {
                    progress.say(&row.to_string());
                } else if self.shown == MOST_SHOWN + 1 {
                    progress.say("more rows are refused; --report FILE writes all of them down");
                }
            }
            return Ok(0);
        };
        let lines: String = rows.iter().map(Refused::to_json).collect();
        file.write_all(lines.as_bytes()).map_err(TransferFailed::file(path.clone()))?;
        Ok(lines.len() as u64)
    }
}

fn standard_output() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

fn at(path: &Path, length: u64) -> io::Result<File> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    let found = file.metadata()?;
    // What is no file has no place to continue at.
    if found.is_file() {
        let length = length.min(found.len());
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
    }
    Ok(file)
}

impl Refused {
    /// What refusals are counted by.
    pub(super) fn kind(&self) -> String {
        let field = if self.field.is_empty() { "the row" } else { &self.field };
        format!("{} {field}", self.reason_name())
    }

    fn to_json(&self) -> String {
        let line = json!({
            "line": self.origin.line,
            "row": self.origin.number,
            "key": self.origin.key,
            "reason": self.reason_name(),
            "field": self.field,
            "description": self.description,
        });
        format!("{line}\n")
    }

    fn reason_name(&self) -> &'static str {
        let name = self.reason.as_str_name();
        name.strip_prefix("ERROR_REASON_").unwrap_or(name)
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { origin: Origin { line, key, .. }, field, description, .. } = self;
        let space = if field.is_empty() { "" } else { " " };
        let mut text = format!("line {line}: {}{space}{field} {description}", self.reason_name());
        if !key.is_empty() {
            text.extend([" (", key, ")"]);
        }
        // The key is what the file holds, and the description may quote it.
        f.write_str(&text.replace(char::is_control, " "))
    }
}
