//! The documents beside the sources: that their links lead somewhere, and that they say what the sources say.
//!
//! Parts that a program can write are generated: a stale one fails with the command that writes it anew,
//! `IPSE_BLESS=1 cargo test --test it docs`.

mod commits;
mod constants;
mod errors;
mod links;
mod markdown;
mod metrics;
mod numbers;
mod settings;
mod sizes;
mod sources;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Tests run at the same time, and some of them write parts of one file.
static WRITING: Mutex<()> = Mutex::new(());

const HOW: &str = "IPSE_BLESS=1 cargo test --test it docs";

/// A file or folder of the repository.
fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

fn read(relative: &str) -> String {
    fs::read_to_string(path(relative)).unwrap_or_else(|error| panic!("{relative}: {error}"))
}

/// Compares a file with what it is to be, or writes it if that was asked for.
fn bless(relative: &str, expected: &str) {
    let _alone = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    compare(relative, expected);
}

fn compare(relative: &str, expected: &str) {
    if std::env::var_os("IPSE_BLESS").is_some() {
        fs::write(path(relative), expected).unwrap();
    }
    let written = read(relative);
    let differing = written.lines().zip(expected.lines()).position(|(is, should)| is != should);
    let line = differing.unwrap_or(written.lines().count().min(expected.lines().count())) + 1;
    assert!(written == expected, "{relative} is stale from line {line} on; write it anew with:\n  {HOW}");
}

/// As `bless`, for the part of a file between two comments that name it.
fn bless_part(relative: &str, name: &str, expected: &str) {
    let (begin, end) = (format!("<!-- generated: {name} -->\n"), format!("<!-- end: {name} -->\n"));
    let _alone = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let text = read(relative);
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{relative} has no line {begin:?}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{relative} has no line {end:?}"));
    compare(relative, &format!("{before}{begin}\n{expected}\n\n{end}{after}"));
}
