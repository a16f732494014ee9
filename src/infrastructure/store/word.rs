use crate::domain::account::user::UserState;
use crate::domain::session::EndReason;
use crate::domain::token::action_token::ActionPurpose;

/// A choice that is stored as a word, which stays the same when the choices are renamed or reordered.
pub(super) trait Word: Copy + 'static {
    /// Every choice.
    const ALL: &'static [Self];

    /// The word for it.
    fn word(self) -> &'static str;

    /// The choice that the word stands for.
    fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|choice| choice.word() == word)
    }
}

impl Word for UserState {
    const ALL: &'static [Self] = &[Self::Pending, Self::Active, Self::Suspended, Self::Deleted];

    fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }
}

impl Word for EndReason {
    const ALL: &'static [Self] =
        &[Self::Logout, Self::Revoked, Self::PasswordChanged, Self::TokenReuse, Self::Evicted, Self::AccountClosed];

    fn word(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::PasswordChanged => "password_changed",
            Self::TokenReuse => "token_reuse",
            Self::Evicted => "evicted",
            Self::AccountClosed => "account_closed",
        }
    }
}

impl Word for ActionPurpose {
    const ALL: &'static [Self] = &ActionPurpose::ALL;

    fn word(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
            Self::ChangeEmail => "change_email",
            Self::AcceptInvitation => "accept_invitation",
        }
    }
}
