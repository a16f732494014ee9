//! What waits for the collector. However many spans come, calls never wait and memory stays as it is: what finds no room
//! is counted and gone.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use super::otlp::Span;

/// How many spans may wait.
const MOST_WAITING: usize = 4096;
/// How many go to the collector at once.
const MAX_BATCH: usize = 512;
/// How long a span waits for others at the most.
const DELAY: Duration = Duration::from_secs(1);

/// The spans of this process: there is one log, and one of these.
pub static SPANS: Queue = Queue::new();

/// Spans that wait for the collector, and how many are past that.
#[derive(Debug)]
pub struct Queue {
    waiting: Mutex<VecDeque<Span>>,
    is_batch: Notify,
    sent: AtomicU64,
    dropped: AtomicU64,
}

impl Queue {
    /// An empty queue.
    pub(super) const fn new() -> Self {
        Self {
            waiting: Mutex::new(VecDeque::new()),
            is_batch: Notify::const_new(),
            sent: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// Adds a span, if there is room.
    pub(super) fn push(&self, span: Span) {
        let mut waiting = self.lock();
        if waiting.len() >= MOST_WAITING {
            drop(waiting);
            return self.count_dropped(1);
        }
        waiting.push_back(span);
        if waiting.len() == MAX_BATCH {
            drop(waiting);
            self.is_batch.notify_one();
        }
    }

    /// The spans that have waited for longest: a whole batch at once, fewer after a while, never none.
    pub(super) async fn next(&self) -> Vec<Span> {
        loop {
            if self.lock().len() < MAX_BATCH {
                // Either way, what is there is taken.
                let _ = timeout(DELAY, self.is_batch.notified()).await;
            }
            let batch = self.take();
            if !batch.is_empty() {
                return batch;
            }
        }
    }

    /// The spans that have waited for longest, up to a batch.
    pub(super) fn take(&self) -> Vec<Span> {
        let mut waiting = self.lock();
        let count = waiting.len().min(MAX_BATCH);
        waiting.drain(..count).collect()
    }

    /// Counts spans that the collector has.
    pub(super) fn count_sent(&self, count: u64) {
        self.sent.fetch_add(count, Ordering::Relaxed);
    }

    /// Counts spans that are lost.
    pub(super) fn count_dropped(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }

    /// How many spans the collector took.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// How many spans were lost.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Span>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_batch_goes_at_once_and_fewer_wait_for_others() {
        let queue = Queue::new();
        (0..=MAX_BATCH).for_each(|_| queue.push(Span::default()));
        let at_once = || queue.next().now_or_never().map(|batch| batch.len());
        assert_eq!(at_once(), Some(MAX_BATCH));
        // That there is a batch was told once, and nobody had to wait for it.
        assert_eq!(at_once(), Some(1));
        queue.push(Span::default());
        assert_eq!(at_once(), None);
        assert_eq!(queue.take().len(), 1);
    }

    #[test]
    fn what_finds_no_room_is_counted_and_gone() {
        let queue = Queue::new();
        (0..MOST_WAITING + 3).for_each(|_| queue.push(Span::default()));
        assert_eq!((queue.lock().len(), queue.dropped(), queue.sent()), (MOST_WAITING, 3, 0));
    }
}
