//! What the fuzz targets share.

pub mod authenticator;
pub mod call;
pub mod import;
pub mod issuer;
pub mod message;
pub mod service;

/// Bytes that are taken from the front. When none are left, there are zeros and empty texts.
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    /// As many of the next bytes as there are, up to `most`.
    pub fn take(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A part that has its length, up to 65,535 bytes, before it.
    pub fn part(&mut self) -> &'a [u8] {
        let length = u16::from_be_bytes([self.byte(), self.byte()]);
        self.take(length.into())
    }

    /// The part, if it is text.
    pub fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.part()).ok()
    }

    /// One of these.
    pub fn choose<'c, T>(&mut self, choices: &'c [T]) -> &'c T {
        &choices[usize::from(self.byte()) % choices.len()]
    }
}
