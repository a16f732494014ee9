use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::secret::SecretKey;

/// A key that is replaced now and then: what is new is made under the current one, what was made under an accepted one is
/// still read. Whoever has a clone sees the replacement.
#[derive(Debug, Clone)]
pub struct RotatedKey(Arc<RwLock<Accepted>>);

#[derive(Debug)]
struct Accepted {
    current: SecretKey,
    others: Vec<SecretKey>,
}

impl RotatedKey {
    /// A key that nothing has replaced yet.
    #[must_use]
    pub fn new(current: SecretKey) -> Self {
        Self(Arc::new(RwLock::new(Accepted { current, others: Vec::new() })))
    }

    /// The key to make something under.
    #[must_use]
    pub fn current(&self) -> SecretKey {
        self.0.read().unwrap_or_else(PoisonError::into_inner).current.clone()
    }

    /// The other keys that are accepted.
    #[must_use]
    pub fn others(&self) -> Vec<SecretKey> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).others.clone()
    }

    /// What `read` makes of the first accepted key with which it succeeds.
    pub fn find<T>(&self, read: impl Fn(&SecretKey) -> Option<T>) -> Option<T> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        std::iter::once(&keys.current).chain(&keys.others).find_map(read)
    }

    /// Puts other keys in the place of all.
    pub(super) fn replace(&self, current: SecretKey, others: Vec<SecretKey>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Accepted { current, others };
    }
}
