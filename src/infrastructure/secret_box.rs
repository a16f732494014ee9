//! Sealing with AES-256-GCM under a key that is not in the database.
//!
//! What is sealed names its master key, and several can be given: one that seals and opens (`IPSE_MASTER_KEY`), and others
//! that open only (`IPSE_OTHER_MASTER_KEYS`, with commas between). So the master key is changed while the service runs:
//!
//! 1. Make a new key: `openssl rand -base64 32`. Give it to every replica as one of the *other* keys, and restart them one
//!    by one. From now on, each opens what either key sealed. Without this step, replicas that know only the old key could
//!    not open what a replica with the new one seals.
//! 2. Give every replica the new key as `IPSE_MASTER_KEY` and the old one as one of the other keys, one by one.
//! 3. When all of them run so, `ipse keys rewrap` with the same settings seals everything anew. It may break off and begin
//!    again, and says when nothing is left under other keys.
//! 4. Take the old key out of the other keys, one replica after the other. Keep it for as long as backups are kept that
//!    were made before the third step.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use zeroize::Zeroizing;

use crate::application::ports::{SealError, SealedPlace, Sealer};
use crate::domain::secret::SecretKey;

/// The form of sealed bytes: this version, four bytes that name the key, the nonce, the ciphertext, the tag.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// Seals under a key derived from the current master key, and opens under those derived from any that is given.
///
/// Nonces are random, drawn by AWS-LC itself, so that none can be chosen twice by mistake. One key is good for 2^32
/// seals (NIST SP 800-38D, section 8.3); a seal is made for each mail, each key and each answer to be repeated.
pub struct SecretBox {
    current: SealingKey,
    others: Vec<SealingKey>,
}

/// A key of one master key.
struct SealingKey {
    key: RandomizedNonceKey,
    /// Version and key id.
    head: [u8; 5],
}

impl SecretBox {
    /// Prepares the keys: the one that seals, and others that open what was sealed under them.
    pub fn new(master_key: &SecretKey, others: &[SecretKey]) -> Result<Self, SealError> {
        let others = others.iter().map(SealingKey::new).collect::<Result<_, _>>()?;
        Ok(Self { current: SealingKey::new(master_key)?, others })
    }

    /// The key of this name. Tells a missing key from damage in the log, as the two call for different repairs.
    fn key(&self, place: &SealedPlace, head: [u8; 5]) -> Result<&SealingKey, SealError> {
        let found = [&self.current].into_iter().chain(&self.others).find(|key| key.head == head);
        found.ok_or_else(|| {
            if head[0] == VERSION {
                tracing::error!(%place, "sealed under a master key that is not given: add it to IPSE_OTHER_MASTER_KEYS");
                SealError::UnknownKey
            } else {
                tracing::error!(%place, version = head[0], "sealed bytes are of an unknown version");
                SealError::Damaged
            }
        })
    }
}

impl SealingKey {
    fn new(master_key: &SecretKey) -> Result<Self, SealError> {
        let key = master_key.derive("sealing");
        let [a, b, c, d, ..] = *key.derive("key id").expose();
        let key = RandomizedNonceKey::new(&AES_256_GCM, key.expose()).map_err(|Unspecified| SealError::Damaged)?;
        Ok(Self { key, head: [VERSION, a, b, c, d] })
    }
}

impl Sealer for SecretBox {
    fn seal(&self, place: &SealedPlace, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let (place, SealingKey { key, head }) = (place.to_string(), &self.current);
        // With room for the tag, the plain text is not moved, and no copy of it stays behind.
        let mut text = Vec::with_capacity(plain.len() + TAG_BYTES);
        text.extend_from_slice(plain);
        let nonce =
            key.seal_in_place_append_tag(Aad::from(&place), &mut text).map_err(|Unspecified| SealError::Damaged)?;
        Ok([&head[..], nonce.as_ref(), &text].concat())
    }

