//! Writes the jobs that deliver mail, in the transaction of the change that the mail tells of.

use std::sync::Arc;

use futures_util::TryFutureExt;
use futures_util::future::try_join;
use time::Duration;

use super::JobKind;
use super::payload::MailPayload;
use crate::application::Ports;
use crate::application::error::{Error, Result};
use crate::application::keys::DerivedKeys;
use crate::application::policy::Policy;
use crate::application::ports::{Entropy, Job, JobClaim, JobPayload, SealedPlace, Sealer, Transaction};
use crate::domain::Timestamp;
use crate::domain::account::email::EmailAddress;
use crate::domain::account::user::{User, UserState};
use crate::domain::credential::throttle::{Budget, ThrottleKey};
use crate::domain::id::{JobId, LeaseId, MailId, UserId};
use crate::domain::mail::{Mail, MailContent};
use crate::domain::secret::{Secret, SecretKey};
use crate::domain::token::action_token;
use crate::domain::token::action_token::{ActionPurpose, ActionToken, ActionTokenLifetimes};

/// Has mail delivered, once the transaction it is written in is committed.
#[derive(Clone)]
pub(in crate::application) struct MailPost {
    entropy: Arc<dyn Entropy>,
    sealer: Arc<dyn Sealer>,
    throttle_key: SecretKey,
    lifetimes: ActionTokenLifetimes,
    factor_reset_delay: Duration,
}

/// A person, and which of their addresses a mail goes to.
pub(in crate::application) struct Recipient<'a> {
    pub(in crate::application) user: &'a User,
    pub(in crate::application) address: &'a EmailAddress,
}

/// A mail, and when the token in it expires, if it has one.
struct Letter<'a> {
    to: Recipient<'a>,
    content: MailContent,
    expire_time: Option<Timestamp>,
}

/// An address, and the account that a token for it is about, if there is one.
pub(in crate::application) struct TokenRecipient<'a> {
    pub(in crate::application) address: &'a EmailAddress,
    pub(in crate::application) user: Option<&'a User>,
    /// The account that has the address and takes no such token. Its owner is told why none comes.
    pub(in crate::application) refused: Option<&'a User>,
    /// Whether a sign-in asked for it. Those have a budget of their own beside that of the mails themselves, which guesses
    /// must not use up.
    pub(in crate::application) by_sign_in: bool,
}

impl<'a> TokenRecipient<'a> {
    pub(in crate::application) const fn new(address: &'a EmailAddress, user: Option<&'a User>) -> Self {
        Self { address, user, refused: None, by_sign_in: false }
    }
}

/// A token to make.
pub(in crate::application) struct NewActionToken {
    pub(in crate::application) user_id: UserId,
    pub(in crate::application) purpose: ActionPurpose,
    /// The address to take, for `ChangeEmail` alone.
    pub(in crate::application) new_email: Option<EmailAddress>,
}

impl MailPost {
    pub(in crate::application) fn new(ports: &Ports, policy: &Policy, derived: &DerivedKeys) -> Self {
        Self {
            entropy: ports.entropy.clone(),
            sealer: ports.sealer.clone(),
            throttle_key: derived.throttles.clone(),
            lifetimes: policy.action_tokens,
            factor_reset_delay: policy.factor_reset_delay,
        }
    }

    /// Writes a mail to the address of the account, whatever was written before.
    pub(in crate::application) async fn send(
        &self,
        tx: &dyn Transaction,
        user: &User,
        content: MailContent,
        now: Timestamp,
    ) -> Result<()> {
        self.send_to(tx, Recipient { user, address: &user.email }, content, now).await
    }

    /// Writes a mail to one of the addresses of a person.
    pub(in crate::application) async fn send_to(
        &self,
        tx: &dyn Transaction,
        to: Recipient<'_>,
        content: MailContent,
        now: Timestamp,
    ) -> Result<()> {
        self.enqueue(tx, Letter { to, content, expire_time: None }, now).await
    }

    /// Writes a mail unless the address had too many of the kind: nobody can flood another person's mailbox.
    pub(in crate::application) async fn send_sparingly(
        &self,
        tx: &dyn Transaction,
        user: &User,
        content: MailContent,
        now: Timestamp,
    ) -> Result<()> {
        if self.take_budget(tx, &user.email, content.kind(), now).await? {
            self.send(tx, user, content, now).await?;
        }
        Ok(())
    }

    /// Mails a new token, which replaces the person's earlier one, unless the address had too many of the kind. In
    /// that case the earlier token stays valid. An address without an account costs the same statements, and one of an
    /// account that takes none, whose owner is told instead. Whether a token was mailed.
    pub(in crate::application) async fn send_token(
        &self,
        tx: &dyn Transaction,
        TokenRecipient { address, user, refused, by_sign_in }: TokenRecipient<'_>,
        purpose: ActionPurpose,
        now: Timestamp,
    ) -> Result<bool> {
        // The kind does not depend on the token, which is made once it is clear that there will be one.
        let kind = self.carrier(purpose, Secret::default(), now).kind();
        let in_budget = if by_sign_in {
            let kind = if user.is_some() { kind } else { "sign_in" };
            self.take_budget(tx, address, "sign_in", now).await? & self.take_budget(tx, address, kind, now).await?
        } else {
            self.take_budget(tx, address, kind, now).await?
        };
        let Some(user) = user.filter(|_| in_budget) else {
            tx.action_tokens().drop_action_token(UserId::NOBODY, purpose).await?;
            match refused.filter(|_| in_budget) {
                Some(user) => self.send(tx, user, explanation(user, now), now).await?,
                None => {
                    tx.jobs().finish_job(JobClaim { id: JobId::NOBODY, lease: LeaseId::NOBODY }).await?;
                }
            }
            return Ok(false);
        };
        self.send_new_token(tx, Recipient { user, address }, purpose, now).await?;
        Ok(true)
    }

