use futures_util::TryFutureExt;
use futures_util::future::{try_join, try_join3};

use super::SignIn;
use super::attempt::{SignInAttempt, WantedSession};
use super::challenge::{ChallengeFactor, IssuedChallenge, NewChallenge};
use super::sign_in_candidate::{AWAITS_PROOF, Identifier, SignInCandidate, find, succeeded};
use crate::application::attempt_limiter::{AttemptLimiter, FailedAttempt};
use crate::application::audit_trail::Event;
use crate::application::call::Call;
use crate::application::error::{Error, Refusal, Result, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::jobs::TokenRecipient;
use crate::application::ports::{PasswordCredential, Transaction, Verification};
use crate::application::self_service::SelfService;
use crate::application::sessions::IssuedTokens;
use crate::domain::account::email;
use crate::domain::account::user::{SignInRefusal, User};
use crate::domain::audit::AuditType;
use crate::domain::credential::password::{Password, PasswordHash};
use crate::domain::secret::Secret;
use crate::domain::session::authentication::{AssuranceLevel, ProofKind};
use crate::domain::session::challenge::ChallengePurpose;
use crate::domain::session::client::ClientLabel;
use crate::domain::text;
use crate::domain::token::action_token::ActionPurpose;

/// What a person sends to sign in.
#[derive(Debug, Clone, Default)]
pub struct LogIn {
    /// The e-mail address or the username.
    pub identifier: String,
    /// The password.
    pub password: Secret,
    /// The service the access token is for, or empty.
    pub audience: String,
    /// The client's name for itself, or empty.
    pub client_label: String,
}

/// What a right password leads to.
#[derive(Debug)]
pub enum LoggedIn {
    /// A session.
    Tokens(IssuedTokens),
    /// The question for a second factor.
    Challenge(IssuedChallenge),
}

/// A command that is well formed.
struct ValidLogIn {
    identifier: Identifier,
    password: Password,
    wanted: WantedSession,
}

/// What the right password proved, to be confirmed in the transaction that begins the session.
struct CheckedPassword {
    candidate: SignInCandidate,
    attempt: SignInAttempt,
    /// A hash of the same password in place of one that is outdated.
    stronger: Option<PasswordHash>,
}

/// A sign-in that failed, and for the audit trail alone, why.
struct FailedSignIn<'a> {
    valid: &'a ValidLogIn,
    candidate: &'a SignInCandidate,
    why: &'static str,
}

impl SignIn {
    /// Signs in with a password.
    ///
    /// The work is the same for names with and without an account up to the answer: the same reads, one hash, one
    /// transaction. Only a hash that another system made costs more or less, until the first sign-in replaces it.
    /// The account's state shows only after the right password; that of an account which only a sign-up stands for does
    /// not even then, as anybody may have signed up to find out whether the address was free. Waiting times are checked
    /// again after the hash, so that many parallel guesses are not worth more than the first few; an attempt that has to
    /// wait learns nothing and is not counted.
    pub async fn log_in(
        &self,
        call: &Call,
        command: LogIn,
        request: &IdempotentCall<LoggedIn>,
    ) -> Idempotent<LoggedIn> {
        let valid = self.parse_log_in(&command)?;
        let client = &call.origin.client;
        let limiter = AttemptLimiter::sign_in(&self.throttle_key, valid.identifier.canonical(), client);
        let outcome = self.try_log_in(call, valid, &limiter, request).await;
        let throttled = Event::anonymous(&call.origin, AuditType::LoginThrottled);
        self.trail.note_throttling(self.store.as_ref(), outcome, throttled, call.now).await
    }

