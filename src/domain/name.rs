//! What operators call things, and say of them.

use super::text::{self, InvalidText};

/// The text is not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 64 characters of a-z, 0-9, dot, underscore and hyphen, and begin with a letter")]
pub struct InvalidName;

/// What a role or a service account is called, for people and for claims, exactly as written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let is_allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
        let begins_well = text.starts_with(|c: char| c.is_ascii_lowercase());
        if begins_well && text.len() <= 64 && text.bytes().all(is_allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidName)
        }
    }

    /// The name that these bytes spell.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::parse(std::str::from_utf8(bytes).ok()?).ok()
    }

    /// The name as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a role or a service account is for: one line of at most 256 code points, perhaps empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description(String);

impl Description {
    /// Reads a description.
    pub fn parse(input: &str) -> Result<Self, InvalidText> {
        text::line(input, 256).map(|text| Self(text.to_owned()))
    }

    /// The description as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_word_of_64_characters() {
        for name in ["a", "support", "order-desk_2.eu", &["a"; 64].concat()] {
            assert!(Name::parse(name).is_ok(), "{name}");
        }
        for name in ["", "2a", "-a", "Support", "a b", "ä", "a\0", &["a"; 65].concat()] {
            assert_eq!(Name::parse(name), Err(InvalidName), "{name:?}");
        }
    }
}
