use futures_util::TryFutureExt;
use futures_util::future::{try_join, try_join3};

use super::Registration;
use crate::application::attempt_limiter::AttemptLimiter;
use crate::application::audit_trail::Event;
use crate::application::call::Call;
use crate::application::error::{Error, Refusal, Result, Violations};
use crate::application::idempotency::{Exit, Idempotent, IdempotentCall};
use crate::application::jobs::{TokenRecipient, explanation};
use crate::application::ports::{PasswordCredential, Transaction, UserInsert};
use crate::application::{new_password, user_changes};
use crate::domain::account::email::EmailAddress;
use crate::domain::account::profile::{DisplayName, Locale};
use crate::domain::account::user::{ProfileChanges, SignUp, User, UserState, account_words};
use crate::domain::account::username::Username;
use crate::domain::audit::AuditType;
use crate::domain::credential::password::{NewPassword, PasswordHash};
use crate::domain::id::UserId;
use crate::domain::secret::Secret;
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

/// What the store knows of the names in a sign-up.
struct KnownNames {
    /// Whether somebody has the username.
    has_taken_name: bool,
    /// The password of an earlier sign-up with the address that nobody has proven: whoever gives it again is the same person.
    password: Option<PasswordHash>,
}

impl Registration {
    /// Signs a person up. The outcome and its cost are the same whether or not the address has an account.
    pub async fn register(&self, call: &Call, command: Register, request: &IdempotentCall<()>) -> Idempotent<()> {
        let (who, password) = self.parse_sign_up(&command)?;
        self.require_new(call, &who.email, request).await?;
        let limiter = AttemptLimiter::request(&self.throttle_key, "sign_up", &call.origin.client);
        let known = self.look_up(call, &who, &limiter).await;
        let throttled = call.event(AuditType::RateLimitExceeded).with("request", "user_created");
        let known = self.trail.note_throttling(self.store.as_ref(), known, throttled, call.now).await?;
        if known.has_taken_name {
            // A username that is in use is public, whoever has it and whatever the address.
            let tx = self.store.write().await?;
            limiter.count(tx.as_ref(), call.now).await?;
            tx.commit().await?;
            return Err(Refusal::UsernameTaken.into());
        }
        let hash = new_password::hash_again(self.hasher.as_ref(), &password, known.password.as_ref()).await?;
        let user = User::sign_up(UserId::new(call.now, &self.entropy.bytes()?), who, call.now);

        let open = self.idempotency.open(call, request).await?;
        let tx = open.tx.as_ref();
        let insert = tx.users().insert_user(&user).err_into();
        let ((), inserted, holder) = try_join3(limiter.count(tx, call.now), insert, holder(tx, &user)).await?;
        match inserted {
            UserInsert::Inserted => {
                let created = call.event(AuditType::UserCreated).on(user.id);
                try_join3(
                    tx.credentials().put_password(user.id, &hash, call.now).err_into(),
                    self.trail.record(tx, created, call.now),
                    self.send_verification(tx, &user, call),
                )
                .await?;
            }
            UserInsert::NameTaken => {
                let event = self.answer_taken_address(tx, (&user, &hash), holder, call).await?;
                self.trail.record(tx, event, call.now).await?;
            }
        }
        open.finish(()).await
    }

    /// Answers a duplicate. Another request with the id of an earlier one might guess the password that the earlier one held, and
    /// counts as a failed sign-in under the address.
    async fn require_new(&self, call: &Call, email: &EmailAddress, request: &IdempotentCall<()>) -> Idempotent<()> {
        if request.request_id.is_none() {
            return Ok(());
        }
        let limiter = AttemptLimiter::sign_in(&self.throttle_key, email.canonical(), &call.origin.client);
        limiter.check(self.store.read().await?.as_ref(), call.now).await?;
        let outcome = self.idempotency.require_new(call, request).await;
        if let Err(Exit::Failed(Error::Refused(Refusal::RequestIdReused))) = outcome {
            let tx = self.store.write().await?;
            limiter.count(tx.as_ref(), call.now).await?;
            tx.commit().await?;
        }
        outcome
    }

