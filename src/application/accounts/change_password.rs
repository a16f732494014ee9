use super::Accounts;
use crate::application::brake::{self, Brake};
use crate::application::caller::Caller;
use crate::application::error::{Error, Refusal, Result, Violation, Violations};
use crate::application::ports::{PasswordCredential, Verification};
use crate::application::save;
use crate::domain::Timestamp;
use crate::domain::client::Client;
use crate::domain::mail::MailContent;
use crate::domain::password::{Password, PasswordHash};
use crate::domain::session::EndReason;
use crate::domain::throttle::HARD_LIMIT;
use crate::domain::user::User;

/// What a person sends to replace the password.
#[derive(Debug, Clone, Default)]
pub struct ChangePassword {
    /// The password in use.
    pub current_password: String,
    /// The new one.
    pub new_password: String,
}

impl Accounts {
    /// Replaces the caller's password, ends the caller's other sessions and tells the person by mail. A wrong current
    /// password counts like a failed sign-in, so that a stolen session is no way around the limits.
    pub async fn change_password(&self, caller: &Caller, command: ChangePassword, client: &Client) -> Result<()> {
        let now = self.clock.now();
        let current = self.parse_change(&command)?;
        let (user, credential) = self.find_own(caller).await?;
        let brake = Brake::sign_in(&self.throttle_key, user.email.canonical(), client);
        brake.admit(self.store.read().await?.as_mut(), now).await?;

        let verification = self.hasher.verify(&current, Some(&credential.hash)).await?;
        if verification == Verification::Mismatch || credential.failures >= HARD_LIMIT {
            brake.remember_failure(self.store.as_ref(), user.id, now).await?;
            return Err(Refusal::CredentialsInvalid.into());
        }
        let accepted = self.policy.passwords.accept(&command.new_password, &user.words());
        let new = accepted.map_err(|why| Error::Invalid(vec![Violation::password("new_password", why)]))?;
        let hash = self.hasher.hash(&new).await?;
        self.replace(caller, &credential, (hash, now)).await
    }

    /// Checks what can be checked without knowing the account.
    fn parse_change(&self, command: &ChangePassword) -> Result<Password> {
        let mut violations = Violations::default();
        let current = violations.take("current_password", Password::presented(&command.current_password));
        let accepted = self.policy.passwords.accept(&command.new_password, &[]);
        let new = violations.take_password("new_password", accepted);
        violations.check(current.zip(new)).map(|(current, _)| current)
    }

    async fn find_own(&self, caller: &Caller) -> Result<(User, PasswordCredential)> {
        let mut tx = self.store.read().await?;
        let user = tx.users().find_user(caller.user_id).await?.ok_or(Refusal::TokenInvalid)?;
        let credential = tx.credentials().find_password(user.id).await?.ok_or(Refusal::CredentialsInvalid)?;
        Ok((user, credential))
    }

    async fn replace(
        &self,
        caller: &Caller,
        checked: &PasswordCredential,
        (hash, now): (PasswordHash, Timestamp),
    ) -> Result<()> {
        let mut tx = self.store.write().await?;
        let mut user = tx.users().find_user(caller.user_id).await?.ok_or(Refusal::TokenInvalid)?;
        let credential = tx.credentials().find_password(user.id).await?;
        if !user.keeps_sessions() || credential.is_none_or(|credential| credential.hash != checked.hash) {
            return Err(Refusal::CredentialsInvalid.into());
        }
        tx.credentials().put_password(user.id, &hash, now).await?;
        user.password_replaced(now);
        save::user(tx.as_mut(), &user).await?;
        let end = (now, EndReason::PasswordChanged);
        tx.sessions().end_sessions(user.id, Some(caller.session_id), end).await?;
        brake::forget(tx.as_mut(), &self.throttle_key, user.email.canonical()).await?;
        self.post.send(tx.as_mut(), &user, MailContent::PasswordChanged, now).await?;
        tx.commit().await?;
        Ok(())
    }
}
