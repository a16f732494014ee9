//! How long a connection may hold its place without being used. HTTP/2 itself knows only peers that are dead: one that
//! is silent from the start, or answers pings and asks for nothing, would stay for ever.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::activity::Activity;
use super::opening::PREFACE;

/// How long the first bytes of a client that speaks HTTP/2 may take, once there is TLS.
pub(super) const PREFACE_LIMIT: Duration = Duration::from_secs(10);
/// How long after it was accepted a connection may wait for its first call.
const FIRST_CALL_LIMIT: Duration = Duration::from_secs(5 * 60);
/// How long a connection may be without a call after that.
const IDLE_LIMIT: Duration = Duration::from_secs(15 * 60);
/// How long a client without a call may take to leave when the server stops.
const FAREWELL: Duration = Duration::from_secs(1);

/// Watches one connection.
pub(super) struct IdleWatch {
    timer: Pin<Box<Sleep>>,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    is_stopping: bool,
    missing: usize,
}

impl IdleWatch {
    /// Watches a connection on which the client could begin at this time, on a server that stops with the token.
    pub(super) fn new(began: Instant, stopped: CancellationToken) -> Self {
        Self {
            timer: Box::pin(sleep_until(began + PREFACE_LIMIT)),
            stopped: Box::pin(stopped.cancelled_owned()),
            is_stopping: false,
            missing: PREFACE.len(),
        }
    }

    /// Notes what the client sent.
    pub(super) const fn received(&mut self, bytes: usize) {
        self.missing = self.missing.saturating_sub(bytes);
    }

    /// Is ready with an error once the connection is to be closed; wakes the task that reads from it.
    pub(super) fn poll(&mut self, activity: &Activity, cx: &mut Context<'_>) -> Poll<io::Error> {
        if !self.is_stopping && self.stopped.as_mut().poll(cx).is_ready() {
            self.is_stopping = true;
            self.timer.set(sleep(FAREWELL));
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            match self.next_look(activity, Instant::now()) {
                Some(at) => self.timer.set(sleep_until(at)),
                None => return Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "nothing was asked for in time")),
            }
        }
        Poll::Pending
    }

    /// When to look again; nothing if the time is over.
    fn next_look(&self, activity: &Activity, now: Instant) -> Option<Instant> {
        if self.missing > 0 {
            return None;
        }
        let limit = self.limit(activity);
        match activity.idle_since() {
            None => Some(now + limit),
            Some(since) => Some(since + limit).filter(|end| *end > now),
        }
    }

    fn limit(&self, activity: &Activity) -> Duration {
        match (self.is_stopping, activity.has_begun()) {
            (true, _) => FAREWELL,
            (false, false) => FIRST_CALL_LIMIT,
            (false, true) => IDLE_LIMIT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(1);

    /// A connection that is watched, and when it was accepted at the latest.
    fn watch(received: usize, is_stopping: bool) -> (IdleWatch, Instant) {
        let now = Instant::now();
        let mut watch = IdleWatch::new(now, CancellationToken::new());
        watch.received(received);
        watch.is_stopping = is_stopping;
        (watch, now)
    }

    fn idle_since(activity: &Activity) -> Instant {
        activity.idle_since().expect("no call is open")
    }

    #[tokio::test]
    async fn whoever_has_not_sent_the_preface_in_time_has_to_go() {
        let activity = Activity::none();
        for received in [0, PREFACE.len() - 1] {
            let (watch, now) = watch(received, false);
            assert!(watch.timer.deadline() <= now + PREFACE_LIMIT);
            assert_eq!(watch.next_look(&activity, now), None);
        }
        let (watch, now) = watch(PREFACE.len(), false);
        assert_eq!(watch.next_look(&activity, now), Some(idle_since(&activity) + FIRST_CALL_LIMIT));
    }

    #[tokio::test]
    async fn a_connection_without_calls_ends_and_one_with_a_call_does_not() {
        let (watch, now) = watch(PREFACE.len(), false);
        let activity = Activity::none();
        let end = idle_since(&activity) + FIRST_CALL_LIMIT;
        assert_eq!((watch.next_look(&activity, end - MOMENT), watch.next_look(&activity, end)), (Some(end), None));
        let call = activity.begin();
        assert_eq!(watch.next_look(&activity, now + IDLE_LIMIT * 9), Some(now + IDLE_LIMIT * 10));
        drop(call);
        let end = idle_since(&activity) + IDLE_LIMIT;
        assert_eq!((watch.next_look(&activity, end - MOMENT), watch.next_look(&activity, end)), (Some(end), None));
    }

    #[tokio::test]
    async fn a_stop_waits_for_calls_and_for_nothing_else() {
        let (watch, now) = watch(PREFACE.len(), true);
        let activity = Activity::none();
        assert_eq!(watch.next_look(&activity, idle_since(&activity) + FAREWELL), None);
        let call = activity.begin();
        assert_eq!(watch.next_look(&activity, now + FAREWELL * 20), Some(now + FAREWELL * 21));
        drop(call);
        let end = idle_since(&activity) + FAREWELL;
        assert_eq!((watch.next_look(&activity, end - MOMENT), watch.next_look(&activity, end)), (Some(end), None));
    }
}
