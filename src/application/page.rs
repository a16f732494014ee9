//! Pages of lists: sizes and tokens (AIP-158).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::error::{Refusal, Result, Violation};
use super::keys::RotatedKey;
use crate::application::error::Error;
use crate::domain::Timestamp;

const DEFAULT_SIZE: i32 = 50;
const MAX_SIZE: i32 = 1000;
const MAX_TOKEN_BYTES: usize = 512;
const TAG: usize = 16;

/// Which page a caller asks for, as it came.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// The greatest number of items; 0 stands for 50.
    pub size: i32,
    /// The token of the page before, or empty.
    pub token: String,
}

impl PageRequest {
    /// The number of items to return. Fails too if the token has not even the form of one, so that whoever asks first
    /// tells this apart from what else may be wrong with a request.
    pub fn size(&self) -> Result<i64> {
        if self.token.len() > MAX_TOKEN_BYTES || URL_SAFE_NO_PAD.decode(&self.token).is_err() {
            return Err(Refusal::PageTokenInvalid.into());
        }
        match self.size {
            ..0 => Err(Error::Invalid(vec![Violation::form("page_size", "must not be negative")])),
            0 => Ok(DEFAULT_SIZE.into()),
            size => Ok(size.min(MAX_SIZE).into()),
        }
    }
}

/// A page of a list.
#[derive(Debug)]
pub struct Page<T> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// The token of the next page, or empty.
    pub next_page_token: String,
}

/// A page that is being read: what to ask the store for, and how to continue after it.
pub(super) struct OpenPage<'t, P> {
    tokens: &'t PageTokens,
    list: String,
    size: i64,
    /// The position after which the page begins; none for the first page.
    pub(super) after: Option<P>,
}

impl<P> OpenPage<'_, P> {
    /// How many items to ask for: one more than the page has, which tells whether there is a next one.
    pub(super) const fn limit(&self) -> i64 {
        self.size + 1
    }

    /// The page of these items. `position` writes that of an item in the list.
    pub(super) fn finish<T>(&self, mut items: Vec<T>, position: impl FnOnce(&T) -> Vec<u8>) -> Page<T> {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let has_more = items.len() > size;
        items.truncate(size);
        let last = items.last().filter(|_| has_more);
        let next_page_token = last.map(|last| self.tokens.encode(&self.list, &position(last))).unwrap_or_default();
        Page { items, next_page_token }
    }
}

/// Makes page tokens that callers cannot change. They hold a position in the list, which its readers have seen anyway.
#[derive(Clone)]
pub struct PageTokens(RotatedKey);

impl PageTokens {
    /// Tokens under this key.
    #[must_use]
    pub fn new(key: RotatedKey) -> Self {
        Self(key)
    }

    /// The token for a position in a list. `list` names the list and its arguments, to which the token is bound.
    fn encode(&self, list: &str, position: &[u8]) -> String {
        let mut bytes = self.0.current().mac(&[list.as_bytes(), position])[..TAG].to_vec();
        bytes.extend(position);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Opens a page. `list` names the list and its arguments, to which tokens are bound; `read` reads a position in it.
    pub(super) fn open<P>(
        &self,
        list: impl Into<String>,
        page: &PageRequest,
        read: impl FnOnce(&[u8]) -> Option<P>,
    ) -> Result<OpenPage<'_, P>> {
        let (list, size) = (list.into(), page.size()?);
        let after = match page.token.as_str() {
            "" => None,
            token => {
                let position = self.decode(&list, token).and_then(|bytes| read(&bytes));
                Some(position.ok_or(Refusal::PageTokenInvalid)?)
            }
        };
        Ok(OpenPage { tokens: self, list, size, after })
    }

    fn decode(&self, list: &str, token: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (tag, position) = bytes.split_at_checked(TAG)?;
        self.0.find(|key| {
            let genuine: bool = key.mac(&[list.as_bytes(), position])[..TAG].ct_eq(tag).into();
            genuine.then(|| position.to_vec())
        })
    }
}

/// The bytes of a position in an order of times, and of ids where times are equal.
pub(super) fn write_position(time: Timestamp, id: &Uuid) -> Vec<u8> {
    [time.unix_timestamp_nanos().to_be_bytes(), *id.as_bytes()].concat()
}

/// The time and the id of such a position.
pub(super) fn read_position(bytes: &[u8]) -> Option<(Timestamp, Uuid)> {
    let (time, id) = bytes.split_first_chunk::<16>()?;
    let time = Timestamp::from_unix_timestamp_nanos(i128::from_be_bytes(*time)).ok()?;
    Some((time, Uuid::from_bytes(id.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secret::SecretKey;

    #[test]
    fn a_position_comes_back_from_its_bytes() {
        let (time, id) = (Timestamp::UNIX_EPOCH - time::Duration::microseconds(1), Uuid::from_u128(7));
        let bytes = write_position(time, &id);
        assert_eq!(read_position(&bytes), Some((time, id)));
        assert_eq!(read_position(&bytes[1..]), None);
    }

    #[test]
    fn sizes_have_a_default_and_a_maximum() {
        let size = |size| PageRequest { size, token: String::new() }.size().ok();
        assert_eq!(
            (size(0), size(7), size(1000), size(1001), size(-1)),
            (Some(50), Some(7), Some(1000), Some(1000), None)
        );
    }

    #[test]
    fn a_token_is_bound_to_its_list_and_cannot_be_changed() {
        let tokens = PageTokens::new(RotatedKey::new(SecretKey::new([1; 32])));
        let token = tokens.encode("sessions/a", b"position");
        let open = |list: &str, token: &str| {
            let page = PageRequest { size: 0, token: token.to_owned() };
            tokens.open(list, &page, |bytes| Some(bytes.to_vec())).map(|page| page.after)
        };
        assert_eq!(open("sessions/a", &token).unwrap(), Some(b"position".to_vec()));
        assert_eq!(open("sessions/a", "").unwrap(), None);
        assert!(open("sessions/b", &token).is_err());
        for index in 0..token.len() {
            let mut changed = token.clone();
            let letter = if &token[index..=index] == "A" { "B" } else { "A" };
            changed.replace_range(index..=index, letter);
            assert!(open("sessions/a", &changed).is_err(), "{index}");
        }
    }
}
