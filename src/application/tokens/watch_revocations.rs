use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Tokens;
use crate::application::access::Authorizer;
use crate::application::access::feed::{AccessFeed, Cursor, Revocation};
use crate::application::access::source::is_on_record;
use crate::application::call::Call;
use crate::application::error::{Error, Refusal, Result, Violations};
use crate::application::ports::{Clock, Store};
use crate::domain::Timestamp;
use crate::domain::text;

/// How many revocations a watcher holds at a time.
const PAGE: usize = 256;
/// How many may wait for a watcher that had caught up.
const MOST_BEHIND: u64 = 10_000;
/// How often a watcher hears that all is well, and its rights are looked at again.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long a watcher waits after it was told all: so that of many revocations each watcher gets some at a time, and a
/// thousand watchers leave room for those who end sessions.
const REST: Duration = Duration::from_millis(100);
/// Since when no reading of the changes went well, if watchers are sent elsewhere. They get no sign of life before.
const DEAD: time::Duration = time::Duration::seconds(3);
/// How often the database is asked about a watcher whose token has expired: memory knows neither the end of a session's
/// time nor what ended it long ago.
const THOROUGH: time::Duration = time::Duration::MINUTE;
/// Of what a resume token consists, besides a number.
const RESUME: &str = "r1-";

/// What a watcher hears.
#[derive(Debug)]
pub enum RevocationNews {
    /// A revocation, as every watcher hears it who has heard all before. To continue after it is to continue after what this
    /// process had read before it.
    Shared(Arc<Revocation>),
    /// What this watcher alone hears in this way.
    Own {
        /// Where to continue, once this was heard.
        resume_token: String,
        /// What is void; nothing in a sign of life.
        revocation: Option<Arc<Revocation>>,
    },
}

/// Somebody who follows the revocations.
pub struct RevocationWatch {
    feed: Arc<AccessFeed>,
    authorizer: Arc<Authorizer>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    call: Arc<Call>,
    cursor: Cursor,
    /// Every change with a number up to this one was passed on.
    resume_after: i64,
    has_caught_up: bool,
    news: watch::Receiver<u64>,
    heartbeat: Instant,
    rests_until: Instant,
    found_on_record: Timestamp,
}

impl Tokens {
    /// Begins to follow the revocations after what a resume token stands for; any other text stands for nothing.
    pub async fn watch_revocations(&self, call: Arc<Call>, resume_token: &str) -> Result<RevocationWatch> {
        let mut violations = Violations::default();
        let resume_token = violations.take("resume_token", text::optional(resume_token, 256));
        let resume_token = violations.check(resume_token)?;
        let resume_after = resume_token.strip_prefix(RESUME).and_then(|number| number.parse().ok()).unwrap_or(0);
        Ok(RevocationWatch {
            cursor: self.feed.begin(self.store.as_ref(), resume_after).await?,
            resume_after,
            feed: self.feed.clone(),
            authorizer: self.authorizer.clone(),
            store: self.store.clone(),
            clock: self.clock.clone(),
            found_on_record: call.now,
            call,
            has_caught_up: false,
            news: self.feed.news(),
            heartbeat: Instant::now() + HEARTBEAT,
            rests_until: Instant::now(),
        })
    }
}

impl RevocationWatch {
    /// What comes next, at least one thing, as soon as there is any: a revocation, the end of those that there were at the
    /// beginning, or a sign of life. Fails once the caller may not watch any more, falls behind, or would be told old
    /// news. Nothing is read before it is asked for, so that a slow reader holds one page and no more.
    pub async fn next(&mut self) -> Result<Vec<RevocationNews>> {
        sleep_until(self.rests_until).await;
        loop {
            let is_due = Instant::now() >= self.heartbeat;
            if is_due {
                self.require_still().await?;
                self.heartbeat = Instant::now() + HEARTBEAT;
            }
            self.news.mark_unchanged();
            let news = self.read(is_due)?;
            if !news.is_empty() {
                return Ok(news);
            }
            let _ = timeout_at(self.heartbeat, self.news.changed()).await;
        }
    }

    fn read(&mut self, is_due: bool) -> Result<Vec<RevocationNews>> {
        let page = self.feed.page(&mut self.cursor, PAGE, MOST_BEHIND);
        let (page, watermark) = page.map_err(|_| Refusal::WatchTooSlow)?;
        let has_caught_up = self.has_caught_up;
        let passed_on = |revocation| {
            if has_caught_up { RevocationNews::Shared(revocation) } else { self.own(Some(revocation)) }
        };
        let mut news: Vec<_> = page.revocations.into_iter().map(passed_on).collect();
        if page.is_all {
            self.rests_until = Instant::now() + REST;
            // The last one of a page completes what the watermark stands for; those before it do not.
            self.resume_after = watermark;
            if let Some(last) = news.pop() {
                news.push(self.own(last.into_revocation()));
            }
            if !self.has_caught_up || (is_due && self.feed.rights_version().is_some()) {
                self.has_caught_up = true;
                news.push(self.own(None));
            }
        }
        Ok(news)
    }

    async fn require_still(&mut self) -> Result<()> {
        if self.feed.age().is_none_or(|age| age > DEAD) {
            return Err(Error::Unavailable("access changes have not been read for a while".into()));
        }
        let now = self.clock.now();
        let has_expired = now >= self.call.caller()?.token.claims.expire_time;
        if has_expired && (now - self.found_on_record).abs() >= THOROUGH {
            let token = &self.call.caller()?.token;
            if !is_on_record(self.store.read().await?.as_ref(), token, now).await? {
                return Err(Refusal::TokenInvalid.into());
            }
            self.found_on_record = now;
        }
        self.authorizer.cached().require_still(&self.call, now).await
    }

    fn own(&self, revocation: Option<Arc<Revocation>>) -> RevocationNews {
        RevocationNews::Own { resume_token: resume_token(self.resume_after), revocation }
    }
}

impl RevocationNews {
    fn into_revocation(self) -> Option<Arc<Revocation>> {
        match self {
            Self::Shared(revocation) => Some(revocation),
            Self::Own { revocation, .. } => revocation,
        }
    }
}

/// Where a watcher continues who knows all changes with a number up to this one.
#[must_use]
pub fn resume_token(after: i64) -> String {
    format!("{RESUME}{after}")
}
