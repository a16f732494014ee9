//! Free attributes that an application keeps with a person.

/// The longest attributes as JSON text, in bytes.
pub const MAX_BYTES: usize = 8 * 1024;

/// The attributes are too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be at most 8192 bytes as JSON")]
pub struct AttributesTooLarge;

/// A JSON object as text, whose meaning is the application's alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes(String);

impl Attributes {
    /// Takes a JSON object in its text form.
    pub fn new(json: String) -> Result<Self, AttributesTooLarge> {
        if json.len() > MAX_BYTES { Err(AttributesTooLarge) } else { Ok(Self(json)) }
    }

    /// The JSON text.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl Default for Attributes {
    /// The empty object.
    fn default() -> Self {
        Self("{}".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_holds_at_the_boundary() {
        assert!(Attributes::new(vec!["x"; 8192].concat()).is_ok());
        assert_eq!(Attributes::new(vec!["x"; 8193].concat()), Err(AttributesTooLarge));
    }
}