    /// What is known of the names, unless the network has to wait. The statements are the same for every address.
    async fn look_up(&self, call: &Call, who: &SignUp, limiter: &AttemptLimiter) -> Result<KnownNames> {
        let tx = self.store.read().await?;
        let find_name = async {
            match &who.username {
                Some(username) => Ok(tx.users().find_by_username(username).await?),
                None => Ok(None),
            }
        };
        let find = try_join(
            tx.users().find_by_email(&who.email).err_into(),
            tx.credentials().find_password_by_email(&who.email).err_into(),
        );
        let ((), holder_of_name, (earlier, password)) =
            try_join3(limiter.check(tx.as_ref(), call.now), find_name, find).await?;
        let is_earlier = |user_id| earlier.as_ref().is_some_and(|user| user.is_provisional() && user.id == user_id);
        let password = password.filter(|password| is_earlier(password.user_id)).map(|password| password.hash);
        Ok(KnownNames { has_taken_name: holder_of_name.is_some(), password })
    }

    /// Tells the owner of a taken address, and nobody else; yields what the audit trail tells of it.
    ///
    /// A provisional account belongs to nobody yet. Whoever signs up again with its password is who signed up before; with
    /// another one, nobody can tell which of them reads the mail, and the proof will leave nothing that either chose. An
    /// account that an operator stands for is left alone, even while its address is not proven: whoever proves it must
    /// find the password, or the lack of one, that the operator left.
    async fn answer_taken_address(
        &self,
        tx: &dyn Transaction,
        (user, hash): (&User, &PasswordHash),
        (owner, stored): Holder,
        call: &Call,
    ) -> Result<Event> {
        let mut owner = owner.ok_or_else(|| Error::Contention("the account was erased meanwhile".into()))?;
        let refused = call.event(AuditType::UserCreated).on(owner.id).failed("EMAIL_TAKEN");
        match owner.state {
            UserState::Pending if owner.is_provisional() => {
                let renewed = call.event(AuditType::UserUpdated).on(owner.id);
                let event = if stored.is_some_and(|stored| stored.hash == *hash) {
                    owner.change_profile(claimed_profile(user), call.now);
                    user_changes::user(tx, &owner).await?;
                    renewed.with("cause", "sign_up_again")
                } else if owner.dispute(call.now) {
                    user_changes::user(tx, &owner).await?;
                    renewed.with("cause", "sign_up_disputed")
                } else {
                    refused
                };
                self.send_verification(tx, &owner, call).await?;
                Ok(event)
            }
            UserState::Pending | UserState::Active | UserState::Suspended | UserState::Deleted => {
                self.post.send_sparingly(tx, &owner, explanation(&owner, call.now), call.now).await?;
                Ok(refused)
            }
        }
    }

    async fn send_verification(&self, tx: &dyn Transaction, user: &User, call: &Call) -> Result<bool> {
        let to = TokenRecipient::new(&user.email, Some(user));
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

/// Who has an address once somebody signed up with it, and their password.
type Holder = (Option<User>, Option<PasswordCredential>);

/// Finds them whether or not the address was free, so that both cost the same.
async fn holder(tx: &dyn Transaction, user: &User) -> Result<Holder> {
    let find_password = tx.credentials().find_password_by_email(&user.email);
    Ok(try_join(tx.users().find_by_email(&user.email), find_password).await?)
}

/// What a sign-up says of a person beside the address.
fn claimed_profile(user: &User) -> ProfileChanges {
    ProfileChanges {
        display_name: Some(user.display_name.clone()),
        username: Some(user.claimed_username().cloned()),
        locale: Some(user.locale.clone()),
        attributes: None,
    }
}
