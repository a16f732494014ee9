//! The jobs that wait for a thread.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::memory::Memory;
use crate::application::ports::HashError;

/// A computation whose caller waits for it.
pub(super) trait Job: Send {
    /// Whether the caller still waits.
    fn is_wanted(&self) -> bool;
    /// Does the work and answers the caller.
    fn run(self: Box<Self>, memory: &mut Memory);
}

/// A computation of any kind, and the way back to its caller.
pub(super) struct PendingJob<W, T> {
    work: W,
    reply: oneshot::Sender<T>,
}

impl<W, T> PendingJob<W, T> {
    pub(super) fn new(work: W, reply: oneshot::Sender<T>) -> Self {
        Self { work, reply }
    }
}

impl<W, T> Job for PendingJob<W, T>
where
    W: FnOnce(&mut Memory) -> T + Send,
    T: Send,
{
    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn run(self: Box<Self>, memory: &mut Memory) {
        // The caller may have gone meanwhile; then nobody wants the result.
        let _ = self.reply.send((self.work)(memory));
    }
}

/// First come, first served; at most `capacity` wait.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    capacity: usize,
}

struct Waiting {
    jobs: VecDeque<Box<dyn Job>>,
    begun: u64,
    refused: u64,
    busy: Duration,
    closed: bool,
}

/// What has become of the jobs since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneCounts {
    /// How many wait, those of callers who went away included until they are passed over.
    pub waiting: usize,
    /// How many were begun.
    pub begun: u64,
    /// How many were refused, as the queue was full.
    pub refused: u64,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        let waiting =
            Mutex::new(Waiting { jobs: VecDeque::new(), begun: 0, refused: 0, busy: Duration::ZERO, closed: false });
        Self { waiting, changed: Condvar::new(), capacity }
    }

    /// Adds a job. Abandoned ones make room for it.
    pub(super) fn push(&self, job: Box<dyn Job>) -> Result<(), HashError> {
        let mut waiting = self.lock();
        if waiting.jobs.len() >= self.capacity {
            waiting.jobs.retain(|job| job.is_wanted());
        }
        if waiting.jobs.len() >= self.capacity {
            waiting.refused += 1;
            return Err(HashError::Overloaded);
        }
        waiting.jobs.push_back(job);
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for the oldest job that is still wanted; nothing comes once the queue is closed.
    pub(super) fn pop(&self) -> Option<Box<dyn Job>> {
        let mut waiting = self.lock();
        while !waiting.closed {
            while let Some(job) = waiting.jobs.pop_front() {
                if job.is_wanted() {
                    waiting.begun += 1;
                    return Some(job);
                }
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    /// How many jobs wait, were begun, were refused.
    pub(super) fn counts(&self) -> LaneCounts {
        let waiting = self.lock();
        LaneCounts { waiting: waiting.jobs.len(), begun: waiting.begun, refused: waiting.refused }
    }

    /// Counts the time that a thread worked.
    pub(super) fn count_busy(&self, time: Duration) {
        self.lock().busy += time;
    }

    /// How long all threads together have worked.
    pub(super) fn busy(&self) -> Duration {
        self.lock().busy
    }

    /// Drops the jobs that wait and lets the threads go.
    pub(super) fn close(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        waiting.jobs.clear();
        drop(waiting);
        self.changed.notify_all();
    }

    /// A thread that panicked leaves the queue whole, as nothing under the lock can fail halfway.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