    async fn try_log_in(
        &self,
        call: &Call,
        valid: ValidLogIn,
        limiter: &AttemptLimiter,
        request: &IdempotentCall<LoggedIn>,
    ) -> Idempotent<LoggedIn> {
        let checked = self.check_password(call, valid, limiter).await?;
        let CheckedPassword { candidate, attempt, stronger } = checked;

        let tx = self.store.write().await?;
        let lock_user = tx.users().lock_user(candidate.user_id()).err_into();
        let find_password = tx.credentials().find_password(candidate.user_id()).err_into();
        let (user, (), credential) =
            try_join3(lock_user, limiter.succeed(tx.as_ref(), call.now), find_password).await?;
        let found = user.zip(credential);
        let Some(user) = self.confirm(tx.as_ref(), found, &candidate, stronger.as_ref()).await? else {
            let event = candidate.failed("ACCOUNT_CHANGED_MEANWHILE", &call.origin);
            self.trail.record(tx.as_ref(), event, call.now).await?;
            tx.commit().await?;
            return Err(Refusal::CredentialsInvalid.into());
        };
        let open = self.idempotency.claim(tx, call, request).await?;
        let tx = open.tx.as_ref();
        let take_budget = SelfService::SIGN_IN.take_of_account(tx, &self.throttle_key, (user.id, call));
        let outcome = if user.mfa_enabled {
            let ask = self.ask_for_factor(tx, &user, attempt, call);
            LoggedIn::Challenge(try_join(take_budget, ask).await?.1)
        } else {
            let failures_before = attempt.failures_before;
            let proven = attempt.complete(AssuranceLevel::Aal1);
            let proven = proven.ok_or_else(|| Error::Internal("a right password proves nothing".into()))?;
            let ((), begun) = try_join(take_budget, self.sessions.begin(tx, &user, proven, call)).await?;
            self.sessions.replace(tx, &begun, call).await?;
            self.trail.record(tx, succeeded(&begun.session, failures_before, &call.origin), call.now).await?;
            LoggedIn::Tokens(self.sessions.tokens_of(&begun, call)?)
        };
        open.finish(outcome).await
    }

    /// Asks somebody who knows the password for a second factor. No session begins before it comes.
    async fn ask_for_factor(
        &self,
        tx: &dyn Transaction,
        user: &User,
        attempt: SignInAttempt,
        call: &Call,
    ) -> Result<IssuedChallenge> {
        let factors = ChallengeFactor::offered_by(&tx.factors().list_factors(user.id).await?);
        let challenge = NewChallenge {
            purpose: ChallengePurpose::SecondFactor,
            user_id: Some(user.id),
            session_id: None,
            proofs: attempt.proofs,
            wanted: attempt.wanted,
            failures_before: attempt.failures_before,
            webauthn_challenge: None,
        };
        let (token, expire_time) = challenge.store(tx, self.entropy.as_ref(), call.now).await?;
        let event = Event::by_person(user.id, &call.origin, AuditType::SecondFactorRequested).on(user.id);
        self.trail.record(tx, event.with("failures_before", attempt.failures_before), call.now).await?;
        Ok(IssuedChallenge { token, factors, request_options: None, expire_time })
    }

    /// Checks the password, and whether the account may sign in. Failures and refusals are recorded before they are told.
    async fn check_password(
        &self,
        call: &Call,
        valid: ValidLogIn,
        limiter: &AttemptLimiter,
    ) -> Result<CheckedPassword> {
        let candidate = {
            let tx = self.store.read().await?;
            let find = find(tx.as_ref(), &valid.identifier);
            try_join(limiter.check(tx.as_ref(), call.now), find).await?.1
        };
        let hash = candidate.credential.as_ref().map(|credential| &credential.hash);
        let verification = self.hasher.verify(&valid.password, hash).await?;
        let user = match candidate.proven(verification, self.policy.unverified_sign_in) {
            Ok(user) => user,
            Err(why) => {
                self.remember_failure(call, FailedSignIn { valid: &valid, candidate: &candidate, why }, limiter)
                    .await?;
                return Err(Refusal::CredentialsInvalid.into());
            }
        };
        if let Err(why) = user.may_sign_in(self.policy.unverified_sign_in) {
            let event = Event::by_person(user.id, &call.origin, AuditType::LoginFailed).on(user.id);
            let event = event.denied(audit_reason(why));
            let tx = self.store.write().await?;
            limiter.succeed(tx.as_ref(), call.now).await?;
            self.trail.record(tx.as_ref(), event, call.now).await?;
            tx.commit().await?;
            return Err(refusal(why).into());
        }
        let stronger = match verification {
            Verification::MatchOutdated => Some(self.hasher.hash(&valid.password).await?),
            Verification::Match | Verification::Mismatch => None,
        };
        let attempt = SignInAttempt::new(valid.wanted, candidate.failures()).prove(ProofKind::Password, call.now);
        Ok(CheckedPassword { candidate, attempt, stronger })
    }

