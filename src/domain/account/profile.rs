//! What people say about themselves: display name and language.

use crate::domain::text;
use crate::domain::text::InvalidText;

/// The name to show: one line of at most 128 code points, perhaps empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// Reads a display name.
    pub fn parse(input: &str) -> Result<Self, InvalidText> {
        text::line(input, 128).map(|text| Self(text.to_owned()))
    }

    /// The name as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is not a language tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a BCP 47 language tag such as en or de-CH, of at most 35 characters")]
pub struct InvalidLocale;

/// A language tag in the form of BCP 47 (RFC 5646): subtags of 1 to 8 letters and digits, the first of 2 or 3 letters.
/// Whether there is a mail template in the language is not checked here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locale(String);

impl Locale {
    /// Reads a language tag.
    pub fn parse(input: &str) -> Result<Self, InvalidLocale> {
        let mut subtags = input.split('-');
        let language = subtags.next().unwrap_or_default();
        let well_formed = input.len() <= 35
            && (2..=3).contains(&language.len())
            && language.bytes().all(|b| b.is_ascii_alphabetic())
            && subtags.all(|tag| (1..=8).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric()));
        if well_formed { Ok(Self(input.to_owned())) } else { Err(InvalidLocale) }
    }

    /// The tag as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_name_is_one_line_of_128_code_points() {
        assert!(DisplayName::parse("").is_ok());
        assert!(DisplayName::parse(&["é"; 128].concat()).is_ok());
        assert_eq!(DisplayName::parse(&["é"; 129].concat()), Err(InvalidText::TooManyCodePoints(128)));
        assert_eq!(DisplayName::parse("A\r\nBcc: b@c.de"), Err(InvalidText::Control));
    }

    #[test]
    fn a_locale_has_the_form_of_a_language_tag() {
        for tag in ["en", "de-CH", "zh-Hant-TW", "sr-Latn-RS"] {
            assert!(Locale::parse(tag).is_ok(), "{tag}");
        }
        for tag in ["", "e", "en_US", "en-", "../en", "en-123456789", "deutsch", "de-\0", &["en-abcdefgh"; 4].concat()]
        {
            assert_eq!(Locale::parse(tag), Err(InvalidLocale), "{tag:?}");
        }
    }
}
