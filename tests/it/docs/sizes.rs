//! How large folders, files and functions may be. The exceptions stand in `docs/architecture.md` and nowhere else.

use std::collections::BTreeMap;

use super::{markdown, read, sources};

const DOCUMENT: &str = "docs/architecture.md";
const MAX_ENTRIES: usize = 15;
const MAX_FILE_LINES: usize = 400;
const MAX_FUNCTION_LINES: usize = 60;

/// What is larger than the rules allow, and how large it is.
fn oversized() -> BTreeMap<String, usize> {
    let folders = sources::folders().into_iter().filter(|(_, entries)| *entries > MAX_ENTRIES);
    let files = sources::files();
    let functions = files.iter().flat_map(|(file, text)| {
        let long = sources::functions(text).into_iter().filter(|(_, lines)| *lines > MAX_FUNCTION_LINES);
        long.map(move |(name, lines)| (format!("{file} {name}"), lines))
    });
    let long = files.iter().map(|(file, text)| (file.clone(), text.lines().count()));
    folders.chain(long.filter(|(_, lines)| *lines > MAX_FILE_LINES)).chain(functions).collect()
}

#[test]
fn what_is_too_large_is_listed_with_a_reason() {
    let rows = markdown::table(&read(DOCUMENT), &["exception", "why"]);
    let listed = rows.iter().map(|row| (row[0].replace('`', ""), row[1].clone())).collect::<BTreeMap<_, _>>();
    assert_eq!(listed.len(), rows.len(), "{DOCUMENT} lists an exception twice");
    let oversized = oversized();
    let unlisted = oversized.iter().filter(|(name, _)| !listed.contains_key(*name));
    let unlisted: Vec<String> = unlisted.map(|(name, size)| format!("{name}: {size}")).collect();
    let needless: Vec<&String> = listed.keys().filter(|name| !oversized.contains_key(*name)).collect();
    assert!(
        unlisted.is_empty(),
        "more than {MAX_ENTRIES} entries, {MAX_FILE_LINES} lines in a file or {MAX_FUNCTION_LINES} in a function:\n{}",
        unlisted.join("\n")
    );
    assert!(needless.is_empty(), "{DOCUMENT} lists what is no exception: {needless:?}");
    assert!(listed.values().all(|reason| reason.len() > 10), "an exception has no reason");
}
