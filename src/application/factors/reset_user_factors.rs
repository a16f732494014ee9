use time::Duration;

use super::Factors;
use super::removal::reset_key;
use crate::application::access::source::Source;
use crate::application::audit_trail::Event;
use crate::application::call::Call;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::jobs::JobKind;
use crate::application::ports::{Job, JobPayload, Transaction};
use crate::domain::Timestamp;
use crate::domain::account::user::{StateForbids, StateReason, User, UserState};
use crate::domain::audit::AuditType;
use crate::domain::id::{JobId, UserId};
use crate::domain::token::action_token::ActionPurpose;

/// Whose factors to remove, and why.
#[derive(Debug, Clone, Default)]
pub struct ResetFactors {
    /// The person.
    pub id: String,
    /// The reason.
    pub reason: String,
}

/// How factors are to be removed, and what the audit trail tells of it.
pub(super) struct Order {
    /// That it was ordered.
    pub(super) ordered: Event,
    /// That it was done.
    pub(super) removed: Event,
    /// How long the person may stop it.
    pub(super) delay: Duration,
}

impl Factors {
    /// Removes all factors of somebody who has lost them, once the waiting time is over in which the person may stop it.
    /// When that will be; nothing if it is done.
    ///
    /// Nobody does this for somebody who may do more, or for themselves: with a stolen session it would be a way around the
    /// second factor.
    pub async fn reset_user_factors(
        &self,
        call: &Call,
        command: ResetFactors,
        request: &IdempotentCall<Option<Timestamp>>,
    ) -> Idempotent<Option<Timestamp>> {
        let mut violations = Violations::default();
        let id = violations.take("id", UserId::parse(&command.id));
        let given = if command.reason.is_empty() { Err("is required".to_owned()) } else { Ok(()) };
        let reason = given.and_then(|()| StateReason::parse(&command.reason).map_err(|why| why.to_string()));
        let reason = violations.take("reason", reason);
        let (id, reason) = violations.check(id.zip(reason))?;
        let caller = call.caller()?;
        if caller.person().is_some_and(|person| person.user_id == id) {
            return Err(Refusal::PermissionMissing { permission: "factors.reset".to_owned() }.into());
        }

        let open = self.idempotency.open(call, request).await?;
        let tx = open.tx.as_ref();
        let user = tx.users().lock_user(id).await?;
        let user = user.ok_or_else(|| Refusal::NotFound { resource: "User", name: command.id.clone() })?;
        Source::Transaction(tx).require_power_over(caller, id.into()).await?;
        if user.state == UserState::Deleted {
            return Err(StateForbids(user.state).into());
        }
        let order = Order {
            ordered: call.event(AuditType::FactorResetRequested).because(reason.as_str()),
            removed: call.event(AuditType::FactorsReset),
            delay: self.policy.factor_reset_delay,
        };
        let time = self.reset(tx, user, order, call.now).await?;
        open.finish(time).await
    }

    /// Has the factors of a person who is locked removed. When that will be; nothing if it is done, or if there are none.
    pub(super) async fn reset(
        &self,
        tx: &dyn Transaction,
        user: User,
        order: Order,
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        self.trail.record(tx, order.ordered.on(user.id), now).await?;
        tx.jobs().cancel_job(&reset_key(user.id)).await?;
        if !user.mfa_enabled {
            return Ok(None);
        }
        if order.delay.is_zero() {
            self.removal.remove(tx, user, order.removed, now).await?;
            return Ok(None);
        }
        self.order_removal(tx, &user, (now, order.delay)).await.map(Some)
    }

    /// Has the factors removed later, and mails the person what stops it. Ordered again, the time starts again, so that the
    /// time answered is the time kept.
    async fn order_removal(
        &self,
        tx: &dyn Transaction,
        user: &User,
        (now, delay): (Timestamp, Duration),
    ) -> Result<Timestamp> {
        let run_time = now + delay;
        let kind = JobKind::ResetFactors;
        let job = Job {
            id: JobId::new(now, &self.entropy.bytes()?),
            kind: kind.as_str().to_owned(),
            lane: kind.lane().as_str().to_owned(),
            unique_key: Some(reset_key(user.id)),
            payload: JobPayload::Plain(user.id.to_string().into_bytes()),
            user_id: Some(user.id),
            create_time: now,
            run_time,
            give_up_time: kind.give_up_time(run_time),
            attempts: 0,
        };
        if tx.jobs().enqueue_job(&job).await? {
            self.post.send_token_unthrottled(tx, user, ActionPurpose::StopFactorReset, now).await?;
        }
        Ok(run_time)
    }
}
