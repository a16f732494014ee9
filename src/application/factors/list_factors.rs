use super::Factors;
use crate::application::call::Call;
use crate::application::error::{Refusal, Result, Violations};
use crate::domain::Timestamp;
use crate::domain::credential::factor::{Enrolment, Factor};
use crate::domain::id::UserId;

/// A person's factors.
#[derive(Debug)]
pub struct FactorList {
    /// In the order in which they were enrolled, recovery codes at the end.
    pub factors: Vec<Factor>,
    /// Those that are being enrolled.
    pub enrolments: Vec<Enrolment>,
}

impl Factors {
    /// The caller's own factors.
    pub async fn list_my_factors(&self, call: &Call) -> Result<FactorList> {
        self.list(call.person()?.user_id, call.now).await
    }

    /// Somebody's factors, for support.
    pub async fn list_user_factors(&self, call: &Call, id: &str) -> Result<FactorList> {
        let mut violations = Violations::default();
        let user_id = violations.take("id", UserId::parse(id));
        let user_id = violations.check(user_id)?;
        let found = self.store.read().await?.users().find_user(user_id).await?;
        found.ok_or_else(|| Refusal::NotFound { resource: "User", name: id.to_owned() })?;
        self.list(user_id, call.now).await
    }

    pub(super) async fn list(&self, user_id: UserId, now: Timestamp) -> Result<FactorList> {
        let tx = self.store.read().await?;
        let mut factors = tx.factors().list_factors(user_id).await?;
        factors.sort_by_key(|factor| !factor.is_primary());
        let enrolments = tx.factors().list_enrolments(user_id, now).await?;
        Ok(FactorList { factors, enrolments })
    }
}
