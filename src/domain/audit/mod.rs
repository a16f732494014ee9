//! What the audit trail tells: who did what to whom, from where, and how it ended.
//!
//! People appear by their ids alone, so that what is kept of a person who was erased is a pseudonym. Network addresses
//! and user agents stay until the retention of the trail ends: finding out where an attack came from is its purpose.

pub mod filter;

use std::collections::BTreeMap;
use std::fmt::Display;

use super::Timestamp;
use super::id::AuditEventId;
use super::named_enum::named_enum;
use super::session::origin::Origin;

/// The longest actor and subject, in characters.
pub const MAX_ID_CHARS: usize = 64;
/// The longest reason and the longest value of a detail, in code points.
pub const MAX_TEXT_CHARS: usize = 256;
/// The actor of what the service does by itself or on its command line.
pub const SYSTEM: &str = "system";

named_enum! {
    /// What happened. The names follow the OWASP Logging Vocabulary where it has one.
    AuditType {
        /// Somebody signed in.
        LoginSucceeded = "authn_login_success",
        /// Somebody signed in after several failed attempts.
        LoginSucceededAfterFailures = "authn_login_successafterfail",
        /// An attempt to sign in failed.
        LoginFailed = "authn_login_fail",
        /// An attempt to sign in was refused unseen, as too many had failed before.
        LoginThrottled = "authn_login_throttled",
        /// So many attempts failed that the password is disabled until it is reset.
        LoginLocked = "authn_login_lock",
        /// The password was right, and a second factor is asked for.
        SecondFactorRequested = "authn_mfa_request",
        /// A second factor was wrong.
        SecondFactorFailed = "authn_mfa_fail",
        /// So many attempts failed that a second factor is disabled until it is enrolled anew.
        SecondFactorLocked = "authn_mfa_lock",
        /// Somebody who was signed in proved it again, or failed to.
        SteppedUp = "authn_step_up",
        /// Somebody enrolled a second factor.
        FactorAdded = "factor_added",
        /// Somebody gave a second factor another name.
        FactorRenamed = "factor_renamed",
        /// Somebody removed a second factor.
        FactorRemoved = "factor_removed",
        /// Somebody made new recovery codes.
        RecoveryCodesMade = "factor_recovery_codes_made",
        /// An operator ordered that all second factors of somebody are removed.
        FactorResetRequested = "factor_reset_request",
        /// The person stopped that.
        FactorResetStopped = "factor_reset_stopped",
        /// All second factors of somebody were removed.
        FactorsReset = "factor_reset",
        /// Somebody signed out.
        LoggedOut = "authn_logout",
        /// A refresh token came back that was retired before, which ended its session.
        TokenReused = "authn_token_reuse",
        /// Somebody replaced the own password, or failed to prove the present one.
        PasswordChanged = "authn_password_change",
        /// Somebody asked for a mail to reset a password.
        PasswordResetRequested = "authn_password_reset_request",
        /// A password was replaced by a mailed token.
        PasswordReset = "authn_password_reset",
        /// An operator demands a new password.
        PasswordChangeRequired = "authn_password_change_required",
        /// Somebody was refused what takes a permission or a fresh sign-in.
        AccessDenied = "authz_fail",
        /// A request other than a sign-in was refused, as there were too many.
        RateLimitExceeded = "excess_rate_limit_exceeded",
        /// One session or several were ended from elsewhere.
        SessionRevoked = "session_revoked",
        /// An access token was revoked by somebody who had it.
        TokenRevoked = "authn_token_revoked",
        /// An account was made.
        UserCreated = "user_created",
        /// An account was changed.
        UserUpdated = "user_updated",
        /// An account was suspended.
        UserSuspended = "user_suspended",
        /// An account was put to use again.
        UserActivated = "user_activated",
        /// An account was deleted; its data is kept for a while.
        UserDeleted = "user_deleted",
        /// A deleted account was restored.
        UserUndeleted = "user_undeleted",
        /// The data of an account was erased.
        UserPurged = "user_purged",
        /// Accounts were imported.
        UsersImported = "users_imported",
        /// Accounts were exported.
        UsersExported = "users_exported",
        /// A person took out all that is stored about them.
        UserDataExported = "user_data_exported",
        /// Somebody asked for a mail to prove an address.
        EmailVerificationRequested = "email_verification_request",
        /// An address was proven.
        EmailVerified = "email_verified",
        /// Somebody asked to change the own address.
        EmailChangeRequested = "email_change_request",
        /// An account has a new address.
        EmailChanged = "email_change",
        /// A role was made.
        RoleCreated = "role_created",
        /// A role was changed.
        RoleUpdated = "role_updated",
        /// A role was deleted.
        RoleDeleted = "role_deleted",
        /// Somebody was granted a role or lost one.
        PermissionsChanged = "privilege_permissions_changed",
        /// A service account was made.
        ServiceAccountCreated = "service_account_created",
        /// A service account was changed.
        ServiceAccountUpdated = "service_account_updated",
        /// A service account was disabled.
        ServiceAccountDisabled = "service_account_disabled",
        /// A service account was put to use again.
        ServiceAccountEnabled = "service_account_enabled",
        /// A service account was erased.
        ServiceAccountDeleted = "service_account_deleted",
        /// An access token was shown that is none of this server's, or void.
        TokenRefused = "authn_token_invalid",
        /// The server refused requests because it had too many.
        Overloaded = "sys_overload",
        /// An API key was made.
        ApiKeyCreated = "api_key_created",
        /// An API key was revoked.
        ApiKeyRevoked = "api_key_revoked",
        /// An API key was not exchanged, or what was shown is none.
        ApiKeyRefused = "api_key_refused",
        /// A key was made that will sign tokens.
        SigningKeyCreated = "signing_key_created",
        /// A signing key was replaced ahead of its time.
        SigningKeyRotated = "signing_key_rotated",
        /// A signing key was made invalid.
        SigningKeyRevoked = "signing_key_revoked",
        /// A root secret was made that will take the place of the one in use.
        RootSecretRotated = "root_secret_rotated",
    }
}

