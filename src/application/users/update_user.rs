use super::Users;
use crate::application::access::last_administrator;
use crate::application::call::Call;
use crate::application::error::{Result, Violations};
use crate::application::factors::reset_key;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::jobs::Recipient;
use crate::application::ports::Transaction;
use crate::application::profile::{ProfileTexts, require_free_username};
use crate::application::{etag, user_changes};
use crate::domain::account::email::EmailAddress;
use crate::domain::account::user::{Changes, User, UserState};
use crate::domain::audit::AuditType;
use crate::domain::id::UserId;
use crate::domain::mail::MailContent;
use crate::domain::session::EndReason;
use crate::domain::token::action_token::ActionPurpose;

/// What an operator wants to change of an account; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct UpdateUser {
    /// The person.
    pub id: String,
    /// What the person may change too.
    pub profile: ProfileTexts,
    /// The address.
    pub email: Option<String>,
    /// Whether the caller vouches for the address.
    pub email_verified: Option<bool>,
    /// The etag that was read, or empty for any.
    pub etag: String,
}

impl UpdateUser {
    /// The names of the fields to change, with commas between.
    fn fields(&self) -> String {
        let mut named = self.profile.named();
        named.extend(self.email.is_some().then_some("email"));
        named.extend(self.email_verified.is_some().then_some("email_verified"));
        named.join(",")
    }
}

impl Users {
    /// Changes an account. A new address is unproven unless the caller vouches for it.
    pub async fn update_user(
        &self,
        call: &Call,
        command: UpdateUser,
        request: &IdempotentCall<User>,
    ) -> Idempotent<User> {
        let mut violations = Violations::default();
        let id = violations.take("id", UserId::parse(&command.id));
        let etag = violations.take("etag", etag::read(&command.etag));
        let fields = command.fields();
        let changes = Changes {
            profile: command.profile.parse(&mut violations),
            email: command.email.and_then(|text| violations.take("email", EmailAddress::parse(&text))),
            email_verified: command.email_verified,
        };
        let (id, etag) = violations.check(id.zip(etag))?;

        let (open, mut user) = self.begin_on(call, id, request).await?;
        let tx = open.tx.as_ref();
        etag::require(etag, &user.etag())?;
        user_changes::settle_username(tx, &mut user).await?;
        let before = user.clone();
        user.administer(changes.clone(), call.now)?;
        require_free_username(tx, &user, &changes.profile).await?;
        user_changes::require_free_email(tx, &user.email, user.id).await?;
        if user.state != UserState::Active {
            // Also whoever has to prove the address again is no active administrator.
            last_administrator::keep(tx, &before).await?;
        }
        if is_cleared(&before, &user) {
            user_changes::void_sign_up(tx, &mut user, call.now).await?;
        }
        user_changes::user(tx, &user).await?;
        if user.awaits_proof(self.policy.unverified_sign_in) && !before.awaits_proof(self.policy.unverified_sign_in) {
            tx.sessions().end_sessions(id, None, (call.now, EndReason::Revoked)).await?;
        }
        let event = call.event(AuditType::UserUpdated).on(id).with("fields", fields);
        self.trail.record(tx, event, call.now).await?;
        self.follow_up(tx, call, (&before, &user)).await?;
        open.finish(user).await
    }

    /// What a new address, or the loss of a proof, brings with it: notices, void tokens, and a new token that replaces
    /// them. Whoever has no password yet was invited, and is invited anew.
    async fn follow_up(&self, tx: &dyn Transaction, call: &Call, (before, user): (&User, &User)) -> Result<()> {
        let has_moved = before.email.canonical() != user.email.canonical();
        if has_moved {
            tx.action_tokens().drop_action_tokens(user.id).await?;
            // The token that stops a removal of second factors is void too: whoever ordered it has to order it anew.
            tx.jobs().cancel_job(&reset_key(user.id)).await?;
            for address in [&before.email, &user.email] {
                self.post.send_to(tx, Recipient { user, address }, MailContent::EmailChanged, call.now).await?;
            }
            self.trail.record(tx, call.event(AuditType::EmailChanged).on(user.id), call.now).await?;
        }
        let has_password = tx.credentials().find_password(user.id).await?.is_some();
        let begins_anew = has_moved || is_cleared(before, user);
        let purpose = if begins_anew && !has_password && user.can_recover() {
            ActionPurpose::AcceptInvitation
        } else if user.state == UserState::Pending && (has_moved || before.email_verified) {
            ActionPurpose::VerifyEmail
        } else {
            return Ok(());
        };
        self.post.send_token_unthrottled(tx, user, purpose, call.now).await
    }
}

/// Whether the change ended a dispute about whose sign-up it was: an operator stands for the account now.
fn is_cleared(before: &User, user: &User) -> bool {
    before.is_disputed() && !user.is_disputed()
}
