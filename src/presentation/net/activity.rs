//! What a connection is used for: how many RPCs are open on it, and since when none is.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

/// The RPCs of one connection.
#[derive(Debug)]
pub(in crate::presentation) struct Activity(Mutex<Use>);

#[derive(Debug, Clone, Copy)]
struct Use {
    open: usize,
    has_begun: bool,
    idle_since: Instant,
}

/// A call that is open until this is dropped.
pub(in crate::presentation) struct ActiveCall(Arc<Activity>);

impl Activity {
    /// Of a connection that was accepted now.
    pub(super) fn none() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Use { open: 0, has_begun: false, idle_since: Instant::now() })))
    }

    /// One more call.
    pub(in crate::presentation) fn begin(self: &Arc<Self>) -> ActiveCall {
        self.change(|usage| {
            usage.open += 1;
            usage.has_begun = true;
        });
        ActiveCall(self.clone())
    }

    /// Since when there is no call; nothing while there is one.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let usage = self.read();
        (usage.open == 0).then_some(usage.idle_since)
    }

    /// Whether there was any call yet.
    pub(super) fn has_begun(&self) -> bool {
        self.read().has_begun
    }

    fn read(&self) -> Use {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Use)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for ActiveCall {
    fn drop(&mut self) {
        self.0.change(|usage| {
            usage.open -= 1;
            usage.idle_since = Instant::now();
        });
    }
}
