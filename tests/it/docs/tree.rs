//! The drawing of `src/` in `docs/architecture.md`.

use std::collections::BTreeSet;

use super::{read, sources};

const DOCUMENT: &str = "docs/architecture.md";

/// The folders that the first block of code with `src/` at its head draws: two spaces for each level, one name in each
/// line with a slash, then words about it.
fn drawn(text: &str) -> BTreeSet<String> {
    let (_, block) = text.split_once("```text\nsrc/").expect("no block of text that begins with src/");
    let (block, _) = block.split_once("\n```").expect("the block has an end");
    let mut above: Vec<&str> = Vec::new();
    let mut folders = BTreeSet::new();
    for line in format!("src/{block}").leak().lines() {
        let name = line.trim_start();
        let depth = (line.len() - name.len()) / 2;
        let (name, about) = name.split_once('/').unwrap_or_else(|| panic!("not a folder: {line}"));
        assert!(!about.trim().is_empty(), "{line}: say what the folder is for");
        above.truncate(depth);
        assert_eq!(above.len(), depth, "{line}: not below a folder");
        above.push(name);
        assert!(folders.insert(above.join("/")), "{line}: drawn twice");
    }
    folders
}

#[test]
fn the_tree_of_sources_is_drawn_as_it_is() {
    let (drawn, are) = (drawn(&read(DOCUMENT)), sources::folders().into_keys().collect::<BTreeSet<_>>());
    let missing: Vec<_> = are.difference(&drawn).collect();
    let gone: Vec<_> = drawn.difference(&are).collect();
    assert!(missing.is_empty() && gone.is_empty(), "{DOCUMENT} does not draw {missing:?}, and draws {gone:?}");
}

#[test]
fn a_drawing_is_read_by_its_indentation() {
    let text = "```text\nsrc/  all\n  a/  first\n    b/  second\n  c/  third\n```\n";
    assert_eq!(drawn(text), ["src", "src/a", "src/a/b", "src/c"].map(str::to_owned).into());
}
