//! The clock and the random numbers of the operating system: the one place that touches them.

use time::OffsetDateTime;

use crate::application::ports::{Cause, Clock, Entropy};
use crate::domain::Timestamp;

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the adapter through which everything else reads the time")]
    fn now(&self) -> Timestamp {
        OffsetDateTime::now_utc().truncate_to_microsecond()
    }
}

/// The random number generator of AWS-LC, which the operating system seeds.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "the adapter through which everything else draws random bytes")]
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Cause> {
        Ok(aws_lc_rs::rand::fill(buffer)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_counts_whole_microseconds_in_utc() {
        let now = SystemClock.now();
        assert_eq!(now.nanosecond() % 1000, 0);
        assert!(now.offset().is_utc());
        assert!(now.year() >= 2025);
    }

    #[test]
    fn every_draw_differs() {
        let entropy: &dyn Entropy = &SystemEntropy;
        let draws: std::collections::HashSet<[u8; 16]> = (0..100).map(|_| entropy.bytes().unwrap()).collect();
        assert_eq!(draws.len(), 100);
    }
}
