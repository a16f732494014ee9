//! What each of many may hold of something at a time, so that none of them holds all of it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

type Counts<K> = Arc<Mutex<HashMap<K, usize>>>;

/// Counts what each holder has, up to the same number for all.
pub(in crate::presentation) struct Shares<K> {
    counts: Counts<K>,
    most: usize,
}

/// One thing that somebody holds, until it is dropped.
pub(in crate::presentation) struct Share<K: Eq + Hash> {
    counts: Counts<K>,
    holder: K,
}

impl<K: Clone + Eq + Hash> Shares<K> {
    /// Shares of `most` things each.
    pub(in crate::presentation) fn of(most: usize) -> Self {
        Self { counts: Arc::default(), most }
    }

    /// One more thing for a holder; none if it holds as many as it may.
    pub(in crate::presentation) fn take(&self, holder: K) -> Option<Share<K>> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(holder.clone()).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Share { counts: self.counts.clone(), holder })
    }
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.holder) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.holder);
            }
        }
    }
}

/// What one network address may hold of a number of places: three quarters, so that some are left for the others.
pub(in crate::presentation) const fn of_one_address(places: usize) -> usize {
    places - places / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_holds_more_than_a_share_and_others_have_theirs() {
        let shares = Shares::of(2);
        let (first, second) = (shares.take("a").unwrap(), shares.take("a").unwrap());
        assert!(shares.take("a").is_none());
        let others = shares.take("b").unwrap();
        drop(first);
        let third = shares.take("a").unwrap();
        assert!(shares.take("a").is_none());
        drop((second, third, others));
        assert!(shares.counts.lock().unwrap().is_empty(), "holders of nothing are forgotten");
    }

    #[test]
    fn one_address_leaves_room_unless_there_is_but_one_place() {
        assert_eq!([1, 2, 3, 4, 20, 64, 1024].map(of_one_address), [1, 2, 3, 3, 15, 48, 768]);
    }
}
