use std::io;
use std::path::PathBuf;

use tonic::Status;
use tonic_types::StatusExt as _;

use crate::presentation::cli::connect::{Unreachable, broken};

/// Why an import or an export did not end well.
#[derive(Debug, thiserror::Error)]
pub enum TransferFailed {
    /// The name of the file does not say what it holds.
    #[error("the name of the file does not end in {0}: --format is needed")]
    Format(&'static str),
    /// There is no access token.
    #[error("an access token is needed, in a file with --token-file or IPSE_TOKEN_FILE, or in IPSE_TOKEN")]
    NoToken,
    /// A file cannot be used.
    #[error("{0} cannot be used")]
    File(PathBuf, #[source] io::Error),
    /// A file is not what it should be.
    #[error("{0} {1}; nothing was imported")]
    Unfit(PathBuf, String),
    /// One file is to be read and written, or written twice.
    #[error("{0} is named for two things, and what it holds would be lost; nothing was imported")]
    Twice(PathBuf),
    /// What comes from a pipe has no place beside it.
    #[error(
        "an import from a pipe needs --resume-file FILE, to note how far it has come, or --no-resume, to begin anew if it is \
         interrupted; nothing was imported"
    )]
    NoPlace,
    /// There is no place for the note of how far an import has come.
    #[error(
        "{0} cannot be written, which notes how far the import has come: name another file with --resume-file, or begin anew \
         if it is interrupted, with --no-resume; nothing was imported"
    )]
    NoNote(PathBuf, #[source] io::Error),
    /// A file that is to be imported cannot be read.
    #[error("{0} cannot be used: {1}; nothing was imported")]
    Unread(PathBuf, io::Error),
    /// The parameters of Firebase's hashes cannot be read.
    #[error("{0} {1}; it takes what the console shows under \"Password hash parameters\"; nothing was imported")]
    HashConfig(PathBuf, String),
    /// Hashes of Firebase are worth nothing without the parameters of the project.
    #[error(
        "an import from Firebase needs --hash-config FILE with the \"Password hash parameters\" of the console, or \
         --without-passwords; nothing was imported"
    )]
    NoHashConfig,
    /// The interrupted import was one of other contents, or to another server.
    #[error("{0} belongs to an import of {1}; to begin anew, remove it")]
    Foreign(PathBuf, &'static str),
    /// There is no connection.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The server ended an import.
    #[error("{} (line {line}); the same command continues from there{}", said(.status), renewal(.status))]
    Interrupted {
        /// The last line that was answered for.
        line: u64,
        /// What the server said.
        status: Box<Status>,
    },
    /// The server refused an export or ended it.
    #[error("{}{}", said(.0), if renewal(.0).is_empty() { "" } else { "; try again with a new access token" })]
    Refused(Box<Status>),
    /// The server answered something that the contract does not allow.
    #[error("the server answered for rows that it was not sent")]
    Unexpected,
    /// Everything was imported except for some rows.
    #[error("{}", if *.0 == 1 { "1 row was refused".to_owned() } else { format!("{} rows were refused", .0) })]
    SomeRefused(u64),
}

impl TransferFailed {
    /// A file that cannot be used.
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::File(path.into(), error)
    }
}

/// The reason of an error, or its code if it is not one of the service's own.
fn reason(status: &Status) -> String {
    status.get_details_error_info().map_or_else(|| format!("{:?}", status.code()), |info| info.reason)
}

fn said(status: &Status) -> String {
    if let Some(fault) = broken(status) {
        return format!("the connection to the server broke: {fault}");
    }
    format!("the server ended the stream with {}: {}", reason(status), status.message())
}

fn renewal(status: &Status) -> &'static str {
    match reason(status).as_str() {
        "TOKEN_EXPIRED" | "TOKEN_INVALID" | "TOKEN_MISSING" | "STEP_UP_REQUIRED" => ", with a new access token",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_sentences() {
        let expired = || Box::new(Status::unauthenticated("the access token has expired"));
        for (failed, text) in [
            (TransferFailed::SomeRefused(1), "1 row was refused"),
            (TransferFailed::SomeRefused(2), "2 rows were refused"),
            (
                TransferFailed::Refused(expired()),
                "the server ended the stream with Unauthenticated: the access token has expired",
            ),
        ] {
            assert_eq!(failed.to_string(), text);
        }
        let details = tonic_types::ErrorDetails::with_error_info("TOKEN_EXPIRED", "ipse.v1", []);
        let status = Status::with_error_details(tonic::Code::Unauthenticated, "the access token has expired", details);
        let refused = TransferFailed::Refused(Box::new(status.clone())).to_string();
        assert!(refused.ends_with(": the access token has expired; try again with a new access token"), "{refused}");
        let interrupted = TransferFailed::Interrupted { line: 7, status: Box::new(status) }.to_string();
        assert!(interrupted.ends_with("continues from there, with a new access token"), "{interrupted}");
    }
}
