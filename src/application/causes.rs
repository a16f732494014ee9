//! Errors with what caused them, for those who read logs.

use std::error::Error;
use std::fmt;
use std::iter::successors;

/// An error and all its causes in one line: alone, the outermost tells that something failed, and hardly ever why.
#[derive(Debug)]
pub struct Causes<'e>(pub &'e (dyn Error + 'static));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = String::new();
        for error in successors(Some(self.0), |&error| error.source()) {
            let text = error.to_string();
            // Some errors have the text of their cause in their own.
            if told.ends_with(&text) {
                continue;
            }
            if !told.is_empty() {
                f.write_str(": ")?;
            }
            f.write_str(&text)?;
            told = text;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Failure {
        #[error("the store is unavailable")]
        Plain(#[source] io::Error),
        #[error("the store is unavailable: {0}")]
        Repeating(#[source] io::Error),
        #[error(transparent)]
        Transparent(#[from] Box<Failure>),
    }

    #[test]
    fn every_cause_is_told_once() {
        let cause = || io::Error::other("no more connections allowed");
        for error in [Failure::Plain(cause()), Failure::Repeating(cause()), Box::new(Failure::Plain(cause())).into()] {
            assert_eq!(Causes(&error).to_string(), "the store is unavailable: no more connections allowed");
        }
    }
}