named_enum! {
    /// How it ended.
    Outcome {
        /// It was done.
        Success = "success",
        /// It was tried and went wrong, a wrong password for example.
        Failure = "failure",
        /// It was not allowed.
        Denied = "denied",
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub kind: AuditType,
    /// Who did it: the id of a person or service account, `system`, or empty for a caller who has not proven to be anybody.
    pub actor: String,
    /// Whom or what it concerns: the id of a person, a service account, a role or a signing key, or empty if none is
    /// identified.
    pub subject: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why: a code in capitals for what did not succeed, an operator's own words for what an operator did, or empty.
    pub reason: String,
    /// Where the call came from; nothing for what the service did by itself.
    pub origin: Option<Origin>,
    /// What else there is to know, by name.
    pub details: BTreeMap<String, String>,
}

/// An event in the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its place in the trail. Numbers grow and are never used again; some are never used.
    pub sequence: i64,
    /// Names the event for ever.
    pub id: AuditEventId,
    /// When it happened.
    pub time: Timestamp,
    /// What happened.
    pub event: Event,
}

impl Event {
    /// What a caller did who has not proven to be anybody.
    #[must_use]
    pub fn anonymous(origin: &Origin, kind: AuditType) -> Self {
        Self::new(String::new(), Some(origin.clone()), kind)
    }

    /// What somebody did who has proven to be this person.
    #[must_use]
    pub fn by_person(person: impl Display, origin: &Origin, kind: AuditType) -> Self {
        Self::new(line(&person.to_string(), MAX_ID_CHARS), Some(origin.clone()), kind)
    }

    /// What the service did by itself or on its command line.
    #[must_use]
    pub fn by_system(kind: AuditType) -> Self {
        Self::new(SYSTEM.to_owned(), None, kind)
    }

    /// Whom or what it concerns.
    pub fn on(self, subject: impl Display) -> Self {
        Self { subject: line(&subject.to_string(), MAX_ID_CHARS), ..self }
    }

    /// An operator's own words for it.
    pub fn because(self, reason: &str) -> Self {
        Self { reason: line(reason, MAX_TEXT_CHARS), ..self }
    }

    /// It went wrong.
    pub fn failed(self, reason: &str) -> Self {
        Self { outcome: Outcome::Failure, ..self.because(reason) }
    }

