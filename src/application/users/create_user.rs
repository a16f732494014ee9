use futures_util::future::try_join3;

use super::Users;
use crate::application::call::Call;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::new_password;
use crate::application::ports::{Transaction, UserInsert};
use crate::domain::account::attributes::Attributes;
use crate::domain::account::email::EmailAddress;
use crate::domain::account::profile::{DisplayName, Locale};
use crate::domain::account::user::{SignUp, User, account_words};
use crate::domain::account::username::Username;
use crate::domain::audit::AuditType;
use crate::domain::credential::password::NewPassword;
use crate::domain::id::UserId;
use crate::domain::mail::MailContent;
use crate::domain::secret::Secret;
use crate::domain::token::action_token::ActionPurpose;

/// The person to make an account for.
#[derive(Debug, Clone, Default)]
pub struct CreateUser {
    /// The e-mail address.
    pub email: String,
    /// Whether the caller vouches for it.
    pub email_verified: bool,
    /// The username, or empty.
    pub username: String,
    /// The name to show, or empty.
    pub display_name: String,
    /// The language for mail, or empty.
    pub locale: String,
    /// The attributes as a JSON object.
    pub attributes: String,
    /// The first password, or empty: the person chooses it by the invitation that is mailed.
    pub password: Secret,
}

/// A command whose parts were read.
struct ValidUser {
    who: SignUp,
    attributes: Attributes,
    password: Option<NewPassword>,
}

impl Users {
    /// Makes an account for somebody. A taken name is refused openly: whoever may make accounts may know of them.
    pub async fn create_user(
        &self,
        call: &Call,
        command: CreateUser,
        request: &IdempotentCall<User>,
    ) -> Idempotent<User> {
        let valid = self.parse_create(&command)?;
        let hash = match &valid.password {
            Some(password) => Some(new_password::hash(self.hasher.as_ref(), password, "password").await?),
            None => None,
        };
        let id = UserId::new(call.now, &self.entropy.bytes()?);
        let attributes = valid.attributes;
        let user = User { attributes, ..User::provision(id, valid.who, command.email_verified, call.now) };

        let open = self.idempotency.open(call, request).await?;
        let tx = open.tx.as_ref();
        if tx.users().insert_user(&user).await? == UserInsert::NameTaken {
            return Err(which_is_taken(tx, &user).await?.into());
        }
        let put_password = async {
            match &hash {
                Some(hash) => Ok(tx.credentials().put_password(id, hash, call.now).await?),
                None => Ok(()),
            }
        };
        let proof = match (&hash, user.email_verified) {
            (None, _) => Some(ActionPurpose::AcceptInvitation),
            (Some(_), false) => Some(ActionPurpose::VerifyEmail),
            (Some(_), true) => None,
        };
        let send = async {
            match proof {
                Some(purpose) => self.post.send_token_unthrottled(tx, &user, purpose, call.now).await,
                None => self.post.send(tx, &user, MailContent::Welcome, call.now).await,
            }
        };
        let record = self.trail.record(tx, call.event(AuditType::UserCreated).on(id), call.now);
        try_join3(put_password, send, record).await?;
        open.finish(user).await
    }

    fn parse_create(&self, command: &CreateUser) -> Result<ValidUser> {
        let mut violations = Violations::default();
        let email = violations.take("email", EmailAddress::parse(&command.email));
        let username = violations.take_optional("username", &command.username, Username::parse);
        let display_name = violations.take("display_name", DisplayName::parse(&command.display_name));
        let locale = violations.take_optional("locale", &command.locale, Locale::parse);
        let attributes = violations.take("attributes", Attributes::new(command.attributes.clone()));

        let names = email.as_ref().zip(display_name.as_ref());
        let words = names.map(|(email, name)| account_words(email, username.as_ref(), name)).unwrap_or_default();
        let password = if command.password.expose().is_empty() {
            None
        } else {
            let password = self.policy.passwords.read(command.password.expose());
            violations.take_password("password", password).map(|password| password.of_account(&words))
        };
        let who = email.zip(display_name).map(|(email, display_name)| SignUp { email, username, display_name, locale });
        let valid = who.zip(attributes).map(|(who, attributes)| ValidUser { who, attributes, password });
        violations.check(valid)
    }
}

/// Which of the names of a person who could not be stored somebody else has.
async fn which_is_taken(tx: &dyn Transaction, user: &User) -> Result<Refusal> {
    let is_email = tx.users().find_by_email(&user.email).await?.is_some();
    Ok(if is_email { Refusal::EmailTaken } else { Refusal::UsernameTaken })
}
