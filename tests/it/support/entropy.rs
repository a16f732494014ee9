//! Random bytes that are the same in every run.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use ipse::application::ports::{Cause, Entropy};
use ipse::domain::secret::Digest;

/// Bytes that follow from a seed: never the same twice, and the same in every run.
pub(crate) struct SeededEntropy {
    seed: u64,
    blocks: AtomicU64,
    /// How many times more it is asked before it panics; negative: it does not.
    until_panic: AtomicI64,
}

impl SeededEntropy {
    /// The bytes of this seed, from the beginning.
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, blocks: AtomicU64::new(0), until_panic: AtomicI64::new(-1) }
    }
}

impl SeededEntropy {
    /// Panics when it has been asked so many times more, as a fault in the service would.
    pub(crate) fn panic_after(&self, uses: i64) {
        self.until_panic.store(uses, Ordering::Relaxed);
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Cause> {
        assert!(self.until_panic.fetch_sub(1, Ordering::Relaxed) != 0, "a canary at /src/secret.rs: SELECT password");
        for chunk in buffer.chunks_mut(32) {
            let block = self.blocks.fetch_add(1, Ordering::Relaxed);
            let digest = Digest::of(&[self.seed.to_be_bytes(), block.to_be_bytes()].concat());
            chunk.copy_from_slice(&digest.as_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[test]
fn a_seed_gives_the_same_bytes_in_every_run_and_never_the_same_twice() {
    let bytes = |entropy: &SeededEntropy| <dyn Entropy>::bytes::<40>(entropy).unwrap();
    let (one, same, other) = (SeededEntropy::new(1), SeededEntropy::new(1), SeededEntropy::new(2));
    let first = bytes(&one);
    assert_eq!(first, bytes(&same));
    assert_ne!(first, bytes(&one));
    assert_ne!(first, bytes(&other));
}
