//! What happens once somebody has proven to have a new factor.

use super::Factors;
use super::recovery_codes::NewCodes;
use crate::application::call::Call;
use crate::application::error::{Error, Refusal, Result};
use crate::application::ports::Transaction;
use crate::application::user_changes;
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;
use crate::domain::credential::factor::{Enrolment, Factor, FactorMethod};
use crate::domain::mail::{FactorsChange, MailContent};
use crate::domain::secret::Secret;
use crate::domain::session::EndReason;

/// A factor that was just enrolled.
#[derive(Debug)]
pub struct EnrolledFactor {
    /// The factor.
    pub factor: Factor,
    /// Recovery codes, with the first factor of a person.
    pub recovery_codes: Vec<Secret>,
}

/// A factor to enrol.
pub(super) struct NewFactor {
    pub(super) enrolment: Enrolment,
    pub(super) method: FactorMethod,
    /// Recovery codes, if the person had no factor when they were made.
    pub(super) codes: Option<NewCodes>,
}

impl Factors {
    /// Stores the factor of a person who is locked, ends the person's other sessions and tells the person.
    pub(super) async fn enrol(
        &self,
        tx: &dyn Transaction,
        mut user: User,
        new: NewFactor,
        call: &Call,
    ) -> Result<EnrolledFactor> {
        let NewFactor { enrolment, method, codes } = new;
        let factor = Factor::new((enrolment.id, user.id), enrolment.display_name, method, call.now);
        if !tx.factors().insert_factor(&factor).await? {
            return Err(Refusal::CredentialExists.into());
        }
        let mut recovery_codes = Vec::new();
        if !user.mfa_enabled {
            let codes = codes.ok_or_else(|| Error::Contention("the last factor was removed meanwhile".into()))?;
            self.replace_codes(tx, user.id, &codes, call).await?;
            recovery_codes = codes.shown;
            user.mfa_changed(true, call.now);
            user_changes::user(tx, &user).await?;
        }
        let change = FactorsChange::Added(factor.kind());
        self.changed(tx, &user, change, call).await?;
        let event = call.event(AuditType::FactorAdded).on(user.id);
        let event = event.with("factor_id", factor.id).with("kind", factor.kind().as_str());
        self.trail.record(tx, event, call.now).await?;
        Ok(EnrolledFactor { factor, recovery_codes })
    }

    /// Ends the other sessions of a person whose factors the person has changed, and tells the person.
    pub(super) async fn changed(
        &self,
        tx: &dyn Transaction,
        user: &User,
        change: FactorsChange,
        call: &Call,
    ) -> Result<()> {
        let end = (call.now, EndReason::FactorsChanged);
        tx.sessions().end_sessions(user.id, Some(call.person()?.session_id), end).await?;
        if user.email_verified {
            let content = MailContent::FactorsChanged { change, client: call.origin.client.clone(), time: call.now };
            self.post.send(tx, user, content, call.now).await?;
        }
        Ok(())
    }
}
