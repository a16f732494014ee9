//! The password of somebody who is signed in, asked for once more.

use std::sync::Arc;

use crate::application::Ports;
use crate::application::access::caller::Person;
use crate::application::attempt_limiter::{AttemptLimiter, FailedAttempt};
use crate::application::audit_trail::AuditTrail;
use crate::application::call::Call;
use crate::application::error::{Error, Refusal, Result};
use crate::application::idempotency::{Exit, Idempotency, Idempotent, IdempotentCall};
use crate::application::keys::DerivedKeys;
use crate::application::ports::{PasswordCredential, PasswordHasher, Store, Transaction, Verification};
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;
use crate::domain::credential::password::Password;
use crate::domain::credential::throttle::HARD_LIMIT;
use crate::domain::secret::SecretKey;

/// A person whose password was right.
pub(in crate::application) struct OwnProof {
    pub(in crate::application) user: User,
    credential: PasswordCredential,
    limiter: AttemptLimiter,
}

/// Checks the passwords of people who are signed in.
pub(in crate::application) struct OwnPassword {
    store: Arc<dyn Store>,
    hasher: Arc<dyn PasswordHasher>,
    idempotency: Idempotency,
    trail: AuditTrail,
    throttle_key: SecretKey,
}

impl OwnPassword {
    pub(in crate::application) fn new(ports: &Ports, derived: &DerivedKeys) -> Self {
        Self {
            store: ports.store.clone(),
            hasher: ports.hasher.clone(),
            idempotency: Idempotency::new(ports, derived),
            trail: AuditTrail::new(ports.entropy.clone()),
            throttle_key: derived.throttles.clone(),
        }
    }

    /// Has the caller prove the own password once more. A wrong one counts like a failed sign-in, so that a stolen
    /// session is no way around the limits. `kind` is what it is asked for. A retry of the request is answered before,
    /// as the password may be another one by now.
    pub(in crate::application) async fn check<T>(
        &self,
        call: &Call,
        password: &Password,
        kind: AuditType,
        request: &IdempotentCall<T>,
    ) -> Idempotent<OwnProof> {
        let outcome = self.try_check(call, password, kind, request).await;
        let throttled = call.event(AuditType::LoginThrottled).on(call.person()?.user_id).with("request", kind.as_str());
        self.trail.note_throttling(self.store.as_ref(), outcome, throttled, call.now).await
    }

    async fn try_check<T>(
        &self,
        call: &Call,
        password: &Password,
        kind: AuditType,
        request: &IdempotentCall<T>,
    ) -> Idempotent<OwnProof> {
        let (user, credential) = {
            let tx = self.store.read().await?;
            find_own(tx.as_ref(), call.person()?).await?
        };
        let limiter = AttemptLimiter::sign_in(&self.throttle_key, user.email.canonical(), &call.origin.client);
        limiter.check(self.store.read().await?.as_ref(), call.now).await?;
        // A request with the id of another might guess the password that the other one held.
        let is_guess = match self.idempotency.require_new(call, request).await {
            Err(Exit::Failed(Error::Refused(Refusal::RequestIdReused))) => true,
            outcome => outcome.map(|()| false)?,
        };
        let is_wrong = is_guess
            || credential.failures >= HARD_LIMIT
            || self.hasher.verify(password, Some(&credential.hash)).await? == Verification::Mismatch;
        if is_wrong {
            let event = call.event(kind).on(user.id).failed("PASSWORD_WRONG");
            let attempt = FailedAttempt { user_id: user.id, event };
            let tx = self.store.write().await?;
            limiter.remember_failure(tx.as_ref(), &self.trail, attempt, call.now).await?;
            tx.commit().await?;
            return Err(if is_guess { Refusal::RequestIdReused } else { Refusal::CredentialsInvalid }.into());
        }
        Ok(OwnProof { user, credential, limiter })
    }
}

impl OwnProof {
    /// Finds the person again in a transaction, if the password is still the one that was checked. Until the transaction
    /// ends, nobody else changes the account. The failures before are forgotten, unless there were so many meanwhile that
    /// the right one had to wait, too.
    pub(in crate::application) async fn confirm(&self, tx: &dyn Transaction, call: &Call) -> Result<User> {
        let person = call.person()?;
        tx.users().lock_user(person.user_id).await?;
        self.limiter.succeed(tx, call.now).await?;
        let (user, credential) = find_own(tx, person).await?;
        if !user.keeps_sessions() || credential.hash != self.credential.hash {
            return Err(Refusal::CredentialsInvalid.into());
        }
        Ok(user)
    }
}

async fn find_own(tx: &dyn Transaction, person: Person) -> Result<(User, PasswordCredential)> {
    let user = tx.users().find_user(person.user_id).await?.ok_or(Refusal::TokenInvalid)?;
    let credential = tx.credentials().find_password(user.id).await?.ok_or(Refusal::CredentialsInvalid)?;
    Ok((user, credential))
}
