//! Slows repeated attempts down, by account name and by network, alike for known and unknown names.

use time::Duration;

use super::error::{Refusal, Result};
use super::ports::{Store, Transaction};
use crate::domain::Timestamp;
use crate::domain::client::Client;
use crate::domain::id::UserId;
use crate::domain::secret::SecretKey;
use crate::domain::throttle::{SlowDown, ThrottleKey};
use crate::domain::user::User;

/// The counters that an attempt is measured by.
pub(super) struct Brake(Vec<(ThrottleKey, SlowDown)>);

impl Brake {
    /// For a sign-in under a name, known or not.
    pub(super) fn sign_in(key: &SecretKey, identifier: &str, client: &Client) -> Self {
        Self(vec![
            (ThrottleKey::identifier(key, identifier), SlowDown::ACCOUNT),
            (ThrottleKey::network(key, "sign_in", client.network()), SlowDown::NETWORK),
        ])
    }

    /// For a public request of a kind that does work or sends mail.
    pub(super) fn request(key: &SecretKey, kind: &str, client: &Client) -> Self {
        Self(vec![(ThrottleKey::network(key, kind, client.network()), SlowDown::REQUESTS)])
    }

    /// How long the attempt has to wait, by the strictest counter.
    pub(super) async fn wait(&self, tx: &mut dyn Transaction, now: Timestamp) -> Result<Option<Duration>> {
        let mut longest = None;
        for (key, rule) in &self.0 {
            longest = longest.max(rule.wait(tx.throttles().find_throttle(key).await?, now));
        }
        Ok(longest)
    }

    /// Refuses the attempt if it has to wait.
    pub(super) async fn admit(&self, tx: &mut dyn Transaction, now: Timestamp) -> Result<()> {
        match self.wait(tx, now).await? {
            Some(retry_after) => Err(Refusal::RateLimited { retry_after }.into()),
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

impl Brake {
    /// Remembers a failed attempt, at the same cost whether or not there is an account. An attempt that had to wait
    /// after all learns nothing, and is refused without being counted.
    pub(super) async fn remember_failure(&self, store: &dyn Store, user_id: UserId, now: Timestamp) -> Result<()> {
        let mut tx = store.write().await?;
        self.admit(tx.as_mut(), now).await?;
        self.count(tx.as_mut(), now).await?;
        tx.credentials().count_failure(user_id).await?;
        tx.commit().await?;
        Ok(())
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
