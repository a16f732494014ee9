//! Sealing with AES-256-GCM under a key that is not in the database.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use zeroize::Zeroizing;

use super::sealed_mail::SealedMail;
use crate::application::ports::{SealError, Sealer};
use crate::domain::id::MailId;
use crate::domain::mail::Mail;
use crate::domain::secret::SecretKey;

/// The form of sealed bytes: this version, four bytes that name the key, the nonce, the ciphertext, the tag.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// Seals and opens under a key derived from the master key.
///
/// Nonces are random, drawn by AWS-LC itself, so that none can be chosen twice by mistake. One key is good for 2^32
/// seals (NIST SP 800-38D, section 8.3); a seal is made for each mail and each key.
pub struct SecretBox {
    key: RandomizedNonceKey,
    /// Version and key id.
    head: [u8; 5],
}

impl SecretBox {
    /// Prepares the key.
    pub fn new(master_key: &SecretKey) -> Result<Self, SealError> {
        let key = master_key.derive("sealing");
        let [a, b, c, d, ..] = *key.derive("key id").expose();
        let key = RandomizedNonceKey::new(&AES_256_GCM, key.expose()).map_err(|Unspecified| SealError)?;
        Ok(Self { key, head: [VERSION, a, b, c, d] })
    }

    /// Tells a wrong key from damage in the log, as the two call for different repairs.
    fn check_head(&self, place: &str, head: [u8; 5]) -> Result<(), SealError> {
        if head == self.head {
            return Ok(());
        }
        if head[0] == VERSION {
            tracing::error!(place, "sealed bytes were sealed under another master key");
        } else {
            tracing::error!(place, version = head[0], "sealed bytes are of an unknown version");
        }
        Err(SealError)
    }
}

impl Sealer for SecretBox {
    fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        // With room for the tag, the plain text is not moved, and no copy of it stays behind.
        let mut text = Vec::with_capacity(plain.len() + TAG_BYTES);
        text.extend_from_slice(plain);
        let nonce = self.key.seal_in_place_append_tag(Aad::from(place), &mut text).map_err(|Unspecified| SealError)?;
        Ok([&self.head[..], nonce.as_ref(), &text].concat())
    }

    fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (head, rest) = sealed.split_first_chunk().ok_or(SealError)?;
        self.check_head(place, *head)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealError)?;
        let mut text = Zeroizing::new(text.to_vec());
        let opened = self
            .key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(place), &mut text)
            .map_err(|Unspecified| SealError)?;
        let length = opened.len();
        text.truncate(length);
        Ok(text)
    }

    fn seal_mail(&self, mail: &Mail) -> Result<Vec<u8>, SealError> {
        self.seal(&mail_place(mail.id), &SealedMail::of(mail).to_json()?)
    }

    fn open_mail(&self, id: MailId, sealed: &[u8]) -> Result<Mail, SealError> {
        SealedMail::from_json(&self.open(&mail_place(id), sealed)?)?.into_mail(id)
    }
}

fn mail_place(id: MailId) -> String {
    format!("mail_outbox/{id}/sealed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::email::EmailAddress;
    use crate::domain::mail::{self, MailContent};
    use crate::domain::profile::{DisplayName, Locale};

    const PLACE: &str = "signing_keys/k/private_key";
    const PLAIN: &[u8] = b"a canary in plain text";

    fn secret_box(master_key: u8) -> SecretBox {
        SecretBox::new(&SecretKey::new([master_key; 32])).unwrap()
    }

    #[test]
    fn sealed_bytes_open_at_their_place_alone() {
        let secret_box = secret_box(1);
        let sealed = secret_box.seal(PLACE, PLAIN).unwrap();
        assert_eq!(secret_box.open(PLACE, &sealed).unwrap().as_slice(), PLAIN);
        assert!(secret_box.open("signing_keys/l/private_key", &sealed).is_err());
        assert!(secret_box.open("", &sealed).is_err());
        let nothing = secret_box.seal(PLACE, b"").unwrap();
        assert!(secret_box.open(PLACE, &nothing).unwrap().is_empty());
    }

    #[test]
    fn sealed_bytes_show_nothing_and_differ_each_time() {
        let secret_box = secret_box(1);
        let (first, second) = (secret_box.seal(PLACE, PLAIN).unwrap(), secret_box.seal(PLACE, PLAIN).unwrap());
        assert!(!first.windows(6).any(|window| window == &PLAIN[2..8]));
        assert_eq!(first.len(), 1 + 4 + NONCE_BYTES + PLAIN.len() + TAG_BYTES);
        assert_eq!(first[..5], second[..5]);
        assert_ne!(first[5..17], second[5..17]);
        assert_ne!(first[17..], second[17..]);
    }

    #[test]
    fn no_bit_can_be_changed_and_no_byte_cut() {
        let secret_box = secret_box(1);
        let sealed = secret_box.seal(PLACE, PLAIN).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(secret_box.open(PLACE, &changed), Err(SealError), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert_eq!(secret_box.open(PLACE, &sealed[..length]), Err(SealError), "{length} bytes");
        }
    }

    #[test]
    fn another_master_key_opens_nothing_even_under_the_same_name() {
        let mut sealed = secret_box(1).seal(PLACE, PLAIN).unwrap();
        let other = secret_box(2);
        assert_ne!(sealed[..5], other.head);
        assert_eq!(other.open(PLACE, &sealed), Err(SealError));
        sealed[..5].copy_from_slice(&other.head);
        assert_eq!(other.open(PLACE, &sealed), Err(SealError));
    }

    #[test]
    fn each_kind_of_mail_round_trips_and_shows_nothing() {
        let secret_box = secret_box(1);
        for content in mail::fixture::contents() {
            for locale in [None, Some(Locale::parse("de-CH").unwrap())] {
                let mail = Mail {
                    id: MailId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap(),
                    recipient: EmailAddress::parse("Canary@B\u{fc}cher.example").unwrap(),
                    display_name: DisplayName::parse("Canary \"O'Neil\"").unwrap(),
                    locale,
                    content: content.clone(),
                };
                let sealed = secret_box.seal_mail(&mail).unwrap();
                assert_eq!(secret_box.open_mail(mail.id, &sealed), Ok(mail));
                for word in ["anary", "token", "verify_email", "O'Neil"] {
                    assert!(!sealed.windows(word.len()).any(|window| window == word.as_bytes()), "{word}");
                }
            }
        }
    }

    #[test]
    fn a_mail_does_not_open_under_another_id() {
        let secret_box = secret_box(1);
        let [id, other] = ["01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8058"]
            .map(|id| MailId::parse(id).unwrap());
        let recipient = EmailAddress::parse("a@b.de").unwrap();
        let content = MailContent::PasswordChanged;
        let mail = Mail { id, recipient, display_name: DisplayName::default(), locale: None, content };
        let sealed = secret_box.seal_mail(&mail).unwrap();
        assert_eq!(secret_box.open_mail(other, &sealed), Err(SealError));
    }
}