    /// It was not allowed.
    pub fn denied(self, reason: &str) -> Self {
        Self { outcome: Outcome::Denied, ..self.because(reason) }
    }

    /// Something else to know. Neither secrets nor personal data.
    pub fn with(mut self, name: &str, value: impl Display) -> Self {
        self.details.insert(name.to_owned(), line(&value.to_string(), MAX_TEXT_CHARS));
        self
    }

    fn new(actor: String, origin: Option<Origin>, kind: AuditType) -> Self {
        let (subject, reason, details) = (String::new(), String::new(), BTreeMap::new());
        Self { kind, actor, subject, outcome: Outcome::Success, reason, origin, details }
    }
}

/// One line of at most `max` code points.
fn line(text: &str, max: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What clients and rules of others go by: a name is never changed, and never used for something else.
    const CATALOGUE: [&str; 58] = [
        "authn_login_success",
        "authn_login_successafterfail",
        "authn_login_fail",
        "authn_login_throttled",
        "authn_login_lock",
        "authn_mfa_request",
        "authn_mfa_fail",
        "authn_mfa_lock",
        "authn_step_up",
        "factor_added",
        "factor_renamed",
        "factor_removed",
        "factor_recovery_codes_made",
        "factor_reset_request",
        "factor_reset_stopped",
        "factor_reset",
        "authn_logout",
        "authn_token_reuse",
        "authn_password_change",
        "authn_password_reset_request",
        "authn_password_reset",
        "authn_password_change_required",
        "authz_fail",
        "excess_rate_limit_exceeded",
        "session_revoked",
        "authn_token_revoked",
        "user_created",
        "user_updated",
        "user_suspended",
        "user_activated",
        "user_deleted",
        "user_undeleted",
        "user_purged",
        "users_imported",
        "users_exported",
        "user_data_exported",
        "email_verification_request",
        "email_verified",
        "email_change_request",
        "email_change",
        "role_created",
        "role_updated",
        "role_deleted",
        "privilege_permissions_changed",
        "service_account_created",
        "service_account_updated",
        "service_account_disabled",
        "service_account_enabled",
        "service_account_deleted",
        "authn_token_invalid",
        "sys_overload",
        "api_key_created",
        "api_key_revoked",
        "api_key_refused",
        "signing_key_created",
        "signing_key_rotated",
        "signing_key_revoked",
        "root_secret_rotated",
    ];
    /// Those that the OWASP Logging Vocabulary has.
    const OWASP: [&str; 9] = [
        "authn_login_success",
        "authn_login_successafterfail",
        "authn_login_fail",
        "authn_login_lock",
        "authn_password_change",
        "authn_token_reuse",
        "authz_fail",
        "excess_rate_limit_exceeded",
        "privilege_permissions_changed",
    ];

    #[test]
    fn the_catalogue_is_the_one_that_others_go_by() {
        let names: Vec<_> = AuditType::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(names, CATALOGUE);
        for owasp in OWASP {
            assert!(names.contains(&owasp), "{owasp}");
        }
        for kind in AuditType::ALL {
            let is_plain = kind.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            assert!(is_plain && kind.as_str().len() <= 40, "{kind:?}");
            assert_eq!(AuditType::parse(kind.as_str()), Some(*kind));
        }
        assert_eq!(AuditType::parse("login"), None);
        assert_eq!(Outcome::ALL.iter().map(|o| o.as_str()).collect::<Vec<_>>(), ["success", "failure", "denied"]);
    }

    #[test]
    fn texts_are_cut_and_freed_of_control_characters() {
        let event = Event::by_system(AuditType::UserSuspended)
            .on(["s"; 65].concat())
            .denied(&format!("a\r\n\0{}", ["ü"; 300].concat()))
            .with("name", "\u{1b}[2Jx");
        assert_eq!(event.subject.len(), 64);
        assert_eq!(event.reason.chars().count(), 256);
        assert!(event.reason.starts_with("aü"));
        assert_eq!(event.details["name"], "[2Jx");
        assert_eq!((event.actor.as_str(), event.outcome), ("system", Outcome::Denied));
    }
}
