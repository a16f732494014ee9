//! What whoever may use the command line of the server does with the factors of people.

use time::Duration;

use super::reset_user_factors::Order;
use super::{FactorList, Factors};
use crate::application::audit_trail::Event;
use crate::application::error::Result;
use crate::application::ports::Transaction;
use crate::domain::Timestamp;
use crate::domain::account::email::EmailAddress;
use crate::domain::account::user::{StateReason, User, UserState};
use crate::domain::audit::AuditType;
use crate::domain::id::UserId;

/// Whom an operator means.
#[derive(Debug, Clone)]
pub enum Whom {
    /// The person with this id.
    Id(UserId),
    /// The person with this address.
    Email(EmailAddress),
}

/// What became of the wish to have somebody's factors removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// They are removed.
    Done,
    /// They will be, unless the person stops it.
    Ordered(Timestamp),
    /// There is no such person.
    NobodyThere,
    /// The account is deleted.
    Deleted,
    /// The person has no second factor.
    NothingThere,
}

impl Factors {
    /// Somebody's factors; nothing if there is no such person.
    pub async fn list_by_system(&self, whom: &Whom) -> Result<Option<FactorList>> {
        let user = find(self.store.read().await?.as_ref(), whom).await?;
        match user {
            Some(user) => self.list(user.id, self.clock.now()).await.map(Some),
            None => Ok(None),
        }
    }

    /// Removes all factors of somebody who has lost them: at once, or as when an operator asks for it through the service.
    pub async fn reset_by_system(&self, whom: &Whom, reason: &StateReason, at_once: bool) -> Result<Removal> {
        let now = self.clock.now();
        let tx = self.store.write().await?;
        let Some(found) = find(tx.as_ref(), whom).await? else { return Ok(Removal::NobodyThere) };
        let Some(user) = tx.users().lock_user(found.id).await? else { return Ok(Removal::NobodyThere) };
        if user.state == UserState::Deleted {
            return Ok(Removal::Deleted);
        }
        if !user.mfa_enabled {
            return Ok(Removal::NothingThere);
        }
        let order = Order {
            ordered: Event::by_system(AuditType::FactorResetRequested).because(reason.as_str()),
            removed: Event::by_system(AuditType::FactorsReset),
            delay: if at_once { Duration::ZERO } else { self.policy.factor_reset_delay },
        };
        let time = self.reset(tx.as_ref(), user, order, now).await?;
        tx.commit().await?;
        Ok(time.map_or(Removal::Done, Removal::Ordered))
    }
}

async fn find(tx: &dyn Transaction, whom: &Whom) -> Result<Option<User>> {
    Ok(match whom {
        Whom::Id(id) => tx.users().find_user(*id).await?,
        Whom::Email(email) => tx.users().find_by_email(email).await?,
    })
}
