use time::Duration;

use super::Upkeep;
use crate::application::error::Result;
use crate::application::ports::{MailRejected, OutboxEntry};
use crate::domain::Timestamp;

/// How long a worker has a mail for itself; longer than a delivery can take, or a second worker would send it too.
const LEASE: Duration = Duration::minutes(5);
const FIRST_RETRY: Duration = Duration::seconds(5);
const LONGEST_RETRY: Duration = Duration::minutes(30);
/// When to give a mail up: no token in it is valid any longer.
const GIVE_UP_AFTER: Duration = Duration::hours(24);

impl Upkeep {
    /// Sends the mail that is due for longest. Whether there was one.
    ///
    /// A mail leaves the outbox after the server took it, so it is sent at least once; its id stays the same.
    pub async fn deliver_mail(&self) -> Result<bool> {
        let now = self.clock.now();
        let due = self.store.read().await?.outbox().next_mail_time().await?;
        self.mails.note_due(due, now);
        if due.is_none_or(|due| due > now) {
            return Ok(false);
        }
        let mut tx = self.store.write().await?;
        let claimed = tx.outbox().claim_mail(now, now + LEASE, 1).await?;
        tx.commit().await?;
        for entry in &claimed {
            self.deliver(entry).await?;
        }
        Ok(!claimed.is_empty())
    }

    async fn deliver(&self, entry: &OutboxEntry) -> Result<()> {
        let rejected = match self.sealer.open_mail(entry.id, &entry.sealed) {
            Ok(mail) => self.mailer.deliver(&mail).await.err(),
            Err(error) => Some(MailRejected::ForNow(Box::new(error))),
        };
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        match rejected {
            None => {
                tracing::info!(mail_id = %entry.id, kind = %entry.kind, "sent a mail");
                tx.outbox().remove_mail(entry.id).await?;
                self.mails.count_sent();
            }
            Some(MailRejected::ForNow(cause)) if now < entry.create_time + GIVE_UP_AFTER => {
                tracing::warn!(mail_id = %entry.id, attempts = entry.attempts, cause, "a mail was not taken and will be tried again");
                tx.outbox().postpone_mail(entry.id, next_attempt(entry, now)).await?;
                self.mails.count_postponed();
            }
            Some(MailRejected::ForNow(cause) | MailRejected::ForGood(cause)) => {
                tracing::error!(mail_id = %entry.id, kind = %entry.kind, cause, "a mail was given up");
                tx.outbox().remove_mail(entry.id).await?;
                self.mails.count_given_up();
            }
        }
        tx.commit().await?;
        Ok(())
    }
}

fn next_attempt(entry: &OutboxEntry, now: Timestamp) -> Timestamp {
    let doublings = u32::try_from(entry.attempts - 1).unwrap_or(0).min(16);
    now + (FIRST_RETRY * 2_i32.pow(doublings)).min(LONGEST_RETRY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::MailId;

    #[test]
    fn waiting_times_double_to_half_an_hour() {
        let now = Timestamp::UNIX_EPOCH;
        let wait = |attempts| {
            let entry = OutboxEntry {
                id: MailId::NOBODY,
                user_id: None,
                kind: String::new(),
                sealed: vec![],
                create_time: now,
                attempts,
                next_attempt_time: now,
            };
            next_attempt(&entry, now) - now
        };
        assert_eq!([1, 2, 3].map(wait), [5, 10, 20].map(Duration::seconds));
        assert_eq!([10, 100, i32::MAX].map(wait), [30; 3].map(Duration::minutes));
    }
}
