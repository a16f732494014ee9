//! The removal of all factors of somebody who has lost them: at once, or as a job after a waiting time.

use std::sync::Arc;

use async_trait::async_trait;

use crate::application::Ports;
use crate::application::audit_trail::{AuditTrail, Event};
use crate::application::error::{Error, Result};
use crate::application::jobs::{Assignment, Handler, JobFailed, JobKind, MailPost};
use crate::application::keys::DerivedKeys;
use crate::application::policy::Policy;
use crate::application::ports::{Clock, Store, Transaction};
use crate::application::user_changes;
use crate::domain::Timestamp;
use crate::domain::account::user::{User, UserState};
use crate::domain::audit::AuditType;
use crate::domain::id::UserId;
use crate::domain::mail::MailContent;
use crate::domain::session::EndReason;
use crate::domain::token::action_token::ActionPurpose;

/// The key of the job that removes a person's factors: there is one for each person at the most.
pub(in crate::application) fn reset_key(user_id: UserId) -> String {
    format!("factor_reset/{user_id}")
}

/// Removes all factors of people who have lost them.
pub struct FactorRemoval {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    post: MailPost,
    trail: AuditTrail,
}

impl FactorRemoval {
    /// Takes the ports it needs.
    #[must_use]
    pub fn new(ports: &Ports, policy: &Policy, derived: &DerivedKeys) -> Self {
        Self {
            store: ports.store.clone(),
            clock: ports.clock.clone(),
            post: MailPost::new(ports, policy, derived),
            trail: AuditTrail::new(ports.entropy.clone()),
        }
    }

    /// Removes the factors of a person who is locked, ends every session and tells the person. `event` is what the audit trail
    /// tells of it.
    pub(super) async fn remove(
        &self,
        tx: &dyn Transaction,
        mut user: User,
        event: Event,
        now: Timestamp,
    ) -> Result<()> {
        let count = tx.factors().delete_factors(user.id).await?;
        user.mfa_changed(false, now);
        user_changes::user(tx, &user).await?;
        tx.sessions().end_sessions(user.id, None, (now, EndReason::FactorsChanged)).await?;
        tx.action_tokens().drop_action_token(user.id, ActionPurpose::StopFactorReset).await?;
        if user.email_verified {
            self.post.send(tx, &user, MailContent::FactorsReset, now).await?;
        }
        self.trail.record(tx, event.on(user.id).with("factors", count), now).await
    }
}

#[async_trait]
impl Handler for FactorRemoval {
    fn kind(&self) -> JobKind {
        JobKind::ResetFactors
    }

    /// Whoever has no factor any more, or no account in use, needs nothing.
    async fn handle(&self, job: Assignment<'_>) -> std::result::Result<(), JobFailed> {
        let id = std::str::from_utf8(job.payload()).ok().and_then(|text| UserId::parse(text).ok());
        let id = id.ok_or_else(|| JobFailed::ForGood("the job names nobody".into()))?;
        let now = self.clock.now();
        let tx = self.store.write().await.map_err(Error::from)?;
        let user = tx.users().lock_user(id).await.map_err(Error::from)?;
        let Some(user) = user.filter(|user| user.mfa_enabled && user.state != UserState::Deleted) else {
            return Ok(());
        };
        self.remove(tx.as_ref(), user, Event::by_system(AuditType::FactorsReset), now).await?;
        tx.commit().await.map_err(Error::from)?;
        Ok(())
    }
}
