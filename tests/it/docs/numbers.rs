//! The tables of numbers in `docs/security.md`, compared with the constants and settings that they name.

use std::collections::BTreeSet;

use ipse::config::Setting;

use super::constants::{Constants, Quantity};
use super::{markdown, read, settings};

const DOCUMENT: &str = "docs/security.md";

/// A row about a number that callers or operators meet.
struct Row {
    what: String,
    number: String,
    bounds: String,
    why: String,
    source: String,
}

fn rows() -> Vec<Row> {
    let header = ["what", "number", "bounds", "why", "set by"];
    let text = read(DOCUMENT);
    let sections = text.split("\n### ").filter(|section| section.contains("| what | number | bounds |"));
    let rows = sections.flat_map(|section| markdown::table(section, &header));
    rows.map(|row| {
        let [what, number, bounds, why, source] = row.try_into().expect("five cells");
        Row { what, number, bounds, why, source: source.trim_matches('`').to_owned() }
    })
    .collect()
}

/// The constants that the second kind of table names, with their numbers.
fn inner_rows() -> Vec<Vec<String>> {
    let rows = markdown::table(&read(DOCUMENT), &["constant", "number", "why"]);
    rows.into_iter().map(|row| row.into_iter().map(|cell| cell.replace('`', "")).collect()).collect()
}

fn same(written: &str, is: &str) -> bool {
    match (Quantity::parse(written), Quantity::parse(is)) {
        (Some(written), Some(is)) => written == is,
        _ => written.trim_matches('`') == is,
    }
}

fn problem_of_setting(row: &Row, setting: &Setting) -> Option<String> {
    let default = setting.default.unwrap_or_default();
    if !same(&row.number, default) {
        return Some(format!("the default is {default}, not {}", row.number));
    }
    let limits = setting.limits.map_or(String::new(), |(least, most)| format!("{least} to {most}"));
    let alike = match (row.bounds.split_once(" to "), setting.limits) {
        (Some((written_least, written_most)), Some((least, most))) => {
            same(written_least, least) && same(written_most, most)
        }
        (written, bounds) => written.is_none() && bounds.is_none(),
    };
    (!alike).then(|| format!("the bounds are {limits:?}, not {:?}", row.bounds))
}

fn problem_of_constant(constants: &Constants, name: &str, number: &str) -> Option<String> {
    match (constants.evaluate(name), Quantity::parse(number)) {
        (Ok(is), Some(written)) if is == written => None,
        (Ok(is), _) => Some(format!("it is {is}, not {number}")),
        (Err(why), _) => Some(why),
    }
}

#[test]
fn the_numbers_that_callers_meet_are_those_of_the_code() {
    let constants = Constants::read();
    let mut problems = Vec::new();
    for row in rows() {
        let setting = settings::all().find(|setting| setting.variable() == row.source);
        let problem = match setting {
            Some(setting) => problem_of_setting(&row, setting),
            None if row.bounds != "fixed" => Some(format!("`{}` is no setting, so its bounds are `fixed`", row.source)),
            None => problem_of_constant(&constants, &row.source, &row.number),
        };
        let problem = problem.or((row.why.is_empty()).then(|| "it has no reason".to_owned()));
        problems.extend(problem.map(|problem| format!("{} ({}): {problem}", row.what, row.source)));
    }
    for row in inner_rows() {
        problems
            .extend(problem_of_constant(&constants, &row[0], &row[1]).map(|problem| format!("{}: {problem}", row[0])));
    }
    assert!(problems.is_empty(), "{DOCUMENT}:\n{}", problems.join("\n"));
}

#[test]
fn no_limit_is_left_out() {
    let constants = Constants::read();
    let sources = rows().into_iter().map(|row| row.source).chain(inner_rows().into_iter().map(|row| row[0].clone()));
    let sources: BTreeSet<String> = sources.collect();
    let named: BTreeSet<&str> =
        sources.iter().flat_map(|source| constants.find(source.split('.').next().unwrap())).collect();
    let constants: Vec<&str> = constants.limits().filter(|constant| !named.contains(constant)).collect();
    let bounded = settings::all().filter(|setting| setting.limits.is_some()).map(Setting::variable);
    let settings: Vec<String> = bounded.filter(|setting| !sources.contains(setting)).collect();
    assert!(
        constants.is_empty() && settings.is_empty(),
        "{DOCUMENT} says nothing of these limits:\n{}\n{}",
        constants.join("\n"),
        settings.join("\n")
    );
}
