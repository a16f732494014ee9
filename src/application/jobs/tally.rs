use std::sync::atomic::{AtomicU64, Ordering};

use super::JobKind;

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobOutcome {
    /// It was done.
    Done,
    /// It will be tried again.
    Retried,
    /// It was given up.
    GivenUp,
}

impl JobOutcome {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Done, Self::Retried, Self::GivenUp];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retried => "retried",
            Self::GivenUp => "given_up",
        }
    }
}

/// What has become of jobs since the process started.
#[derive(Debug, Default)]
pub(super) struct Tally([[AtomicU64; JobOutcome::ALL.len()]; JobKind::ALL.len()]);

impl Tally {
    /// Counts an attempt.
    pub(super) fn count(&self, kind: JobKind, outcome: JobOutcome) {
        self.counter(kind, outcome).fetch_add(1, Ordering::Relaxed);
    }

    /// How many attempts of a kind ended so.
    pub(super) fn read(&self, kind: JobKind, outcome: JobOutcome) -> u64 {
        self.counter(kind, outcome).load(Ordering::Relaxed)
    }

    const fn counter(&self, kind: JobKind, outcome: JobOutcome) -> &AtomicU64 {
        &self.0[kind as usize][outcome as usize]
    }
}
