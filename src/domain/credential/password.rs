//! Passwords and the policy for new ones (NIST SP 800-63B-4, section 3.1.1.2).

use unicode_normalization::UnicodeNormalization;

use super::password_blocklist;
use crate::domain::secret::Secret;
use crate::domain::text;
use crate::domain::text::InvalidText;

/// The longest password in bytes, before and after normalisation.
pub const MAX_BYTES: usize = 1024;
const MAX_CODE_POINTS: usize = 256;
/// The longest password hash in bytes.
pub const MAX_HASH_BYTES: usize = 512;

/// A password in Unicode Normalization Form C, the single transformation it undergoes: no trimming, no folding.
#[derive(Debug, Clone)]
pub struct Password {
    normalised: Secret,
    /// As it came, if that is something else.
    written: Option<Secret>,
}

impl Password {
    /// Takes a password as it was typed, to be compared with a stored hash.
    pub fn presented(input: &str) -> Result<Self, InvalidText> {
        text::required(input, MAX_BYTES)?;
        let normalised = Secret::new(input.nfc().collect::<String>());
        let written = (normalised.expose() != input).then(|| Secret::new(input));
        Ok(Self { normalised, written })
    }

    /// The normalised password, for the hash.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.normalised.expose()
    }

    /// The password as it came, if it was not in Form C: other systems may have hashed it like that.
    #[must_use]
    pub fn as_it_came(&self) -> Option<&str> {
        self.written.as_ref().map(Secret::expose)
    }
}

/// A new password that has the form of one, and the names that it must not be made of.
#[derive(Debug, Clone)]
pub struct NewPassword {
    password: Password,
    context: Vec<String>,
}

impl NewPassword {
    /// The same password of an account with these names: address, username, name.
    #[must_use]
    pub fn of_account(mut self, names: &[&str]) -> Self {
        self.context.extend(names.iter().map(|&name| name.to_owned()));
        self
    }

    /// The password, unless it is one that attackers try first. This takes milliseconds of computation.
    pub fn accept(&self) -> Result<&Password, PasswordRejected> {
        let context: Vec<&str> = self.context.iter().map(String::as_str).collect();
        if password_blocklist::contains(self.password.expose(), &context) {
            return Err(PasswordRejected::Blocklisted);
        }
        Ok(&self.password)
    }
}

/// A password hash as text that names its own function and parameters. New ones are in PHC string format.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes the text in.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// Why a new password is not acceptable. No variant carries the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRejected {
    /// Fewer code points than the policy's minimum.
    #[error("must have at least {minimum} code points")]
    TooShort {
        /// The policy's minimum.
        minimum: usize,
    },
    /// More than 256 code points or 1024 bytes; it is never cut.
    #[error("must have at most 256 code points and 1024 bytes")]
    TooLong,
    /// A common password, or one made of the account's own names.
    #[error("is too common or contains little but the names of the account")]
    Blocklisted,
    /// Not text that can be kept.
    #[error(transparent)]
    Text(#[from] InvalidText),
}

/// The policy for new passwords. There are no composition rules and no expiry.
#[derive(Debug, Clone)]
pub struct PasswordPolicy {
    minimum: usize,
    service_words: Vec<String>,
}

impl PasswordPolicy {
    /// A policy with this minimum length in code points. `service_words` name the service; passwords made of them are
    /// refused.
    #[must_use]
    pub fn new(minimum: usize, service_words: Vec<String>) -> Self {
        Self { minimum, service_words }
    }

    /// The least code points.
    #[must_use]
    pub const fn minimum(&self) -> usize {
        self.minimum
    }

