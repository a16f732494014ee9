//! What every change of an account has to do, whoever makes it.

use super::error::{Error, Refusal, Result};
use super::factors::reset_key;
use super::jobs::MailPost;
use super::ports::{StoreError, Transaction};
use crate::domain::Timestamp;
use crate::domain::account::email::EmailAddress;
use crate::domain::account::user::User;
use crate::domain::account::username::Username;
use crate::domain::id::UserId;
use crate::domain::mail::MailContent;
use crate::domain::session::EndReason;

/// Stores a changed user, or fails as busy if somebody else changed the account, or took its new name, meanwhile.
pub(super) async fn user(tx: &dyn Transaction, user: &User) -> Result<()> {
    match tx.users().update_user(user).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::Contention("the account was changed by another transaction".into())),
        Err(StoreError::Conflict(cause)) => Err(Error::Contention(cause)),
        Err(error) => Err(error.into()),
    }
}

/// Leaves out the username that a sign-up wanted if somebody else has it by now. To be called before the proof of the
/// address reserves it.
pub(super) async fn settle_username(tx: &dyn Transaction, user: &mut User) -> Result<()> {
    if let Some(sign_up) = &mut user.unproven
        && let Some(username) = &sign_up.username
        && tx.users().find_by_username(username).await?.is_some()
    {
        sign_up.username = None;
    }
    Ok(())
}

/// Takes away what lets anybody into an account whose sign-up was disputed: whoever has the mailbox begins anew.
/// The account is the caller's to store.
pub(super) async fn void_sign_up(tx: &dyn Transaction, user: &mut User, now: Timestamp) -> Result<()> {
    tx.credentials().drop_password(user.id).await?;
    drop_factors(tx, user).await?;
    tx.sessions().end_sessions(user.id, None, (now, EndReason::PasswordChanged)).await?;
    tx.action_tokens().drop_action_tokens(user.id).await?;
    Ok(())
}

/// Takes the second factors away that somebody enrolled who merely signed up with the address. The account is the caller's
/// to store.
pub(super) async fn drop_factors(tx: &dyn Transaction, user: &mut User) -> Result<()> {
    tx.factors().delete_factors(user.id).await?;
    user.mfa_enabled = false;
    Ok(())
}

/// Refuses if somebody else has the address.
pub(super) async fn require_free_email(tx: &dyn Transaction, email: &EmailAddress, own: UserId) -> Result<()> {
    let holder = tx.users().find_by_email(email).await?;
    if holder.is_some_and(|holder| holder.id != own) { Err(Refusal::EmailTaken.into()) } else { Ok(()) }
}

/// Refuses if somebody else has the username.
pub(super) async fn require_free_username(tx: &dyn Transaction, username: &Username, own: UserId) -> Result<()> {
    let holder = tx.users().find_by_username(username).await?;
    if holder.is_some_and(|holder| holder.id != own) { Err(Refusal::UsernameTaken.into()) } else { Ok(()) }
}

/// Tells the owner of an account that was just deleted. An address that nobody has proven may be a stranger's.
pub(super) async fn tell_of_deletion(tx: &dyn Transaction, post: &MailPost, user: &User, now: Timestamp) -> Result<()> {
    match user.purge_time.filter(|_| user.email_verified) {
        Some(erase_time) => post.send(tx, user, MailContent::AccountDeleted { erase_time }, now).await,
        None => Ok(()),
    }
}

/// Stores an account that was just closed: every session ends at once, and mailed tokens are void.
pub(super) async fn closed(tx: &dyn Transaction, user: &User, now: Timestamp) -> Result<()> {
    self::user(tx, user).await?;
    tx.sessions().end_sessions(user.id, None, (now, EndReason::AccountClosed)).await?;
    tx.action_tokens().drop_action_tokens(user.id).await?;
    tx.jobs().cancel_job(&reset_key(user.id)).await?;
    Ok(())
}
