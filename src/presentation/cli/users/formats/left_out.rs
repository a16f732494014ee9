//! What rows say that Ipse has no place for: told at the end of an import, with the number of rows.

use std::collections::{BTreeMap, BTreeSet};

/// How many names are told of: a file in which each row has others must not fill the memory.
const MAX_NAMES: usize = 200;
const MAX_NAME_CHARACTERS: usize = 80;

/// In how many rows something was left out, by its name.
#[derive(Debug, Default)]
pub(in crate::presentation::cli::users) struct LeftOut {
    rows: BTreeMap<String, u64>,
    others: u64,
}

impl LeftOut {
    /// Adds what was left out of a row.
    pub(super) fn add(&mut self, names: BTreeSet<String>) {
        for name in names {
            self.add_one(&name);
        }
    }

    /// Adds one thing that was left out of a row.
    pub(in crate::presentation::cli::users) fn add_one(&mut self, name: &str) {
        let name: String =
            name.chars().take(MAX_NAME_CHARACTERS).map(|c| if c.is_control() { ' ' } else { c }).collect();
        if self.rows.len() < MAX_NAMES || self.rows.contains_key(&name) {
            *self.rows.entry(name).or_default() += 1;
        } else {
            self.others += 1;
        }
    }

    /// What to tell: nothing if nothing was left out.
    pub(in crate::presentation::cli::users) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.rows.is_empty() {
            lines.push("left out:".to_owned());
        }
        let rows = |rows: u64| if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
        lines.extend(self.rows.iter().map(|(name, count)| format!("  {name}: {}", rows(*count))));
        if self.others > 0 {
            lines.push(format!("  and under other names: {} times", self.others));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_and_bounded() {
        let mut left_out = LeftOut::default();
        assert!(left_out.lines().is_empty());
        left_out.add(["groups".to_owned(), "a\nb".to_owned()].into());
        left_out.add(["groups".to_owned()].into());
        assert_eq!(left_out.lines()[1..], ["  a b: 1 row", "  groups: 2 rows"]);
        for number in 0..1000 {
            left_out.add_one(&format!("name {number}"));
        }
        assert_eq!(left_out.lines().len(), MAX_NAMES + 2);
        assert_eq!(left_out.lines().last().unwrap(), "  and under other names: 802 times");
    }
}