    fn open(&self, place: &SealedPlace, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (head, rest) = sealed.split_first_chunk().ok_or(SealError::Damaged)?;
        let SealingKey { key, .. } = self.key(place, *head)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::Damaged)?;
        let mut text = Zeroizing::new(text.to_vec());
        let opened = key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(place.to_string()), &mut text)
            .map_err(|Unspecified| SealError::Damaged)?;
        let length = opened.len();
        text.truncate(length);
        Ok(text)
    }

    fn is_current(&self, sealed: &[u8]) -> bool {
        sealed.starts_with(&self.current.head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::ports::RequestKey;
    use crate::domain::id::{JobId, RequestId, UserId};

    const PLAIN: &[u8] = b"a canary in plain text";

    fn secret_box(master_key: u8) -> SecretBox {
        SecretBox::new(&SecretKey::new([master_key; 32]), &[]).unwrap()
    }

    fn place() -> SealedPlace {
        SealedPlace::SigningKey("k".to_owned())
    }

    #[test]
    fn sealed_bytes_open_at_their_place_alone() {
        let secret_box = secret_box(1);
        let sealed = secret_box.seal(&place(), PLAIN).unwrap();
        assert_eq!(secret_box.open(&place(), &sealed).unwrap().as_slice(), PLAIN);
        for elsewhere in [SealedPlace::SigningKey("l".to_owned()), SealedPlace::ServerSecret("k".to_owned())] {
            assert_eq!(secret_box.open(&elsewhere, &sealed), Err(SealError::Damaged), "{elsewhere}");
        }
        let nothing = secret_box.seal(&place(), b"").unwrap();
        assert!(secret_box.open(&place(), &nothing).unwrap().is_empty());
    }

    #[test]
    fn sealed_bytes_show_nothing_and_differ_each_time() {
        let secret_box = secret_box(1);
        let (first, second) = (secret_box.seal(&place(), PLAIN).unwrap(), secret_box.seal(&place(), PLAIN).unwrap());
        assert!(!first.windows(6).any(|window| window == &PLAIN[2..8]));
        assert_eq!(first.len(), 1 + 4 + NONCE_BYTES + PLAIN.len() + TAG_BYTES);
        assert_eq!(first[..5], second[..5]);
        assert_ne!(first[5..17], second[5..17]);
        assert_ne!(first[17..], second[17..]);
    }

    #[test]
    fn no_bit_can_be_changed_and_no_byte_cut() {
        let secret_box = secret_box(1);
        let sealed = secret_box.seal(&place(), PLAIN).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(secret_box.open(&place(), &changed).is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert_eq!(secret_box.open(&place(), &sealed[..length]), Err(SealError::Damaged), "{length} bytes");
        }
    }

    #[test]
    fn another_master_key_opens_nothing_even_under_the_same_name() {
        let mut sealed = secret_box(1).seal(&place(), PLAIN).unwrap();
        let other = secret_box(2);
        assert!(!other.is_current(&sealed));
        assert_eq!(other.open(&place(), &sealed), Err(SealError::UnknownKey));
        sealed[..5].copy_from_slice(&other.current.head);
        assert_eq!(other.open(&place(), &sealed), Err(SealError::Damaged));
    }

    #[test]
    fn other_master_keys_open_what_they_sealed_and_seal_nothing() {
        let (old, new) = (SecretKey::new([1; 32]), SecretKey::new([2; 32]));
        let both = SecretBox::new(&new, &[SecretKey::new([3; 32]), old]).unwrap();
        let before = secret_box(1).seal(&place(), PLAIN).unwrap();
        assert_eq!(both.open(&place(), &before).unwrap().as_slice(), PLAIN);
        assert!(!both.is_current(&before) && secret_box(1).is_current(&before));
        let after = both.seal(&place(), PLAIN).unwrap();
        assert!(both.is_current(&after));
        assert_eq!(secret_box(2).open(&place(), &after).unwrap().as_slice(), PLAIN);
        assert_eq!(secret_box(1).open(&place(), &after), Err(SealError::UnknownKey));
    }

    #[test]
    fn places_have_the_names_that_stored_bytes_are_bound_to() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let key =
            RequestKey { caller_id: *UserId::parse(id).unwrap().as_uuid(), request_id: RequestId::parse(id).unwrap() };
        for (place, name) in [
            (SealedPlace::ServerSecret("root".to_owned()), "server_secrets/root/sealed".to_owned()),
            (place(), "signing_keys/k/sealed_private_key".to_owned()),
            (SealedPlace::Job(JobId::parse(id).unwrap()), format!("mail_outbox/{id}/sealed")),
            (SealedPlace::Answer(key), format!("answered_requests/{id}/{id}/sealed")),
        ] {
            assert_eq!(place.to_string(), name);
        }
    }

    #[test]
    fn what_a_job_carries_shows_nothing_and_opens_for_no_other_job() {
        let secret_box = secret_box(1);
        let [id, other] = ["01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8058"]
            .map(|id| SealedPlace::Job(JobId::parse(id).unwrap()));
        let plain = br#"{"recipient":"canary@example.com","content":{"kind":"verify_email","token":"canary-token"}}"#;
        let sealed = secret_box.seal(&id, plain).unwrap();
        for text in ["anary", "token", "verify_email", "recipient"] {
            assert!(!sealed.windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
        }
        assert_eq!(secret_box.open(&id, &sealed).unwrap().as_slice(), plain);
        assert_eq!(secret_box.open(&other, &sealed), Err(SealError::Damaged));
    }
}
