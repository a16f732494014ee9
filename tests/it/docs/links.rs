//! Links between the documents, and to files of the repository.

use super::markdown::{anchors, prose, targets};
use super::{path, read};

/// Every document for readers, as a path from the root.
pub(super) fn documents() -> Vec<String> {
    let mut found = Vec::new();
    for folder in [".", "docs", "examples", "examples/*"] {
        let folders = match folder.strip_suffix("/*") {
            Some(parent) => entries(parent).into_iter().filter(|entry| path(entry).is_dir()).collect(),
            None => vec![folder.to_owned()],
        };
        let files = folders.iter().flat_map(|folder| entries(folder));
        found.extend(files.filter(|file| file.strip_suffix(".md").is_some()));
    }
    found.sort();
    found
}

fn entries(folder: &str) -> Vec<String> {
    let names = path(folder).read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.map(|name| if folder == "." { name } else { format!("{folder}/{name}") }).collect()
}

/// What is wrong with one link of a document; nothing for one that leads somewhere, or out of the repository.
fn problem(document: &str, target: &str) -> Option<String> {
    if target.contains("://") {
        return (!target.starts_with("https://")).then(|| "is not https".to_owned());
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let place = match file {
        "" => path(document),
        file => path(document).parent().unwrap().join(file),
    };
    let Some(anchor) = anchor else { return (!place.exists()).then(|| "leads nowhere".to_owned()) };
    let Ok(text) = std::fs::read_to_string(&place) else { return Some("leads nowhere".to_owned()) };
    (!anchors(&text).iter().any(|known| known == anchor)).then(|| format!("has no heading #{anchor}"))
}

#[test]
fn every_link_leads_somewhere() {
    let documents = documents();
    for expected in ["README.md", "docs/architecture.md", "examples/README.md", "examples/go/README.md"] {
        assert!(documents.iter().any(|document| document == expected), "{expected} was not found");
    }
    let mut problems = Vec::new();
    for document in &documents {
        for (line, text) in prose(&read(document)) {
            let found = targets(text).into_iter().filter_map(|target| Some((problem(document, &target)?, target)));
            problems.extend(found.map(|(why, target)| format!("{document}:{line}: {target} {why}")));
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn broken_links_are_found() {
    for (target, is_broken) in [
        ("README.md", false),
        ("docs", false),
        ("https://example.com/nothing", false),
        ("http://example.com", true),
        ("nothing.md", true),
        ("README.md#no-such-heading", true),
        ("#no-such-heading", true),
    ] {
        assert_eq!(problem("README.md", target).is_some(), is_broken, "{target}");
    }
    assert!(problem("docs/security.md", "README.md").is_some());
    assert!(problem("docs/security.md", "../README.md").is_none());
}

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= 120, "README.md has {lines} lines: what is not for the first ten minutes belongs to docs/");
}
