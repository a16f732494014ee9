use super::Accounts;
use crate::application::call::Call;
use crate::application::error::{Refusal, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::profile::{ProfileTexts, require_free_username};
use crate::application::self_service::SelfService;
use crate::application::{etag, user_changes};
use crate::domain::account::user::User;
use crate::domain::audit::AuditType;

/// What a person wants to change of the own account.
#[derive(Debug, Clone, Default)]
pub struct UpdateMe {
    /// The profile.
    pub profile: ProfileTexts,
    /// The etag that was read, or empty for any.
    pub etag: String,
}

impl Accounts {
    /// Changes the caller's profile.
    pub async fn update_me(&self, call: &Call, command: UpdateMe, request: &IdempotentCall<User>) -> Idempotent<User> {
        let mut violations = Violations::default();
        let etag = violations.take("etag", etag::read(&command.etag));
        let fields = command.profile.named().join(",");
        let changes = command.profile.parse(&mut violations);
        let (etag, changes) = violations.check(etag.zip(Some(changes)))?;

        let open = self.begin(call, SelfService::PROFILE, request).await?;
        let tx = open.tx.as_ref();
        let mut user = tx.users().find_user(call.person()?.user_id).await?.ok_or(Refusal::TokenInvalid)?;
        etag::require(etag, &user.etag())?;
        require_free_username(tx, &user, &changes).await?;
        user.change_profile(changes, call.now);
        user_changes::user(tx, &user).await?;
        let event = call.event(AuditType::UserUpdated).on(user.id).with("fields", fields);
        self.trail.record(tx, event, call.now).await?;
        open.finish(user).await
    }
}
