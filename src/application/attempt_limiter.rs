//! Slows repeated attempts down, by account name and by network, alike for names with and without an account.

use super::audit_trail::{AuditTrail, Event};
use super::error::{Refusal, Result};
use super::ports::Transaction;
use crate::domain::Timestamp;
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;
use crate::domain::credential::throttle::{HARD_LIMIT, SlowDown, ThrottleKey};
use crate::domain::id::UserId;
use crate::domain::secret::SecretKey;
use crate::domain::session::client::Client;

/// As the counter of somebody's second factors is called.
const SECOND_FACTOR: &str = "second_factor";

/// The counters that an attempt is measured by.
pub(super) struct AttemptLimiter(Vec<(ThrottleKey, SlowDown)>);

impl AttemptLimiter {
    /// For a sign-in under a name, with or without an account.
    pub(super) fn sign_in(key: &SecretKey, identifier: &str, client: &Client) -> Self {
        Self(vec![
            (ThrottleKey::identifier(key, identifier), SlowDown::ACCOUNT),
            (ThrottleKey::network(key, "sign_in", client.network()), SlowDown::NETWORK),
        ])
    }

    /// For a second factor of somebody: however many challenges there are, they share it.
    pub(super) fn second_factor(key: &SecretKey, user_id: UserId, client: &Client) -> Self {
        Self(vec![
            (ThrottleKey::account(key, SECOND_FACTOR, user_id), SlowDown::ACCOUNT),
            (ThrottleKey::network(key, "sign_in", client.network()), SlowDown::NETWORK),
        ])
    }

    /// For a sign-in by a passkey alone. Signatures cannot be guessed; what is limited is what guesses cost.
    pub(super) fn passkey(key: &SecretKey, client: &Client) -> Self {
        Self(vec![(ThrottleKey::network(key, "sign_in", client.network()), SlowDown::NETWORK)])
    }

    /// For an exchange of an API key. Keys cannot be guessed; what is limited is the work for those that are none.
    pub(super) fn exchange(key: &SecretKey, client: &Client) -> Self {
        Self(vec![(ThrottleKey::network(key, "exchange", client.network()), SlowDown::NETWORK)])
    }

    /// For a public request of a kind that does work or sends mail.
    pub(super) fn request(key: &SecretKey, kind: &str, client: &Client) -> Self {
        Self(vec![(ThrottleKey::network(key, kind, client.network()), SlowDown::REQUESTS)])
    }

    /// Refuses the attempt if it has to wait, for as long as the strictest counter tells.
    pub(super) async fn check(&self, tx: &mut dyn Transaction, now: Timestamp) -> Result<()> {
        let mut strictest = None;
        for (key, rule) in &self.0 {
            let wait = rule.wait(tx.throttles().find_throttle(key).await?, now);
            if wait > strictest.map(|(wait, _)| wait) {
                strictest = wait.map(|wait| (wait, *key));
            }
        }
        match strictest {
            Some((retry_after, counter)) => Err(Refusal::RateLimited { retry_after, counter }.into()),
            None => Ok(()),
        }
    }

    /// Counts the attempt.
    pub(super) async fn count(&self, tx: &mut dyn Transaction, now: Timestamp) -> Result<()> {
        for (key, rule) in &self.0 {
            tx.throttles().count_event(key, now, now - rule.forget_after).await?;
        }
        Ok(())
    }
}

/// An attempt to prove a password that failed.
pub(super) struct FailedAttempt {
    /// Whose password it was to be; nobody's if there is no such account.
    pub(super) user_id: UserId,
    /// What the audit trail tells of it.
    pub(super) event: Event,
}

impl AttemptLimiter {
    /// Remembers a failed attempt, at the same cost whether or not there is an account. An attempt that had to wait
    /// after all learns nothing, and is refused without being counted. The transaction is the caller's to commit.
    pub(super) async fn remember_failure(
        &self,
        tx: &mut dyn Transaction,
        trail: &AuditTrail,
        attempt: FailedAttempt,
        now: Timestamp,
    ) -> Result<()> {
        self.check(tx, now).await?;
        self.count(tx, now).await?;
        let failures = tx.credentials().count_failure(attempt.user_id).await?;
        let kind = if failures == HARD_LIMIT { AuditType::LoginLocked } else { attempt.event.kind };
        trail.record(tx, Event { kind, ..attempt.event }, now).await
    }
}

/// Forgets the failures under all names of a person.
pub(super) async fn forget_all(tx: &mut dyn Transaction, key: &SecretKey, user: &User) -> Result<()> {
    forget(tx, key, user.email.canonical()).await?;
    if let Some(username) = &user.username {
        forget(tx, key, username.as_str()).await?;
    }
    Ok(())
}

/// Forgets the failures under a name.
pub(super) async fn forget(tx: &mut dyn Transaction, key: &SecretKey, identifier: &str) -> Result<()> {
    tx.throttles().forget_throttle(&ThrottleKey::identifier(key, identifier)).await?;
    Ok(())
}

/// Forgets the failed attempts at a person's second factors.
pub(super) async fn forget_second_factor(tx: &mut dyn Transaction, key: &SecretKey, user_id: UserId) -> Result<()> {
    tx.throttles().forget_throttle(&ThrottleKey::account(key, SECOND_FACTOR, user_id)).await?;
    Ok(())
}
