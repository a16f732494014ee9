//! A clock that stands still until it is advanced.

use std::sync::Mutex;

use ipse::application::ports::Clock;
use ipse::domain::Timestamp;
use time::Duration;

/// A clock that tests advance.
pub struct TestClock(Mutex<Timestamp>);

impl TestClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

#[test]
fn time_passes_only_when_told_to() {
    let clock = TestClock::at(Timestamp::UNIX_EPOCH);
    assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
    clock.advance(Duration::hours(1));
    assert_eq!(clock.now(), Timestamp::UNIX_EPOCH + Duration::hours(1));
}
