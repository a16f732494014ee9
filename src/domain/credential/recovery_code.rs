//! Recovery codes: what somebody has on paper for the day on which no other second factor is at hand.
//!
//! A code is 80 random bits as 16 characters in groups of four, such as `k7vq-2m4x-h3pz-9c8d`: Crockford's base32 in lower
//! case, whose letters leave out `i`, `l`, `o` and `u`. Whoever copies a code may take a digit for a letter: `i` and `l`
//! are read as `1`, and `o` as `0`, so that nothing can be confused. RFC 4648 has no `0` and `1`, but both `i` and `l`,
//! which look alike in some hands and fonts.

use std::fmt;

use zeroize::Zeroizing;

use super::password::Password;
use crate::domain::secret::Secret;
use crate::domain::text::InvalidText;

/// How many codes a set has.
pub const CODES: usize = 10;
/// The random bytes that a set is made of.
pub const ENTROPY_BYTES: usize = CODES * BYTES;
/// The longest text that is looked at, in bytes.
pub const MAX_BYTES: usize = 64;
/// The random bytes of one code: NIST SP 800-63B-4 asks for 64 bits (section 4.2.1.1).
const BYTES: usize = 10;
const CHARACTERS: usize = 16;
const GROUP: usize = 4;
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A recovery code in its one form: 16 characters without hyphens.
#[derive(Clone)]
#[cfg_attr(test, derive(PartialEq))]
pub struct RecoveryCode(Zeroizing<[u8; CHARACTERS]>);

/// Makes a set of codes of random bytes.
#[must_use]
pub fn set(entropy: &[u8; ENTROPY_BYTES]) -> [RecoveryCode; CODES] {
    let (chunks, _) = entropy.as_chunks::<BYTES>();
    std::array::from_fn(|number| RecoveryCode::new(&chunks[number]))
}

impl RecoveryCode {
    fn new(bytes: &[u8; BYTES]) -> Self {
        let mut characters = Zeroizing::new([0; CHARACTERS]);
        let (halves, _) = bytes.as_chunks::<{ BYTES / 2 }>();
        let (texts, _) = characters.as_chunks_mut::<{ CHARACTERS / 2 }>();
        for ([a, b, c, d, e], text) in halves.iter().zip(texts) {
            let bits = u64::from_be_bytes([0, 0, 0, *a, *b, *c, *d, *e]);
            for (place, character) in text.iter_mut().rev().enumerate() {
                *character = ALPHABET[usize::from((bits >> (5 * place)).to_le_bytes()[0] & 31)];
            }
        }
        Self(characters)
    }

    /// Reads a code as somebody typed it: case, hyphens and spaces do not count. Anything else yields nothing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let mut characters = Zeroizing::new([0; CHARACTERS]);
        let mut typed = text.bytes().filter(|byte| !matches!(byte, b'-' | b' '));
        for character in characters.iter_mut() {
            *character = canonical(typed.next()?)?;
        }
        typed.next().is_none().then_some(Self(characters))
    }

    /// The code as its owner sees it: four groups of four.
    #[must_use]
    pub fn show(&self) -> Secret {
        let mut text = Zeroizing::new(String::with_capacity(CHARACTERS + CHARACTERS / GROUP - 1));
        for (place, character) in self.0.iter().enumerate() {
            if place > 0 && place % GROUP == 0 {
                text.push('-');
            }
            text.push(char::from(*character));
        }
        Secret::new(text.as_str())
    }

    /// The code as the hasher takes it. 80 bits are few enough that a slow hash has to stand for them at rest.
    pub fn to_password(&self) -> Result<Password, InvalidText> {
        let text = Zeroizing::new(self.0.iter().copied().map(char::from).collect::<String>());
        Password::presented(&text)
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode")
    }
}

/// The character of the alphabet that is meant.
fn canonical(typed: u8) -> Option<u8> {
    match typed.to_ascii_lowercase() {
        b'i' | b'l' => Some(b'1'),
        b'o' => Some(b'0'),
        character => ALPHABET.contains(&character).then_some(character),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn shown(code: &RecoveryCode) -> String {
        code.show().expose().to_owned()
    }

    #[test]
    fn a_code_is_80_bits_in_the_base32_of_crockford() {
        for (bytes, text) in [
            ([0; 10], "0000-0000-0000-0000"),
            ([0xff; 10], "zzzz-zzzz-zzzz-zzzz"),
            // 0, 1, …, 31 in five bits each are these twenty bytes.
            ([0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf], "0123-4567-89ab-cdef"),
            ([0x84, 0x65, 0x3a, 0x56, 0xd7, 0xc6, 0x75, 0xbe, 0x77, 0xdf], "ghjk-mnpq-rstv-wxyz"),
        ] {
            let code = RecoveryCode::new(&bytes);
            assert_eq!(shown(&code), text);
            assert_eq!(code.to_password().unwrap().expose(), text.replace('-', ""));
            assert_eq!(format!("{code:?}"), "RecoveryCode");
        }
    }

    #[test]
    fn a_set_has_ten_codes_of_bits_of_their_own() {
        let entropy: [u8; ENTROPY_BYTES] = std::array::from_fn(|place| u8::try_from(place).unwrap());
        let codes = set(&entropy).map(|code| shown(&code));
        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), 10);
        assert_eq!(codes[0], shown(&RecoveryCode::new(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9])));
        assert_eq!(codes[9], shown(&RecoveryCode::new(&[90, 91, 92, 93, 94, 95, 96, 97, 98, 99])));
    }

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = RecoveryCode::new(&[0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf]);
        for text in [
            "0123-4567-89ab-cdef",
            "0123456789abcdef",
            "0123-4567-89AB-CDEF",
            " 0123 4567 89ab cdef ",
            "--01-23--45 67-89abcdef",
            "o123-4567-89ab-cdef",
            "OI23-4567-89ab-cdef",
            "0l23-4567-89ab-cdef",
        ] {
            assert_eq!(RecoveryCode::parse(text).unwrap(), code, "{text}");
        }
        let spaces = |count: usize| " ".chars().cycle().take(count).collect::<String>();
        assert!(RecoveryCode::parse(&format!("0123456789abcdef{}", spaces(MAX_BYTES - 16))).is_some());
        for text in [
            "",
            "0123-4567-89ab-cde",
            "0123-4567-89ab-cdef0",
            "0123-4567-89ab-cdeu",
            "0123_4567_89ab_cdef",
            "0123-4567-89ab-cde\u{20}\u{308}",
            "\u{660}123-4567-89ab-cdef",
            "0123-4567-89ab-cdef\n",
            &format!("0123456789abcdef{}", spaces(MAX_BYTES - 15)),
        ] {
            assert!(RecoveryCode::parse(text).is_none(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_code_comes_back(bytes: [u8; 10]) {
            let code = RecoveryCode::new(&bytes);
            let text = shown(&code);
            prop_assert!(RecoveryCode::parse(&text).as_ref() == Some(&code));
            prop_assert!(RecoveryCode::parse(&text.to_uppercase()).as_ref() == Some(&code));
            prop_assert_eq!(text.len(), 19);
        }

        #[test]
        fn different_bits_are_different_codes(one: [u8; 10], other: [u8; 10]) {
            prop_assert_eq!(RecoveryCode::new(&one) == RecoveryCode::new(&other), one == other);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,80}") {
            let _ = RecoveryCode::parse(&text);
        }
    }
}
