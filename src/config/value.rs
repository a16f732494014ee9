//! Parsers of values and units that several settings share. Their errors never hold the text.

use std::path::PathBuf;
use std::str::FromStr;

pub(super) fn number<T: FromStr>(text: &str) -> Result<T, &'static str> {
    text.parse().map_err(|_| "must be a whole number")
}

pub(super) fn boolean(text: &str) -> Result<bool, &'static str> {
    text.parse().map_err(|_| "must be true or false")
}

/// A span in seconds.
pub(super) fn seconds(text: &str) -> Result<u32, &'static str> {
    const FORM: &str = "must be a span such as 30s, 15m, 8h or 30d";
    let (count, factor) = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400)]
        .into_iter()
        .find_map(|(unit, factor)| text.strip_suffix(unit).map(|count| (count, factor)))
        .ok_or(FORM)?;
    if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(FORM);
    }
    count.parse::<u32>().ok().and_then(|count| count.checked_mul(factor)).ok_or("is too long a span")
}

pub(super) fn path(text: &str) -> Result<PathBuf, &'static str> {
    if text.is_empty() || text.contains('\0') {
        return Err("must be a path");
    }
    Ok(PathBuf::from(text))
}

/// Items with commas between; no text is no item.
pub(super) fn list<T, E>(text: &str, parse: impl Fn(&str) -> Result<T, E>) -> Result<Vec<T>, E> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    text.split(',').map(|item| parse(item.trim())).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::tests::{accepted, refused};

    #[test]
    fn spans_are_a_count_and_a_unit() {
        assert_eq!(["0s", "90s", "15m", "8h", "30d"].map(seconds), [Ok(0), Ok(90), Ok(900), Ok(28_800), Ok(2_592_000)]);
        refused(
            seconds,
            &["", "s", "15", "15 m", "-1s", "+1s", "1.5h", "1w", "1M", "15m30s", "99999999999d", "60000d"],
        );
    }

    #[test]
    fn numbers_and_booleans_are_plain() {
        accepted(boolean, &["true", "false"]);
        refused(boolean, &["", "1", "yes", "True", " true"]);
        refused(number::<u32>, &["", "-1", "1.0", "1e3", "0x10", "16k", "4294967296"]);
    }

    #[test]
    fn paths_are_not_empty() {
        accepted(path, &["x", "/a b/c"]);
        refused(path, &["", "a\0b"]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = seconds(&text);
        }
    }
}
