//! The rules of the layers and of what is in them: reads all sources and fails on an arrow that must not be.

mod checker;
mod rules;

use std::fs;
use std::path::{Path, PathBuf};

use checker::check;
use rules::RULES;

const MAX_LINES: usize = 400;

/// All sources, as paths below `src` with their texts.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut directories = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push((path.strip_prefix(&root).unwrap().to_owned(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    sources
}

#[test]
fn no_layer_names_what_it_must_not_know() {
    let sources = sources();
    assert!(sources.iter().any(|(file, _)| file.starts_with("domain")), "the sources were not found");
    let violations: Vec<String> =
        sources.iter().flat_map(|(file, text)| check(file, text)).map(|violation| violation.to_string()).collect();
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn every_layer_has_a_rule() {
    for (file, _) in sources() {
        let mut parts = file.iter();
        let (layer, inner) = (parts.next().unwrap().to_str().unwrap(), parts.next());
        let is_ruled = RULES.iter().any(|(ruled, _)| *ruled == layer);
        let is_root = inner.is_none() && ["lib.rs", "main.rs"].contains(&layer);
        assert!(is_ruled || is_root, "{}: which layer is it of?", file.display());
    }
}

#[test]
fn no_file_is_longer_than_can_be_read() {
    let long: Vec<String> = sources()
        .into_iter()
        .map(|(file, text)| (file, text.lines().count()))
        .filter(|(_, lines)| *lines > MAX_LINES)
        .map(|(file, lines)| format!("{}: {lines} lines, {MAX_LINES} are allowed", file.display()))
        .collect();
    assert!(long.is_empty(), "\n{}", long.join("\n"));
}
