//! A clock that stands still until it is advanced.

use std::sync::{Arc, Mutex};

use ipse::application::ports::Clock;
use ipse::domain::Timestamp;
use time::Duration;
use tokio::sync::Notify;

/// A clock that tests advance.
pub(crate) struct TestClock {
    now: Mutex<Timestamp>,
    read: Arc<Notify>,
}

impl TestClock {
    /// A clock that shows `now`.
    pub(crate) fn at(now: Timestamp) -> Self {
        Self { now: Mutex::new(now), read: Arc::default() }
    }

    /// Lets time pass.
    pub(crate) fn advance(&self, by: Duration) {
        *self.now.lock().unwrap() += by;
    }

    /// Is done when the clock is next read, which every use case does at its top.
    pub(crate) fn next_reading(&self) -> impl Future<Output = ()> + use<> {
        self.read.clone().notified_owned()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.read.notify_waiters();
        *self.now.lock().unwrap()
    }
}

#[test]
fn time_passes_only_when_told_to() {
    let clock = TestClock::at(Timestamp::UNIX_EPOCH);
    assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
    clock.advance(Duration::hours(1));
    assert_eq!(clock.now(), Timestamp::UNIX_EPOCH + Duration::hours(1));
}
