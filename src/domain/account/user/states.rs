//! Where an account is in its life, and what leads from one state to another.

use time::Duration;

use super::User;
use crate::domain::Timestamp;
use crate::domain::account::attributes::Attributes;
use crate::domain::account::profile::DisplayName;
use crate::domain::named_enum::named_enum;
use crate::domain::text::{self, InvalidText};

named_enum! {
    /// The state of an account.
    UserState {
        /// The e-mail address is not proven yet.
        Pending = "pending",
        /// In use.
        Active = "active",
        /// Suspended by an operator.
        Suspended = "suspended",
        /// Deleted, and erased later.
        Deleted = "deleted",
    }
}

/// Why an operator suspended or activated an account: one line of at most 256 code points, perhaps empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateReason(String);

impl StateReason {
    /// Reads a reason.
    pub fn parse(input: &str) -> Result<Self, InvalidText> {
        text::line(input, 256).map(|text| Self(text.to_owned()))
    }

    /// The reason as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The account is in a state that does not allow the change. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the account is {0:?}")]
pub struct StateForbids(pub UserState);

/// Why a person who gave the right password still cannot sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInRefusal {
    /// As if the account did not exist.
    Unknown,
    /// An operator suspended the account.
    Disabled,
    /// The e-mail address is not proven.
    EmailNotVerified,
    /// The password has to be replaced first.
    PasswordChangeRequired,
}

/// Whether unproven addresses may sign in; an operator's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnverifiedSignIn {
    /// They may not.
    Refused,
    /// They may.
    Allowed,
}

impl User {
    /// Records that the person receives mail at the address. Whether anything changed.
    pub fn prove_email(&mut self, now: Timestamp) -> bool {
        if self.email_verified {
            return false;
        }
        self.open();
        self.settle(now);
        true
    }

    /// Records that the person replaced the password, which settles a demand to do so.
    pub fn password_replaced(&mut self, now: Timestamp) {
        self.password_change_required = false;
        self.settle(now);
    }

    /// Records that the person replaced the password by a mailed token, which also proves the address. Who signed up with
    /// the address may have been somebody else.
    pub fn password_recovered(&mut self, now: Timestamp) {
        if let Some(sign_up) = &mut self.unproven {
            sign_up.disputed = true;
        }
        self.open();
        self.password_replaced(now);
    }

    /// Demands a new password before the next sign-in, also of an account that is suspended.
    pub fn require_password_change(&mut self, now: Timestamp) -> Result<(), StateForbids> {
        self.require_state(|state| state != UserState::Deleted)?;
        self.password_change_required = true;
        self.settle(now);
        Ok(())
    }

    /// Suspends an account that is pending or active.
    pub fn suspend(&mut self, reason: StateReason, now: Timestamp) -> Result<(), StateForbids> {
        self.require_state(|state| matches!(state, UserState::Pending | UserState::Active))?;
        self.suspend_time = Some(now);
        self.state_reason = reason;
        self.settle(now);
        Ok(())
    }

    /// Lifts a suspension: the account is active again, or pending if its address is not proven.
    pub fn activate(&mut self, reason: StateReason, now: Timestamp) -> Result<(), StateForbids> {
        self.require_state(|state| state == UserState::Suspended)?;
        self.suspend_time = None;
        self.state_reason = reason;
        self.settle(now);
        Ok(())
    }

    /// Deletes the account; its data is erased after the retention time.
    pub fn delete(&mut self, retention: Duration, now: Timestamp) -> Result<(), StateForbids> {
        self.require_state(|state| state != UserState::Deleted)?;
        self.delete_time = Some(now);
        self.purge_time = Some(now + retention);
        self.settle(now);
        Ok(())
    }

    /// Takes a deletion back: the account has the state it would have had without it.
    pub fn undelete(&mut self, now: Timestamp) -> Result<(), StateForbids> {
        self.require_state(|state| state == UserState::Deleted)?;
        self.delete_time = None;
        self.purge_time = None;
        self.settle(now);
        Ok(())
    }

    /// Refuses unless the account may be erased: what is not deleted can be missed.
    pub fn require_deleted(&self) -> Result<(), StateForbids> {
        self.require_state(|state| state == UserState::Deleted)
    }

    /// Whether the person may sign in with the right password.
    pub fn may_sign_in(&self, unverified: UnverifiedSignIn) -> Result<(), SignInRefusal> {
        match self.state {
            UserState::Deleted => Err(SignInRefusal::Unknown),
            UserState::Suspended => Err(SignInRefusal::Disabled),
            UserState::Pending if self.awaits_proof(unverified) => Err(SignInRefusal::EmailNotVerified),
            UserState::Pending | UserState::Active if self.password_change_required => {
                Err(SignInRefusal::PasswordChangeRequired)
            }
            UserState::Pending | UserState::Active => Ok(()),
        }
    }

    /// Whether sessions of this person continue.
    #[must_use]
    pub fn keeps_sessions(&self) -> bool {
        matches!(self.state, UserState::Pending | UserState::Active)
    }

    /// Whether the person may do nothing before the address is proven, whatever was possible before.
    #[must_use]
    pub fn awaits_proof(&self, unverified: UnverifiedSignIn) -> bool {
        self.state == UserState::Pending && unverified == UnverifiedSignIn::Refused
    }

    /// Whether mailed tokens reach this person: an account that can be recovered.
    #[must_use]
    pub fn can_recover(&self) -> bool {
        self.keeps_sessions()
    }

    /// Whether the account is nothing but a sign-up with an address that nobody has proven.
    #[must_use]
    pub fn is_provisional(&self) -> bool {
        self.unproven.is_some()
    }

    /// Whether several people signed up with the address that none of them has proven.
    #[must_use]
    pub fn is_disputed(&self) -> bool {
        self.unproven.as_ref().is_some_and(|sign_up| sign_up.disputed)
    }

    /// Records that somebody else signed up with the same address. Whether that is new.
    pub fn dispute(&mut self, now: Timestamp) -> bool {
        let Some(sign_up) = self.unproven.as_mut().filter(|sign_up| !sign_up.disputed) else { return false };
        sign_up.disputed = true;
        self.settle(now);
        true
    }

    /// Has an operator stand for the account from here on. Of a sign-up that is disputed, or that the operator does not
    /// know (`dispute` it first), nothing stays; the password is the store's to forget.
    pub fn stand_for(&mut self) {
        let Some(sign_up) = self.unproven.take() else { return };
        if sign_up.disputed {
            self.display_name = DisplayName::default();
            self.locale = None;
            self.attributes = Attributes::default();
        } else {
            self.username = sign_up.username;
        }
    }

    /// Records a proof of the address, which also shows whose account it is.
    pub(super) fn open(&mut self) {
        self.email_verified = true;
        self.stand_for();
    }

    /// Refuses unless the state allows the change.
    pub(super) fn require_state(&self, allowed: impl Fn(UserState) -> bool) -> Result<(), StateForbids> {
        if allowed(self.state) { Ok(()) } else { Err(StateForbids(self.state)) }
    }

    /// Ends a change: the state follows from the facts, of which each is kept while a stronger one hides it.
    pub(super) fn settle(&mut self, now: Timestamp) {
        self.state = if self.delete_time.is_some() {
            UserState::Deleted
        } else if self.suspend_time.is_some() {
            UserState::Suspended
        } else if self.email_verified {
            UserState::Active
        } else {
            UserState::Pending
        };
        self.update_time = now;
        self.revision += 1;
    }
}

#[cfg(test)]
mod tests;