    /// Mails a new token to a person, which replaces the earlier one, whatever was mailed before: for operators, whose
    /// mail nobody may hold back by using the address's budget up.
    pub(in crate::application) async fn send_token_unthrottled(
        &self,
        tx: &dyn Transaction,
        user: &User,
        purpose: ActionPurpose,
        now: Timestamp,
    ) -> Result<()> {
        self.send_new_token(tx, Recipient { user, address: &user.email }, purpose, now).await
    }

    async fn send_new_token(
        &self,
        tx: &dyn Transaction,
        to: Recipient<'_>,
        purpose: ActionPurpose,
        now: Timestamp,
    ) -> Result<()> {
        let new_email = (purpose == ActionPurpose::ChangeEmail).then(|| to.address.clone());
        let (token, text) = self.make(NewActionToken { user_id: to.user.id, purpose, new_email }, now)?;
        let letter = Letter { to, content: self.carrier(purpose, text, now), expire_time: Some(token.expire_time) };
        let put = tx.action_tokens().put_action_token(&token).err_into();
        try_join(put, self.enqueue(tx, letter, now)).await?;
        Ok(())
    }

    /// Makes a new token, which replaces the person's earlier one for the purpose, without mailing it: the caller
    /// hands it over.
    pub(in crate::application) async fn new_token(
        &self,
        tx: &dyn Transaction,
        wanted: NewActionToken,
        now: Timestamp,
    ) -> Result<Secret> {
        let (token, text) = self.make(wanted, now)?;
        tx.action_tokens().put_action_token(&token).await?;
        Ok(text)
    }

    fn make(&self, wanted: NewActionToken, now: Timestamp) -> Result<(ActionToken, Secret)> {
        let NewActionToken { user_id, purpose, new_email } = wanted;
        let text = action_token::text(&self.entropy.bytes()?);
        let digest = action_token::digest(text.expose());
        let expire_time = now + self.lifetimes.of(purpose);
        Ok((ActionToken { user_id, purpose, new_email, digest, create_time: now, expire_time }, text))
    }

    async fn enqueue(&self, tx: &dyn Transaction, letter: Letter<'_>, now: Timestamp) -> Result<()> {
        let Letter { to: Recipient { user, address }, content, expire_time } = letter;
        let kind = JobKind::for_mail(&content);
        let mail = Mail::to(user, address, MailId::new(now, &self.entropy.bytes()?), content);
        let id = JobId::from_uuid(*mail.id.as_uuid());
        let payload = MailPayload::new(&mail, expire_time).to_json();
        let payload = payload.map_err(|error| Error::Internal(Box::new(error)))?;
        let job = Job {
            id,
            kind: kind.as_str().to_owned(),
            lane: kind.lane().as_str().to_owned(),
            unique_key: None,
            payload: JobPayload::Sealed(self.sealer.seal(&SealedPlace::Job(id), &payload)?),
            user_id: Some(user.id),
            create_time: now,
            run_time: now,
            give_up_time: kind.give_up_time(now),
            attempts: 0,
        };
        tx.jobs().enqueue_job(&job).await?;
        Ok(())
    }

    /// The mail that carries a token for this purpose.
    fn carrier(&self, purpose: ActionPurpose, token: Secret, now: Timestamp) -> MailContent {
        match purpose {
            ActionPurpose::VerifyEmail => MailContent::VerifyEmail { token },
            ActionPurpose::ResetPassword => MailContent::ResetPassword { token },
            ActionPurpose::ChangeEmail => MailContent::ConfirmNewEmail { token },
            ActionPurpose::AcceptInvitation => MailContent::Invitation { token },
            ActionPurpose::StopFactorReset => {
                MailContent::FactorResetPending { token, time: now + self.factor_reset_delay }
            }
        }
    }

    async fn take_budget(
        &self,
        tx: &dyn Transaction,
        address: &EmailAddress,
        kind: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let key = ThrottleKey::mail(&self.throttle_key, kind, address.canonical());
        Ok(tx.throttles().take_budget(&key, &Budget::MAIL, now).await?)
    }
}

/// What the owner of an account is told who signs up again, or asks for a token that the account does not take: everybody
/// gets the same answer, and only the mailbox tells why nothing happens.
pub(in crate::application) fn explanation(user: &User, now: Timestamp) -> MailContent {
    match user.state {
        UserState::Pending | UserState::Active => MailContent::AlreadyRegistered,
        UserState::Suspended => MailContent::AccountSuspended,
        UserState::Deleted => MailContent::AccountWasDeleted { erase_time: user.purge_time.unwrap_or(now) },
    }
}
