//! Limits that every text from outside keeps.

/// Why a text is not acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing was given.
    #[error("is required")]
    Missing,
    /// More than the field's maximum in bytes.
    #[error("must be at most {0} bytes")]
    TooManyBytes(usize),
    /// More than the field's maximum in code points.
    #[error("must be at most {0} code points")]
    TooManyCodePoints(usize),
    /// U+0000, which neither store keeps alike.
    #[error("must not contain U+0000")]
    Nul,
    /// A control character where a line of text is meant.
    #[error("must not contain control characters")]
    Control,
}

/// Text of at most `max` bytes that is present and free of U+0000.
pub fn required(text: &str, max: usize) -> Result<&str, InvalidText> {
    if text.is_empty() {
        return Err(InvalidText::Missing);
    }
    optional(text, max)
}

/// Text of at most `max` bytes that is free of U+0000.
pub fn optional(text: &str, max: usize) -> Result<&str, InvalidText> {
    if text.len() > max {
        return Err(InvalidText::TooManyBytes(max));
    }
    if text.contains('\0') {
        return Err(InvalidText::Nul);
    }
    Ok(text)
}

/// One line of text of at most `max` code points, free of control characters.
pub fn line(text: &str, max: usize) -> Result<&str, InvalidText> {
    if text.chars().nth(max).is_some() {
        return Err(InvalidText::TooManyCodePoints(max));
    }
    if text.contains('\0') {
        return Err(InvalidText::Nul);
    }
    if text.chars().any(char::is_control) {
        return Err(InvalidText::Control);
    }
    Ok(text)
}

/// Whether nobody sees the character: blanks, and what only steers how text is shown.
#[must_use]
pub fn is_blank(c: char) -> bool {
    let steers = matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{e0000}'..='\u{e0fff}');
    c.is_whitespace() || c.is_control() || steers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_hold_at_the_boundary() {
        assert_eq!(required("", 3), Err(InvalidText::Missing));
        assert_eq!(required("abc", 3), Ok("abc"));
        assert_eq!(required("abcd", 3), Err(InvalidText::TooManyBytes(3)));
        assert_eq!(optional("", 3), Ok(""));
        assert_eq!(optional("a\0", 3), Err(InvalidText::Nul));
        assert_eq!(line("äöü", 3), Ok("äöü"));
        assert_eq!(line("äöüß", 3), Err(InvalidText::TooManyCodePoints(3)));
        assert_eq!(line("a\r\nb", 9), Err(InvalidText::Control));
    }
}