    /// What a failed sign-in leaves behind, alike whatever it failed for. If nothing but the proof of the address was
    /// missing, the token for it is mailed anew.
    async fn remember_failure(&self, call: &Call, failed: FailedSignIn<'_>, limiter: &AttemptLimiter) -> Result<()> {
        let FailedSignIn { valid, candidate, why } = failed;
        let event = candidate.failed(why, &call.origin);
        let attempt = FailedAttempt { user_id: candidate.user_id(), event };
        let tx = self.store.write().await?;
        limiter.remember_failure(tx.as_ref(), &self.trail, attempt, call.now).await?;
        if let Identifier::Email(address) = &valid.identifier {
            let user = candidate.user.as_ref().filter(|_| why == AWAITS_PROOF);
            let to = TokenRecipient { by_sign_in: true, ..TokenRecipient::new(address, user) };
            self.post.send_token(tx.as_ref(), to, ActionPurpose::VerifyEmail, call.now).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The person, who is locked, if what the password was checked against still holds; clears the failures. Nobody suspends
    /// or deletes the person before the session is there to be ended with the others.
    async fn confirm(
        &self,
        tx: &dyn Transaction,
        found: Option<(User, PasswordCredential)>,
        candidate: &SignInCandidate,
        stronger: Option<&PasswordHash>,
    ) -> Result<Option<User>> {
        let Some((user, credential)) = found else { return Ok(None) };
        let same_password = candidate.credential.as_ref().is_some_and(|before| before.hash == credential.hash);
        if !same_password || user.may_sign_in(self.policy.unverified_sign_in).is_err() {
            return Ok(None);
        }
        if credential.failures > 0 {
            tx.credentials().forget_failures(user.id).await?;
        }
        if let Some(stronger) = stronger {
            tx.credentials().upgrade_hash(user.id, &credential.hash, stronger).await?;
        }
        Ok(Some(user))
    }

    fn parse_log_in(&self, command: &LogIn) -> Result<ValidLogIn> {
        let mut violations = Violations::default();
        let identifier = text::required(&command.identifier, email::MAX_BYTES).map_err(|why| why.to_string());
        let identifier = violations.take("identifier", identifier.and_then(Identifier::parse));
        let password = violations.take("password", Password::presented(command.password.expose()));
        let audience = violations.take("audience", text::optional(&command.audience, 255));
        let label = violations.take("client_label", ClientLabel::parse(&command.client_label));
        let ((identifier, password), (audience, label)) =
            violations.check(identifier.zip(password).zip(audience.zip(label)))?;
        let audience = self.policy.audiences.choose(audience).map_err(|_| Refusal::AudienceUnknown)?;
        let wanted = WantedSession { audience, label };
        Ok(ValidLogIn { identifier, password, wanted })
    }
}

pub(super) fn refusal(why: SignInRefusal) -> Refusal {
    match why {
        SignInRefusal::Unknown => Refusal::CredentialsInvalid,
        SignInRefusal::Disabled => Refusal::AccountDisabled,
        SignInRefusal::EmailNotVerified => Refusal::EmailNotVerified,
        SignInRefusal::PasswordChangeRequired => Refusal::PasswordChangeRequired,
    }
}

pub(super) const fn audit_reason(why: SignInRefusal) -> &'static str {
    match why {
        SignInRefusal::Unknown => "ACCOUNT_DELETED",
        SignInRefusal::Disabled => "ACCOUNT_DISABLED",
        SignInRefusal::EmailNotVerified => AWAITS_PROOF,
        SignInRefusal::PasswordChangeRequired => "PASSWORD_CHANGE_REQUIRED",
    }
}
