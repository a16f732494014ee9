use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that nobody else has, and nobody foresees: a count under a keyed hash whose key is the process's own. It is
/// never 0, which means no id.
pub(super) fn span_id() -> u64 {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    KEY.hash_one(COUNT.fetch_add(1, Ordering::Relaxed)).max(1)
}

/// The id of a new trace.
#[must_use]
pub fn trace_id() -> u128 {
    u128::from(span_id()) << 64 | u128::from(span_id())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_id_differs() {
        let ids: HashSet<u64> = (0..10_000).map(|_| span_id()).collect();
        assert_eq!(ids.len(), 10_000);
        assert_ne!(trace_id(), trace_id());
    }
}
