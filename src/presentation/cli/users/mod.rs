//! `ipse users`: imports and exports through a running server.

mod batches;
mod csv_record;
mod earlier;
mod failure;
mod formats;
mod import;
mod input;
mod json_reader;
mod output;
mod remote;
mod report;
mod resume;
mod rows;
mod words;

use std::path::{Path, PathBuf};

use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};
use encoding_rs::Encoding;

pub use self::failure::TransferFailed;
pub use self::formats::{HintArgs, System};
pub use self::import::import;
pub use self::output::export;
pub use self::remote::Remote;
use super::ServerArgs;

/// What `ipse users` does.
#[derive(Debug, Subcommand)]
pub enum UsersAction {
    /// Bring the people of a file in; an interrupted import of the same file continues where it stopped
    Import(ImportArgs),
    /// Write people to a file, which import takes back
    Export(ExportArgs),
}

/// What to import.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The file, or - for standard input: JSON objects, one in each line or in one array, CSV with a header, which has no
    /// second factors, or what another system gives out; as it is or packed by gzip
    pub file: PathBuf,
    /// What the file holds, if its name does not end in .ndjson, .jsonl, .json or .csv, nor in one of these and .gz
    #[arg(long)]
    pub format: Option<Source>,
    /// The encoding of the file, such as windows-1252, if it is neither UTF-8 nor UTF-16
    #[arg(long, value_name = "NAME", value_parser = parse_encoding)]
    pub encoding: Option<&'static Encoding>,
    /// Only tell what would become of the rows, conflicts with what is stored and with other rows included
    #[arg(long)]
    pub dry_run: bool,
    /// Where to write the refused rows: one JSON object in each line, with line, row, address, reason and field
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Where to note how far the import has come, instead of FILE.resume beside the file
    #[arg(long, value_name = "FILE", conflicts_with = "no_resume")]
    pub resume_file: Option<PathBuf>,
    /// Note nothing: an import that is interrupted begins anew, which is harmless but takes its time
    #[arg(long)]
    pub no_resume: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "the doc comment would become the help of the whole command")]
    pub hints: HintArgs,
    #[command(flatten)]
    #[expect(missing_docs, reason = "the doc comment would become the help of the whole command")]
    pub remote: RemoteArgs,
}

/// What to export.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The file, which appears when it is complete, for this user alone; rows go as they come into what is no regular file, such
    /// as a pipe, and to - for standard output
    pub file: PathBuf,
    /// What to write, if the name of the file does not end in .ndjson, .jsonl or .csv
    #[arg(long)]
    pub format: Option<Format>,
    /// Which people, such as: state = ACTIVE AND email = "a*"
    #[arg(long, default_value = "", hide_default_value = true)]
    pub filter: String,
    /// With password hashes and, but not in CSV, second factors, which takes a sign-in of the last five minutes
    #[arg(long)]
    pub include_hashes: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "the doc comment would become the help of the whole command")]
    pub remote: RemoteArgs,
}

/// The server, and who asks it. There is no flag for the token itself: everybody on the machine can read command lines.
#[derive(Debug, Args)]
pub struct RemoteArgs {
    /// The file with the access token [`IPSE_TOKEN_FILE`, or the token itself in `IPSE_TOKEN`]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "the doc comment would become the help of the whole command")]
    pub server: ServerArgs,
}

/// What is in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One JSON object in each line: the message `UserRecord` in the JSON mapping of protobuf
    Ndjson,
    /// Comma-separated values with a header (RFC 4180)
    Csv,
}

/// What is in a file that is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum Source {
    /// Rows as an export of Ipse has them.
    Own(Format),
    /// People as another system gives them out.
    Foreign(System),
}

impl From<Format> for Source {
    fn from(format: Format) -> Self {
        Self::Own(format)
    }
}

impl ValueEnum for Source {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Own(Format::Ndjson),
            Self::Own(Format::Csv),
            Self::Foreign(System::Keycloak),
            Self::Foreign(System::Firebase),
            Self::Foreign(System::Auth0),
            Self::Foreign(System::Cognito),
            Self::Foreign(System::Supabase),
            Self::Foreign(System::Kratos),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Own(format) => format.to_possible_value(),
            Self::Foreign(system) => system.to_possible_value(),
        }
    }
}

impl Source {
    /// What was asked for, or what the name of the file says: packed or not, of lines or an array.
    fn of(given: Option<Self>, file: &Path) -> Result<Self, TransferFailed> {
        if let Some(source) = given {
            return Ok(source);
        }
        let is = |file: &Path, word| file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(word));
        let file = if is(file, "gz") { file.with_extension("") } else { file.to_owned() };
        let format = if is(&file, "json") { Some(Format::Ndjson) } else { Format::by_name(&file) };
        format
            .map(Self::Own)
            .ok_or(TransferFailed::Format(".ndjson, .jsonl, .json or .csv, nor in one of these and .gz"))
    }
}

impl Format {
    /// What was asked for, or what the name of the file says.
    fn of(given: Option<Self>, file: &Path) -> Result<Self, TransferFailed> {
        given.or_else(|| Self::by_name(file)).ok_or(TransferFailed::Format(".ndjson, .jsonl or .csv"))
    }

    fn by_name(file: &Path) -> Option<Self> {
        let extension = file.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        match extension.as_deref() {
            Some("ndjson" | "jsonl") => Some(Self::Ndjson),
            Some("csv") => Some(Self::Csv),
            _ => None,
        }
    }
}

fn parse_encoding(name: &str) -> Result<&'static Encoding, &'static str> {
    Encoding::for_label(name.as_bytes())
        .ok_or("must be the name of an encoding, such as windows-1252, iso-8859-15 or utf-16le")
}
