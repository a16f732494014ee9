//! Tokens that are asked for by mail, and their use.

use std::sync::Arc;

use super::Ports;
use super::attempt_limiter::AttemptLimiter;
use super::audit_trail::{AuditTrail, Event};
use super::call::Call;
use super::error::{Refusal, Result, Violations};
use super::idempotency::{Idempotency, Idempotent, IdempotentCall};
use super::jobs::{MailPost, TokenRecipient};
use super::keys::DerivedKeys;
use super::policy::Policy;
use super::ports::{ConsumedToken, Store, Transaction};
use crate::domain::Timestamp;
use crate::domain::account::email::EmailAddress;
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;
use crate::domain::secret::{Digest, Secret, SecretKey};
use crate::domain::text;
use crate::domain::token::action_token::{self, ActionPurpose};

/// A token that somebody asks for by mail.
pub(super) struct WantedToken {
    /// What it is for.
    pub(super) purpose: ActionPurpose,
    /// Which accounts may have one.
    pub(super) may_have: fn(&User) -> bool,
    /// Its type in the audit trail.
    pub(super) kind: AuditType,
}

/// Mails tokens to whoever asks for them.
pub(super) struct MailedTokens {
    store: Arc<dyn Store>,
    post: MailPost,
    idempotency: Idempotency,
    trail: AuditTrail,
    throttle_key: SecretKey,
}

impl MailedTokens {
    /// Takes the ports it needs.
    pub(super) fn new(ports: &Ports, policy: &Policy, derived: &DerivedKeys) -> Self {
        Self {
            store: ports.store.clone(),
            post: MailPost::new(ports, policy, derived),
            idempotency: Idempotency::new(ports, derived),
            trail: AuditTrail::new(ports.entropy.clone()),
            throttle_key: derived.throttles.clone(),
        }
    }

    /// Mails a token to an address if it has an account that may have one. Outcome and cost are the same for every
    /// address; the audit trail alone tells whether there was an account.
    pub(super) async fn send(
        &self,
        call: &Call,
        email: &str,
        wanted: WantedToken,
        request: &IdempotentCall<()>,
    ) -> Idempotent<()> {
        let mut violations = Violations::default();
        let email = violations.take("email", EmailAddress::parse(email));
        let email = violations.check(email)?;
        let outcome = self.try_send(call, &email, &wanted, request).await;
        let throttled = call.event(AuditType::RateLimitExceeded).with("request", wanted.kind.as_str());
        self.trail.note_throttling(self.store.as_ref(), outcome, throttled, call.now).await
    }

    async fn try_send(
        &self,
        call: &Call,
        email: &EmailAddress,
        wanted: &WantedToken,
        request: &IdempotentCall<()>,
    ) -> Idempotent<()> {
        let limiter = AttemptLimiter::request(&self.throttle_key, "mail", &call.origin.client);
        let tx = self.store.write().await?;
        limiter.count(tx.as_ref(), call.now).await?;
        let open = self.idempotency.claim(tx, call, request).await?;
        let tx = open.tx.as_ref();
        let holder = tx.users().find_by_email(email).await?;
        let user = holder.as_ref().filter(|user| (wanted.may_have)(user));
        let refused = holder.as_ref().filter(|_| user.is_none());
        let to = TokenRecipient { refused, ..TokenRecipient::new(email, user) };
        let is_mailed = self.post.send_token(tx, to, wanted.purpose, call.now).await?;
        let mut event = call.event(wanted.kind).with("mailed", is_mailed);
        if let Some(user) = user {
            event = event.on(user.id);
        }
        self.trail.record(tx, event, call.now).await?;
        open.finish(()).await
    }
}

/// Reads the text of a mailed token: the digest under which it is stored.
pub(super) fn read(token: &Secret, violations: &mut Violations) -> Option<Digest> {
    let text = violations.take("token", text::required(token.expose(), action_token::MAX_BYTES));
    text.map(action_token::digest)
}

/// Refuses a token that is not valid without a transaction, which whoever made it up would hold.
pub(super) async fn require_valid(
    store: &dyn Store,
    digest: &Digest,
    purpose: ActionPurpose,
    now: Timestamp,
) -> Result<()> {
    let found = store.read().await?.action_tokens().find_action_token(digest, purpose, now).await?;
    found.map(|_| ()).ok_or_else(|| Refusal::ActionTokenInvalid.into())
}

/// Takes a mailed token out, or refuses it: of several attempts exactly one gets it.
pub(super) async fn consume(
    tx: &dyn Transaction,
    digest: &Digest,
    purpose: ActionPurpose,
    now: Timestamp,
) -> Result<(ConsumedToken, User)> {
    let consumed = tx.action_tokens().consume_action_token(digest, purpose, now).await?;
    let consumed = consumed.ok_or(Refusal::ActionTokenInvalid)?;
    let user = tx.users().find_user(consumed.user_id).await?.ok_or(Refusal::ActionTokenInvalid)?;
    Ok((consumed, user))
}

/// What an audit event tells of whoever used a token that was mailed to them.
pub(super) fn used_by(user: &User, call: &Call, kind: AuditType) -> Event {
    Event::by_person(user.id, &call.origin, kind).on(user.id)
}
