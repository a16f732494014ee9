use std::error::Error as _;
use std::io;

use minijinja::{Error, ErrorKind};

/// A template that cannot be used: where, and what is wrong. One line, without anything that goes into mail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct TemplateError {
    place: String,
    problem: String,
}

impl TemplateError {
    /// A problem of a whole file, named as in its folder.
    pub(super) fn of(file: &str, problem: impl Into<String>) -> Self {
        Self { place: file.escape_debug().to_string(), problem: problem.into() }
    }

    /// A problem in a line of a file, counted from one.
    pub(super) fn in_line(file: &str, line: usize, problem: impl Into<String>) -> Self {
        let Self { place, problem } = Self::of(file, problem);
        Self { place: format!("{place}, line {line}"), problem }
    }

    /// A file or folder that cannot be read.
    pub(super) fn unreadable(file: &str, error: &io::Error) -> Self {
        Self::of(file, format!("cannot be read: {}", error.kind()))
    }
}

impl From<Error> for TemplateError {
    /// Takes the innermost error, as those around it only tell which files include it.
    fn from(error: Error) -> Self {
        let mut cause = &error;
        while let Some(inner) = cause.source().and_then(|source| source.downcast_ref()) {
            cause = inner;
        }
        let kind = cause.kind();
        let problem = match cause.detail().filter(|_| quotes_the_template(kind)) {
            Some(detail) => format!("{kind}: {}", detail.replace(char::is_control, " ")),
            None => kind.to_string(),
        };
        let file = cause.name().unwrap_or("a template");
        cause.line().map_or_else(|| Self::of(file, &problem), |line| Self::in_line(file, line, &problem))
    }
}

/// Whether the details of such an error come from the template. Those of others may hold text of the mail.
fn quotes_the_template(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::SyntaxError
            | ErrorKind::TemplateNotFound
            | ErrorKind::UnknownFilter
            | ErrorKind::UnknownFunction
            | ErrorKind::UnknownTest
    )
}
