use super::Registration;
use crate::application::attempt_limiter::AttemptLimiter;
use crate::application::audit_trail::Event;
use crate::application::call::Call;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::jobs::TokenRecipient;
use crate::application::ports::{Transaction, UserInsert};
use crate::application::{new_password, user_changes};
use crate::domain::account::email::EmailAddress;
use crate::domain::account::profile::{DisplayName, Locale};
use crate::domain::account::user::{ProfileChanges, SignUp, User, UserState, account_words};
use crate::domain::account::username::Username;
use crate::domain::audit::AuditType;
use crate::domain::credential::password::{NewPassword, PasswordHash};
use crate::domain::id::UserId;
use crate::domain::mail::MailContent;
use crate::domain::secret::Secret;
use crate::domain::session::EndReason;
use crate::domain::token::action_token::ActionPurpose;

/// What a person sends to sign up.
#[derive(Debug, Clone, Default)]
pub struct Register {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: Secret,
    /// The username, or empty.
    pub username: String,
    /// The name to show, or empty.
    pub display_name: String,
    /// The language for mail, or empty.
    pub locale: String,
}

impl Registration {
    /// Signs a person up. The outcome and its cost are the same whether or not the address has an account.
    pub async fn register(&self, call: &Call, command: Register) -> Result<()> {
        let (who, password) = self.parse_sign_up(&command)?;
        let limiter = AttemptLimiter::request(&self.throttle_key, "sign_up", &call.origin.client);
        let admitted = limiter.check(self.store.read().await?.as_mut(), call.now).await;
        let throttled = call.event(AuditType::RateLimitExceeded).with("request", "user_created");
        self.trail.note_throttling(self.store.as_ref(), admitted, throttled, call.now).await?;

        let hash = new_password::hash(self.hasher.as_ref(), &password, "password").await?;
        let user = User::sign_up(UserId::new(call.now, &self.entropy.bytes()?), who, call.now);

        let mut tx = self.store.write().await?;
        limiter.count(tx.as_mut(), call.now).await?;
        let event = match tx.users().insert_user(&user).await? {
            UserInsert::Inserted => {
                tx.credentials().put_password(user.id, &hash, call.now).await?;
                self.send_verification(tx.as_mut(), &user, call).await?;
                call.event(AuditType::UserCreated).on(user.id)
            }
            UserInsert::NameTaken => self.answer_taken_name(tx.as_mut(), &user, &hash, call).await?,
        };
        self.trail.record(tx.as_mut(), event, call.now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Tells the owner of a taken address, and nobody else; yields what the audit trail tells of it. Only a username of somebody else is refused openly: it is
    /// public, and the person has to choose another one.
    ///
    /// A provisional account belongs to nobody yet. Each token that is mailed stands for the sign-up it was mailed for, or
    /// whoever signs up with the address of another would have that person verify a password that is not theirs. For the
    /// same reason an account that an operator stands for is left alone, even while its address is not proven: whoever
    /// proves it must find the password, or the lack of one, that the operator left.
    async fn answer_taken_name(
        &self,
        tx: &mut dyn Transaction,
        user: &User,
        hash: &PasswordHash,
        call: &Call,
    ) -> Result<Event> {
        if let Some(username) = &user.username {
            let holder = tx.users().find_by_username(username).await?;
            if holder.is_some_and(|holder| holder.email.canonical() != user.email.canonical()) {
                return Err(Refusal::UsernameTaken.into());
            }
        }
        let Some(mut owner) = tx.users().find_by_email(&user.email).await? else {
            return Err(Refusal::UsernameTaken.into());
        };
        let refused = call.event(AuditType::UserCreated).on(owner.id).failed("EMAIL_TAKEN");
        match owner.state {
            UserState::Pending if owner.provisional => {
                if self.send_verification(tx, &owner, call).await? {
                    tx.credentials().put_password(owner.id, hash, call.now).await?;
                    tx.sessions().end_sessions(owner.id, None, (call.now, EndReason::PasswordChanged)).await?;
                    tx.action_tokens().drop_action_token(owner.id, ActionPurpose::ChangeEmail).await?;
                    let (display_name, locale) = (user.display_name.clone(), user.locale.clone());
                    let profile = ProfileChanges {
                        display_name: Some(display_name),
                        locale: Some(locale),
                        ..ProfileChanges::default()
                    };
                    owner.change_profile(profile, call.now);
                    user_changes::user(tx, &owner).await?;
                    let renewed = call.event(AuditType::UserUpdated).on(owner.id);
                    return Ok(renewed.with("cause", "sign_up_again"));
                }
            }
            UserState::Pending | UserState::Active | UserState::Suspended => {
                self.post.send_sparingly(tx, &owner, MailContent::AlreadyRegistered, call.now).await?;
            }
            UserState::Deleted => {}
        }
        Ok(refused)
    }

    async fn send_verification(&self, tx: &mut dyn Transaction, user: &User, call: &Call) -> Result<bool> {
        let to = TokenRecipient { address: &user.email, user: Some(user) };
        self.post.send_token(tx, to, ActionPurpose::VerifyEmail, call.now).await
    }

    fn parse_sign_up(&self, command: &Register) -> Result<(SignUp, NewPassword)> {
        let mut violations = Violations::default();
        let email = violations.take("email", EmailAddress::parse(&command.email));
        let username = violations.take_optional("username", &command.username, Username::parse);
        let display_name = violations.take("display_name", DisplayName::parse(&command.display_name));
        let locale = violations.take_optional("locale", &command.locale, Locale::parse);

        let password = violations.take_password("password", self.policy.passwords.read(command.password.expose()));
        let names = email.as_ref().zip(display_name.as_ref());
        let words = names.map(|(email, name)| account_words(email, username.as_ref(), name)).unwrap_or_default();
        let password = password.map(|password| password.of_account(&words));
        let sign_up =
            email.zip(display_name).map(|(email, display_name)| SignUp { email, username, display_name, locale });
        violations.check(sign_up.zip(password))
    }
}
