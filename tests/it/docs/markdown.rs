//! As much of Markdown as the documents use.

use std::collections::BTreeMap;

/// A line outside of code, with its number from 1 on.
pub(super) fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    text.lines().zip(1..).filter_map(move |(line, number)| {
        let is_fence = line.trim_start().starts_with("```");
        let is_prose = !is_code && !is_fence;
        is_code ^= is_fence;
        is_prose.then_some((number, line))
    })
}

/// The anchors of the headings, as GitHub makes them.
pub(super) fn anchors(text: &str) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let headings = prose(text).filter_map(|(_, line)| {
        let heading = line.trim_start_matches('#');
        (heading.len() < line.len()).then(|| heading.strip_prefix(' ')).flatten()
    });
    headings
        .map(|heading| {
            let anchor = anchor(heading);
            let count = seen.entry(anchor.clone()).and_modify(|count| *count += 1).or_default();
            if *count == 0 { anchor } else { format!("{anchor}-{count}") }
        })
        .collect()
}

fn anchor(heading: &str) -> String {
    let shown =
        targets(heading).into_iter().fold(heading.to_owned(), |text, target| text.replace(&format!("]({target})"), ""));
    let kept = shown.trim().to_lowercase().chars().map(|c| if c == ' ' { '-' } else { c }).collect::<String>();
    kept.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
}

/// The targets of the links in a line, code spans left out.
pub(super) fn targets(line: &str) -> Vec<String> {
    let spoken: String = line.split('`').step_by(2).collect();
    let mut rest = spoken.as_str();
    let mut targets = Vec::new();
    while let Some((_, after)) = rest.split_once("](") {
        let Some((target, after)) = after.split_once(')') else { break };
        targets.push(target.to_owned());
        rest = after;
    }
    targets
}

/// The rows of the table whose header begins with these cells, without header and rule.
pub(super) fn table(text: &str, header: &[&str]) -> Vec<Vec<String>> {
    let mut lines = prose(text).map(|(_, line)| line).skip_while(|line| cells(line) != header);
    assert!(lines.next().is_some(), "there is no table {header:?}");
    lines.skip(1).take_while(|line| line.starts_with('|')).map(cells).collect()
}

fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
    let parts = inner.replace("\\|", "\u{0}");
    parts.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect()
}

/// The words that stand as code in a text.
pub(super) fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn anchors_are_those_of_github() {
    let text = "# A `b` [c](d.md), e/f!\n\n```\n# no\n```\n## Twice\n## Twice\n";
    assert_eq!(anchors(text), ["a-b-c-ef", "twice", "twice-1"]);
}

#[test]
fn links_are_found_outside_of_code() {
    assert_eq!(targets("[a](b.md#c) and [`d`](e) but not `[f](g)`"), ["b.md#c", "e"]);
}
