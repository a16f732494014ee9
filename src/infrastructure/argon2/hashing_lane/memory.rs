//! The memory in which a thread hashes.

use std::collections::TryReserveError;

use ::argon2::Block;

/// The blocks of one thread. They are allocated for the first job and then kept, as fresh pages for each hash would
/// cost a good part of the throughput.
///
/// Blocks are not wiped between jobs. Argon2 writes every block before it reads it, and whoever can read this process's
/// memory need not guess at blocks, for the passwords themselves pass through it.
pub(crate) struct Memory {
    kept: Vec<Block>,
    size: usize,
}

impl Memory {
    /// Memory for `size` blocks, none of which is there yet.
    pub(crate) fn new(size: usize) -> Self {
        Self { kept: Vec::new(), size }
    }

    /// Lends at least `count` blocks. More than the thread keeps are allocated for this time alone.
    pub(crate) fn with_blocks<T>(
        &mut self,
        count: usize,
        work: impl FnOnce(&mut [Block]) -> T,
    ) -> Result<T, TryReserveError> {
        if count > self.size {
            return Ok(work(&mut allocate(count)?));
        }
        if self.kept.is_empty() {
            self.kept = allocate(self.size)?;
        }
        Ok(work(&mut self.kept))
    }
}

fn allocate(count: usize) -> Result<Vec<Block>, TryReserveError> {
    let mut blocks = Vec::new();
    blocks.try_reserve_exact(count)?;
    blocks.resize(count, Block::new());
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_allocated_once_and_kept() {
        let mut memory = Memory::new(8);
        assert_eq!(memory.kept.capacity(), 0, "an idle thread is small");
        let place = |blocks: &mut [Block]| blocks.as_ptr();
        let first = memory.with_blocks(1, place).unwrap();
        assert_eq!(memory.kept.len(), 8);
        assert_eq!(memory.with_blocks(8, place).unwrap(), first);
    }

    #[test]
    fn more_blocks_than_usual_are_given_back() {
        let mut memory = Memory::new(8);
        assert_eq!(memory.with_blocks(9, |blocks| blocks.len()).unwrap(), 9);
        assert_eq!(memory.kept.capacity(), 0);
    }

    #[test]
    fn more_memory_than_there_is_is_an_error() {
        assert!(Memory::new(0).with_blocks(usize::MAX / 1024, |_| ()).is_err());
    }
}
