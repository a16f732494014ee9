//! Usernames.

use crate::domain::text;

/// Why a text is not a username.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUsername {
    /// Not 3 to 32 characters.
    #[error("must have 3 to 32 characters")]
    Length,
    /// A character outside `a-z 0-9 . _ -`.
    #[error("must consist of a-z, 0-9, dot, underscore and hyphen")]
    Character,
    /// A blank, or a character that nobody sees.
    #[error("must not contain spaces, line breaks or invisible characters")]
    Space,
    /// A mark at an end, or two marks in a row.
    #[error("must begin and end with a letter or digit and have no two marks in a row")]
    Mark,
}

/// A username, in lower case. It never contains `@`, so it is never mistaken for an e-mail address, and it is ASCII,
/// so no two usernames look alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Username(String);

impl Username {
    /// Reads a username; upper case is taken as lower case.
    pub fn parse(input: &str) -> Result<Self, InvalidUsername> {
        if input.chars().any(text::is_blank) {
            return Err(InvalidUsername::Space);
        }
        if !(3..=32).contains(&input.chars().count()) {
            return Err(InvalidUsername::Length);
        }
        Self::canonical_prefix(input)?;
        let bytes = input.as_bytes();
        let ends_in_mark = bytes.first().copied().is_some_and(is_mark) || bytes.last().copied().is_some_and(is_mark);
        if ends_in_mark || bytes.windows(2).any(|pair| pair.iter().copied().all(is_mark)) {
            return Err(InvalidUsername::Mark);
        }
        Ok(Self(input.to_ascii_lowercase()))
    }

    /// The beginning of usernames that this one stands for, perhaps empty.
    pub fn canonical_prefix(input: &str) -> Result<String, InvalidUsername> {
        if !input.bytes().all(|b| b.is_ascii_alphanumeric() || is_mark(b)) {
            return Err(InvalidUsername::Character);
        }
        Ok(input.to_ascii_lowercase())
    }

    /// The username in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_mark(b: u8) -> bool {
    b"._-".contains(&b)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn upper_case_is_taken_as_lower_case() {
        assert_eq!(Username::parse("Alice.B-1_x").unwrap().as_str(), "alice.b-1_x");
    }

    #[test]
    fn what_is_not_a_username_is_refused() {
        for (text, why) in [
            ("", InvalidUsername::Length),
            ("ab", InvalidUsername::Length),
            ("a2345678901234567890123456789012x", InvalidUsername::Length),
            ("a b", InvalidUsername::Space),
            (" alice", InvalidUsername::Space),
            ("alice\n", InvalidUsername::Space),
            ("ali\u{200b}ce", InvalidUsername::Space),
            ("alice\u{ad}", InvalidUsername::Space),
            ("\u{feff}alice", InvalidUsername::Space),
            ("ａｌｉｃｅ", InvalidUsername::Character),
            ("a@b", InvalidUsername::Character),
            ("älice", InvalidUsername::Character),
            ("a\0b", InvalidUsername::Space),
            (".ab", InvalidUsername::Mark),
            ("ab-", InvalidUsername::Mark),
            ("a..b", InvalidUsername::Mark),
        ] {
            assert_eq!(Username::parse(text), Err(why), "{text:?}");
        }
    }

    #[test]
    fn a_beginning_may_be_short_and_end_in_a_mark() {
        assert_eq!(Username::canonical_prefix(""), Ok(String::new()));
        assert_eq!(Username::canonical_prefix("Al."), Ok("al.".to_owned()));
        assert_eq!(Username::canonical_prefix("a@"), Err(InvalidUsername::Character));
    }

    proptest! {
        #[test]
        fn no_text_panics_and_a_username_is_a_fixed_point(text in "\\PC{0,40}") {
            if let Ok(name) = Username::parse(&text) {
                prop_assert_eq!(Username::parse(name.as_str()).unwrap(), name);
            }
        }
    }
}
