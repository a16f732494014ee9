//! Slows repeated attempts down, by account name and by network, alike for names with and without an account.

use futures_util::TryFutureExt;
use futures_util::future::try_join;
use time::Duration;

use super::audit_trail::{AuditTrail, Event};
use super::error::{Refusal, Result};
use super::ports::Transaction;
use crate::domain::Timestamp;
use crate::domain::account::user::User;
use crate::domain::account::username::Username;
use crate::domain::audit::AuditType;
use crate::domain::credential::throttle::{HARD_LIMIT, SlowDown, Throttle, ThrottleKey};
use crate::domain::id::UserId;
use crate::domain::secret::SecretKey;
use crate::domain::session::client::Client;

/// As the counter of somebody's second factors is called.
const SECOND_FACTOR: &str = "second_factor";

/// The counters that an attempt is measured by.
pub(super) struct AttemptLimiter {
    /// The counter of whom the attempt is at, which a success forgets.
    target: Option<ThrottleKey>,
    network: (ThrottleKey, SlowDown),
}

impl AttemptLimiter {
    /// For a sign-in under a name, with or without an account.
    pub(super) fn sign_in(key: &SecretKey, identifier: &str, client: &Client) -> Self {
        Self { target: Some(ThrottleKey::identifier(key, identifier)), network: sign_ins_of_network(key, client) }
    }

    /// For a second factor of somebody: however many challenges there are, they share it.
    pub(super) fn second_factor(key: &SecretKey, user_id: UserId, client: &Client) -> Self {
        let target = Some(ThrottleKey::account(key, SECOND_FACTOR, user_id));
        Self { target, network: sign_ins_of_network(key, client) }
    }

    /// For a sign-in by a passkey alone. Signatures cannot be guessed; what is limited is what guesses cost.
    pub(super) fn passkey(key: &SecretKey, client: &Client) -> Self {
        Self { target: None, network: sign_ins_of_network(key, client) }
    }

    /// For an exchange of an API key. Keys cannot be guessed; what is limited is the work for those that are none.
    pub(super) fn exchange(key: &SecretKey, client: &Client) -> Self {
        let network = ThrottleKey::network(key, "exchange", client.network());
        Self { target: None, network: (network, SlowDown::NETWORK) }
    }

    /// For a public request of a kind that does work or sends mail.
    pub(super) fn request(key: &SecretKey, kind: &str, client: &Client) -> Self {
        let network = ThrottleKey::network(key, kind, client.network());
        Self { target: None, network: (network, SlowDown::REQUESTS) }
    }

    /// Refuses the attempt if it has to wait, for as long as the strictest counter tells.
    pub(super) async fn check(&self, tx: &dyn Transaction, now: Timestamp) -> Result<()> {
        let find_target = async {
            match &self.target {
                Some(target) => tx.throttles().find_throttle(target).await,
                None => Ok(None),
            }
        };
        let (target, network) = try_join(find_target, tx.throttles().find_throttle(&self.network.0)).await?;
        self.judge(target, network, now)
    }

    /// Counts the attempt, or refuses it if it has to wait by now: others may have been counted since it was checked. What
    /// was refused is not counted, as the caller's transaction then ends.
    pub(super) async fn count(&self, tx: &dyn Transaction, now: Timestamp) -> Result<()> {
        let count_target = async {
            match &self.target {
                Some(target) => tx.throttles().count_attempt(target, &SlowDown::ACCOUNT, now).await,
                None => Ok(true),
            }
        };
        let (network, rule) = &self.network;
        let count_network = tx.throttles().count_attempt(network, rule, now);
        let (key, rule) = match try_join(count_target, count_network).await? {
            (true, true) => return Ok(()),
            (false, _) => (self.target.as_ref().unwrap_or(network), &SlowDown::ACCOUNT),
            (true, false) => (network, rule),
        };
        let retry_after = rule.wait(tx.throttles().find_throttle(key).await?, now).unwrap_or(Duration::SECOND);
        Err(Refusal::RateLimited { retry_after, counter: *key }.into())
    }

    /// Forgets the failures before an attempt that was right, or refuses it if it has to wait by now: many guesses at a
    /// time are not worth more than the first few, even if the right one is among them.
    pub(super) async fn succeed(&self, tx: &dyn Transaction, now: Timestamp) -> Result<()> {
        let take_target = async {
            match &self.target {
                Some(target) => tx.throttles().take_throttle(target).await,
                None => Ok(None),
            }
        };
        // That of the network is shared by many, and so not locked by each of them until it is done.
        let (target, network) = try_join(take_target, tx.throttles().find_throttle(&self.network.0)).await?;
        self.judge(target, network, now)
    }

    fn judge(&self, target: Option<Throttle>, network: Option<Throttle>, now: Timestamp) -> Result<()> {
        let of_target = self.target.and_then(|key| Some((SlowDown::ACCOUNT.wait(target, now)?, key)));
        let (key, rule) = self.network;
        let of_network = rule.wait(network, now).map(|wait| (wait, key));
        match of_target.into_iter().chain(of_network).max_by_key(|(wait, _)| *wait) {
            Some((retry_after, counter)) => Err(Refusal::RateLimited { retry_after, counter }.into()),
            None => Ok(()),
        }
    }
}

fn sign_ins_of_network(key: &SecretKey, client: &Client) -> (ThrottleKey, SlowDown) {
    (ThrottleKey::network(key, "sign_in", client.network()), SlowDown::NETWORK)
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
        tx: &dyn Transaction,
        trail: &AuditTrail,
        attempt: FailedAttempt,
        now: Timestamp,
    ) -> Result<()> {
        let count_failure = tx.credentials().count_failure(attempt.user_id).err_into();
        let ((), failures) = try_join(self.count(tx, now), count_failure).await?;
        let kind = if failures == HARD_LIMIT { AuditType::LoginLocked } else { attempt.event.kind };
        trail.record(tx, Event { kind, ..attempt.event }, now).await
    }
}

/// Forgets the failures under all names of a person.
pub(super) async fn forget_all(tx: &dyn Transaction, key: &SecretKey, user: &User) -> Result<()> {
    let username = user.username.as_ref().map(Username::as_str);
    for name in [user.email.canonical()].into_iter().chain(username) {
        tx.throttles().take_throttle(&ThrottleKey::identifier(key, name)).await?;
    }
    Ok(())
}
