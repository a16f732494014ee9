//! How much of what lasts a signed-in person may cause: rows of the audit trail, mail, revocations that every process
//! keeps in memory. Each kind takes from a budget of the account and from one of the network, so that neither one account
//! nor many of one owner fill them.

use super::call::Call;
use super::error::{Refusal, Result};
use super::ports::Transaction;
use crate::domain::credential::throttle::{Budget, ThrottleKey};
use crate::domain::id::UserId;
use crate::domain::secret::SecretKey;

/// What takes from a budget.
#[derive(Clone, Copy)]
pub(super) struct SelfService {
    /// Its name in the audit trail.
    pub(super) kind: &'static str,
    budget: Budget,
}

impl SelfService {
    /// Changes of the profile.
    pub(super) const PROFILE: Self = Self { kind: "user_updated", budget: Budget::PROFILE_CHANGES };
    /// Mail to an address of one's choice.
    pub(super) const ADDRESS: Self = Self { kind: "email_change_requested", budget: Budget::ADDRESS_CHANGES };
    /// Exports of one's own data.
    pub(super) const EXPORT: Self = Self { kind: "user_data_exported", budget: Budget::DATA_EXPORTS };
    /// Sessions that one ends by hand.
    pub(super) const SESSION_END: Self = Self { kind: "session_revoked", budget: Budget::SESSION_ENDS };
    /// Changes of one's second factors.
    pub(super) const FACTORS: Self = Self { kind: "factors_changed", budget: Budget::FACTOR_CHANGES };
    /// Sessions that one begins, each of which can be ended once.
    pub(super) const SIGN_IN: Self = Self { kind: "sign_in", budget: Budget::SIGN_INS };

    /// Takes from the budgets of the caller's account and network.
    pub(super) async fn take(self, tx: &dyn Transaction, key: &SecretKey, call: &Call) -> Result<()> {
        self.take_of_account(tx, key, (call.person()?.user_id, call)).await?;
        let counter = ThrottleKey::network(key, self.kind, call.origin.client.network());
        take(tx, counter, self.budget.of_network(), call).await
    }

    /// Takes from the budget of an account alone: that of somebody who is only just signing in.
    pub(super) async fn take_of_account(
        self,
        tx: &dyn Transaction,
        key: &SecretKey,
        (user_id, call): (UserId, &Call),
    ) -> Result<()> {
        take(tx, ThrottleKey::account(key, self.kind, user_id), self.budget, call).await
    }
}

async fn take(tx: &dyn Transaction, counter: ThrottleKey, budget: Budget, call: &Call) -> Result<()> {
    if tx.throttles().take_budget(&counter, &budget, call.now).await? {
        return Ok(());
    }
    let counted = tx.throttles().find_throttle(&counter).await?;
    Err(Refusal::RateLimited { retry_after: budget.rest(counted, call.now), counter }.into())
}
