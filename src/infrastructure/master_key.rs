//! The master key, under which everything that is secret is sealed in the database.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::data_folder::{DataFolder, DataFolderError};
use crate::application::ports::Entropy;
use crate::domain::secret::SecretKey;

/// 32 random bytes with fewer distinct ones do not happen.
const LEAST_DISTINCT_BYTES: usize = 8;

/// A text is not a master key. The error never holds the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMasterKey {
    /// Not 32 bytes in base64.
    #[error("must be base64 of 32 bytes")]
    Form,
    /// Chosen by a person, it seems.
    #[error("is weak: it must be 32 random bytes")]
    Weak,
}

/// The keys that seal and open.
#[derive(Debug, Clone)]
pub struct MasterKeys {
    /// The one that seals, and opens what it sealed.
    pub current: MasterKey,
    /// Those that open what they sealed before, or will seal soon, while the master key is changed.
    pub others: Vec<SecretKey>,
}

/// Where a master key comes from.
#[derive(Debug, Clone)]
pub enum MasterKey {
    /// It was given.
    Given(SecretKey),
    /// It is kept in the folder of `--dev`.
    Kept(DataFolder),
}

impl MasterKey {
    /// The key itself; the one of `--dev` is made if there is none yet.
    pub fn open(&self, entropy: &dyn Entropy) -> Result<SecretKey, DataFolderError> {
        match self {
            Self::Given(key) => Ok(key.clone()),
            Self::Kept(folder) => folder.master_key(entropy),
        }
    }
}

/// Reads a key from its text.
pub fn parse(text: &str) -> Result<SecretKey, InvalidMasterKey> {
    let bytes = Zeroizing::new(STANDARD.decode(text).map_err(|_| InvalidMasterKey::Form)?);
    let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| InvalidMasterKey::Form)?;
    let mut sorted = Zeroizing::new(key);
    sorted.sort_unstable();
    if sorted.chunk_by(u8::eq).count() < LEAST_DISTINCT_BYTES {
        return Err(InvalidMasterKey::Weak);
    }
    Ok(SecretKey::new(key))
}

/// The text of a key.
pub(super) fn text(bytes: &[u8; 32]) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_key_is_32_random_bytes_in_base64() {
        let encoded = |bytes: &[u8]| STANDARD.encode(bytes);
        let bytes: Vec<u8> = (0..32).collect();
        assert_eq!(parse(&encoded(&bytes)).unwrap().expose().as_slice(), bytes);
        let of_distinct = |count: u8| encoded(&(0..32).map(|i| i % count).collect::<Vec<u8>>());
        assert!(parse(&of_distinct(8)).is_ok());
        for weak in [of_distinct(7), of_distinct(1), encoded(&[0; 32]), encoded(&[0xff; 32])] {
            assert_eq!(parse(&weak).unwrap_err(), InvalidMasterKey::Weak, "{weak}");
        }
        let with_newline = format!("{}\n", encoded(&bytes));
        let unpadded = encoded(&bytes).trim_end_matches('=').to_owned();
        let longer = encoded(&[&bytes[..], &[9]].concat());
        for text in ["", "x", &encoded(&bytes[..31]), &longer, &with_newline, &unpadded] {
            assert_eq!(parse(text).unwrap_err(), InvalidMasterKey::Form, "{text:?}");
        }
    }
}