    /// Reads a new password: its form and length. `NewPassword::accept` decides about the rest.
    pub fn read(&self, input: &str) -> Result<NewPassword, PasswordRejected> {
        if input.len() > MAX_BYTES {
            return Err(PasswordRejected::TooLong);
        }
        let password = Password::presented(input)?;
        let length = password.expose().chars().count();
        if length > MAX_CODE_POINTS || password.expose().len() > MAX_BYTES {
            return Err(PasswordRejected::TooLong);
        }
        if length < self.minimum {
            return Err(PasswordRejected::TooShort { minimum: self.minimum });
        }
        Ok(NewPassword { password, context: self.service_words.clone() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policy() -> PasswordPolicy {
        PasswordPolicy::new(15, vec!["ipse".into(), "id.example".into()])
    }

    fn verdict(password: &str) -> Result<(), PasswordRejected> {
        let names = ["alice.smith@example.com", "alice.smith", "Alice Smith"];
        policy().read(password)?.of_account(&names).accept().map(|_| ())
    }

    #[test]
    fn length_counts_code_points_after_nfc() {
        assert_eq!(verdict(&["\u{1F600}"; 15].concat()), Ok(()));
        assert_eq!(verdict(&["\u{1F600}"; 14].concat()), Err(PasswordRejected::TooShort { minimum: 15 }));
        // 14 letters, one of them written as two code points.
        assert_eq!(verdict("kfhwbe\u{301}gqpzmxuv"), Err(PasswordRejected::TooShort { minimum: 15 }));
        assert_eq!(verdict(&["kfhwbvgq"; 32].concat()), Ok(()));
        assert_eq!(verdict(&(["kfhwbvgq"; 32].concat() + "x")), Err(PasswordRejected::TooLong));
        assert_eq!(verdict(&["\u{1F600}"; 256].concat()), Ok(()));
        assert_eq!(verdict(&vec!["x"; 1025].concat()), Err(PasswordRejected::TooLong));
    }

    #[test]
    fn there_are_no_composition_rules() {
        for password in ["kfhwbvgqpzmxuvy", "correct horse battery staple", "        x        y"] {
            assert_eq!(verdict(password), Ok(()), "{password}");
        }
    }

    #[test]
    fn common_and_contextual_passwords_are_refused() {
        for password in [
            "passwordpassword",
            "PasswordPassword",
            "123456789012345",
            "1234567890123456",
            "qwertyuiopasdfgh",
            "aaaaaaaaaaaaaaa",
            "alice.smith@example.com",
            "Alice.Smith@Example.com",
            "alice.smithalice.smith",
            "ipseipseipseipse",
            "iloveyouiloveyou",
            "P4ssw0rdP4ssw0rd",
            "abcdefghijklmnop",
            "1qaz2wsx3edc4rfv5tgb",
            "zyxwvutsrqponmlkjihg",
            "Id.Example2026!",
            "alice.smith.example.com.1987",
            "smith-alice-2024-!!",
            "abababababababab",
            "alice!smith?2024#-",
            "alicesmith2024xkq",
            "x7kx7kx7kx7kx7k",
            // Two words, one of them repeated, and every other digit or one character over and over for a word.
            "monkeymonkeysunshine",
            "encyclopedia97531",
            "encyclopedia!!!!!",
            &["password"; 9].concat(),
            &["a"; 65].concat(),
            &("alice.smith".to_owned() + &["@"; 20].concat() + "alice.smith@example.com"),
            &["alice.smith@example.com"; 4].concat(),
        ] {
            assert_eq!(verdict(password), Err(PasswordRejected::Blocklisted), "{password}");
        }
    }

    #[test]
    fn a_guessable_part_does_not_spoil_a_long_password() {
        for password in [
            "correct horse battery staple 2026",
            "alice likes muddy puddles",
            "qwerty kfhwbvgqpz",
            "90210 81726 53094 17",
            "die drei lustigen vier",
            "encyclopediaacegik",
            "encyclopedia!?!?!?",
            &("kfhwbvgqpzmxuvy".to_owned() + &["1234567890"; 5].concat()),
        ] {
            assert_eq!(verdict(password), Ok(()), "{password}");
        }
    }

    #[test]
    fn four_characters_beside_what_can_be_guessed_are_enough() {
        for password in [
            "alicesmith2024xkqv",
            "alicesmith2024\u{1F600}\u{1F388}\u{1F3A9}\u{1F3B8}",
            "x7kqx7kqx7kqx7kq",
            "qwertyuiop1234x7kx",
            // Digits before or after it: that is no year.
            "alicesmith82019xq",
            "alicesmithx20198q",
        ] {
            assert_eq!(verdict(password), Ok(()), "{password}");
        }
    }

    #[test]
    fn both_forms_of_a_letter_are_one_password() {
        let composed = Password::presented("caf\u{e9}").unwrap();
        let decomposed = Password::presented("cafe\u{301}").unwrap();
        assert_eq!(composed.expose(), decomposed.expose());
        assert_eq!((composed.as_it_came(), decomposed.as_it_came()), (None, Some("cafe\u{301}")));
        assert_eq!(Password::presented(" a ").unwrap().expose(), " a ");
        assert!(Password::presented("a\0b").is_err());
    }

    proptest! {
        #[test]
        fn no_password_panics(text in "\\PC{0,300}") {
            let _ = verdict(&text);
        }
    }
}
