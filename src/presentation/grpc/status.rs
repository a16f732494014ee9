//! The last stage of errors: application error to gRPC status. Nothing internal passes.

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::encode;
use super::layers::request_id;
use crate::application::causes::Causes;
use crate::application::error::{Error, Refusal, Rule, Violation};
use crate::domain::session::authentication::AssuranceLevel;
use crate::proto::ErrorReason;

/// The domain of every `ErrorInfo`.
const DOMAIN: &str = "ipse.v1";
/// What the names of all reasons begin with in the contract, as an enum's values share one space with those of others.
const PREFIX: &str = "ERROR_REASON_";
/// When to try again after a passing fault.
const SOON: Duration = Duration::from_secs(1);

/// Where a request has a field that its use case names.
pub(super) type PathOf = fn(&str) -> String;

/// An error as it goes out: code, reason, text, and what else it tells.
struct Outgoing {
    code: Code,
    reason: ErrorReason,
    message: &'static str,
    metadata: Vec<(&'static str, String)>,
    details: ErrorDetails,
}

/// The status for an error of a use case. Faults are logged here, once, with the request id the caller also gets.
pub(super) fn from_error(error: Error) -> Status {
    from_error_at(str::to_owned, error)
}

/// As `from_error`, for a request that has the fields of its use case elsewhere than at its root.
pub(super) fn from_error_at(path: PathOf, error: Error) -> Status {
    match error {
        Error::Invalid(violations) => invalid(&violations, path),
        Error::Refused(refusal) => {
            let mut outgoing = refused(refusal.clone());
            if let Some((field, description)) = refusal.field() {
                outgoing.details.add_bad_request_violation(path(field), description);
            }
            let mut status = outgoing.into_status();
            status.set_source(Arc::new(refusal));
            status
        }
        Error::Contention(cause) => {
            tracing::warn!(cause = %Causes(cause.as_ref()), "the store was busy");
            unavailable(ErrorReason::StorageBusy, "the store is busy, try again")
        }
        Error::Unavailable(cause) => {
            tracing::warn!(cause = %Causes(cause.as_ref()), "the store is unavailable");
            unavailable(ErrorReason::StorageUnavailable, "the store is unavailable, try again")
        }
        Error::OutcomeUnknown(cause) => {
            tracing::error!(
                cause = %Causes(cause.as_ref()),
                "the store was lost while a change was being committed"
            );
            Outgoing::new(Code::Unknown, ErrorReason::OutcomeUnknown, "it is uncertain whether the change was made")
                .retry_after(SOON)
                .into_status()
        }
        Error::Internal(cause) => {
            tracing::error!(cause = %Causes(cause.as_ref()), "internal fault");
            internal()
        }
    }
}

/// The status for one field that cannot be decoded.
pub(super) fn violation(field: &'static str, description: &str) -> Status {
    invalid(&[Violation::form(field, description)], str::to_owned)
}

/// The status for a fault whose cause is logged elsewhere.
pub(super) fn internal() -> Status {
    Outgoing::new(Code::Internal, ErrorReason::InternalError, "internal error").into_status()
}

/// The status for a call that took too long.
pub(super) fn timed_out() -> Status {
    Outgoing::new(Code::DeadlineExceeded, ErrorReason::ServerTimeout, "the deadline passed").into_status()
}

/// The status while the server stops.
pub(super) fn shutting_down() -> Status {
    Outgoing::new(Code::Unavailable, ErrorReason::ShuttingDown, "the server is stopping").into_status()
}

/// The status for an RPC that does not exist.
pub(super) fn method_unknown() -> Status {
    Outgoing::new(Code::Unimplemented, ErrorReason::MethodUnknown, "the server has no such method").into_status()
}

/// The status for a question that only gateways may ask.
pub(super) fn gateway_unknown() -> Status {
    let message = "only gateways may ask this: their addresses are the server's setting IPSE_GATEWAYS";
    Outgoing::new(Code::PermissionDenied, ErrorReason::GatewayUnknown, message).into_status()
}

/// The status for a compressed request: small bytes that become large ones are not worth their risk here.
pub(super) fn compressed() -> Status {
    Outgoing::new(Code::Unimplemented, ErrorReason::FeatureDisabled, "the server takes no compressed messages")
        .into_status()
}

/// The status for bytes that are no request.
pub(super) fn malformed(what: &'static str) -> Status {
    Outgoing::new(Code::InvalidArgument, ErrorReason::RequestMalformed, what).into_status()
}

/// The status for a message beyond the limit.
pub(super) fn too_large(max_bytes: usize) -> Status {
    Outgoing::new(Code::ResourceExhausted, ErrorReason::RequestTooLarge, "the request is too large")
        .with("max_bytes", max_bytes.to_string())
        .into_status()
}

/// The refusal that an answer stands for, as the service that refused left it.
pub(super) fn refusal_in<B>(response: &http::Response<B>) -> Option<&Refusal> {
    let status = response.extensions().get::<Status>()?;
    status.source()?.downcast_ref()
}

/// The reason that an error of ours gives, as `ErrorInfo` writes it.
pub(super) fn reason_of(status: &Status) -> Option<&'static str> {
    let written = status.get_details_error_info()?.reason;
    ErrorReason::from_str_name(&format!("{PREFIX}{written}")).map(written_form)
}

/// The name of a reason without the prefix that all of them have.
fn written_form(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix(PREFIX).unwrap_or(name)
}

fn unavailable(reason: ErrorReason, message: &'static str) -> Status {
    Outgoing::new(Code::Unavailable, reason, message).retry_after(SOON).into_status()
}

fn invalid(violations: &[Violation], path: PathOf) -> Status {
    let mut outgoing = match violations {
        [Violation { rule: Rule::PasswordTooShort { minimum }, .. }] => {
            Outgoing::new(Code::InvalidArgument, ErrorReason::PasswordTooShort, "the password is too short")
                .with("min_length", minimum.to_string())
        }
        [Violation { rule: Rule::PasswordTooLong, .. }] => {
            Outgoing::new(Code::InvalidArgument, ErrorReason::PasswordTooLong, "the password is too long")
        }
        [Violation { rule: Rule::PasswordBlocklisted, .. }] => {
            Outgoing::new(Code::InvalidArgument, ErrorReason::PasswordBlocklisted, "the password is too common")
        }
        _ => Outgoing::new(Code::InvalidArgument, ErrorReason::FieldInvalid, "fields are invalid"),
    };
    for violation in violations {
        outgoing.details.add_bad_request_violation(path(violation.field), &violation.description);
    }
    outgoing.into_status()
}

/// One arm for each refusal: adding one without deciding its code does not compile.
#[expect(clippy::too_many_lines, reason = "a table, which would tell less in parts")]
fn refused(refusal: Refusal) -> Outgoing {
    use ErrorReason as Reason;
    match refusal {
        Refusal::CredentialsInvalid => {
            Outgoing::new(Code::Unauthenticated, Reason::CredentialsInvalid, "the credentials are not valid")
        }
        Refusal::TokenMissing => {
            Outgoing::new(Code::Unauthenticated, Reason::TokenMissing, "one bearer token is required")
        }
        Refusal::TokenExpired => {
            Outgoing::new(Code::Unauthenticated, Reason::TokenExpired, "the access token has expired")
        }
        Refusal::TokenInvalid => {
            Outgoing::new(Code::Unauthenticated, Reason::TokenInvalid, "the access token is not valid")
        }
        Refusal::RefreshTokenInvalid => {
            Outgoing::new(Code::Unauthenticated, Reason::RefreshTokenInvalid, "the refresh token is not valid")
        }
        Refusal::StepUpRequired { max_age, level } => step_up_required(max_age, level),
        Refusal::MfaRequired => {
            Outgoing::new(Code::PermissionDenied, Reason::MfaRequired, "a second factor has to be enrolled first")
        }
        Refusal::MfaCodeInvalid => {
            Outgoing::new(Code::Unauthenticated, Reason::MfaCodeInvalid, "the second factor is not valid")
        }
        Refusal::MfaChallengeInvalid => {
            Outgoing::new(Code::Unauthenticated, Reason::MfaChallengeInvalid, "the challenge is not valid")
        }
        Refusal::LastFactor => {
            Outgoing::new(Code::FailedPrecondition, Reason::LastFactor, "the last second factor has to remain")
        }
        Refusal::CredentialExists => {
            Outgoing::new(Code::AlreadyExists, Reason::CredentialExists, "the passkey is registered already")
        }
        Refusal::EmailNotVerified => {
            Outgoing::new(Code::FailedPrecondition, Reason::EmailNotVerified, "the e-mail address is not verified")
        }
        Refusal::AccountDisabled => {
            Outgoing::new(Code::PermissionDenied, Reason::AccountDisabled, "the account is disabled")
        }
        Refusal::PasswordChangeRequired => Outgoing::new(
            Code::FailedPrecondition,
            Reason::PasswordChangeRequired,
            "the password must be reset before signing in",
        ),
        Refusal::PermissionMissing { permission } => Outgoing::new(
            Code::PermissionDenied,
            Reason::PermissionMissing,
            "permission denied on the resource (or it might not exist)",
        )
        .with("permission", permission),
        Refusal::RateLimited { retry_after, counter: _ } => {
            Outgoing::new(Code::ResourceExhausted, Reason::RateLimited, "too many attempts, try again later")
                .retry_after(retry_after.unsigned_abs())
        }
        Refusal::Overloaded => {
            Outgoing::new(Code::ResourceExhausted, Reason::ServerOverloaded, "the server is overloaded")
                .retry_after(SOON)
        }
        Refusal::WatchTooSlow => Outgoing::new(
            Code::ResourceExhausted,
            Reason::WatchTooSlow,
            "the reader is too slow, continue from where it was",
        )
        .retry_after(SOON),
        Refusal::AudienceUnknown => {
            Outgoing::new(Code::InvalidArgument, Reason::AudienceUnknown, "the audience is not configured")
        }
        Refusal::PageTokenInvalid => {
            Outgoing::new(Code::InvalidArgument, Reason::PageTokenInvalid, "the page token is not valid")
        }
        Refusal::ActionTokenInvalid => {
            Outgoing::new(Code::FailedPrecondition, Reason::ActionTokenInvalid, "the token is not valid")
        }
        Refusal::UsernameTaken => Outgoing::new(Code::AlreadyExists, Reason::UsernameTaken, "the username is taken"),
        Refusal::EmailTaken => Outgoing::new(Code::AlreadyExists, Reason::EmailTaken, "the e-mail address is taken"),
        Refusal::EtagMismatch => {
            Outgoing::new(Code::Aborted, Reason::EtagMismatch, "the object was changed since it was read")
        }
        Refusal::RequestIdReused => {
            Outgoing::new(Code::InvalidArgument, Reason::RequestIdReused, "the request id stood for another request")
        }
        Refusal::StateForbids { state } => Outgoing::new(
            Code::FailedPrecondition,
            Reason::UserStateInvalid,
            "the state of the account does not allow it",
        )
        .with("state", encode::state_name(state).to_owned()),
        Refusal::NameTaken => Outgoing::new(Code::AlreadyExists, Reason::NameTaken, "the name is taken"),
        Refusal::RoleInUse => Outgoing::new(Code::FailedPrecondition, Reason::RoleInUse, "somebody has the role"),
        Refusal::RoleBuiltIn => {
            Outgoing::new(Code::FailedPrecondition, Reason::RoleBuiltIn, "built-in roles cannot be changed")
        }
        Refusal::QuotaExceeded { what, limit } => {
            let mut outgoing = Outgoing::new(Code::ResourceExhausted, Reason::QuotaExceeded, "there may be no more");
            outgoing.details.add_quota_failure_violation("ipse.v1", format!("{what}, at most {limit}"));
            outgoing
        }
        Refusal::PersonRequired => {
            Outgoing::new(Code::PermissionDenied, Reason::PersonRequired, "services have no account of their own")
        }
        Refusal::LastAdministrator => Outgoing::new(
            Code::FailedPrecondition,
            Reason::LastAdmin,
            "the last active administrator has to remain one",
        ),
        Refusal::NotFound { resource, name } => {
            let mut outgoing = Outgoing::new(Code::NotFound, Reason::ResourceNotFound, "there is no such resource");
            outgoing.details.set_resource_info(resource, name, "", "");
            outgoing
        }
    }
}

fn step_up_required(max_age: Option<time::Duration>, level: AssuranceLevel) -> Outgoing {
    let required = Outgoing::new(Code::Unauthenticated, ErrorReason::StepUpRequired, "a fresh sign-in is required")
        .with("acr_values", level.as_str().to_owned());
    match max_age {
        Some(max_age) => required.with("max_age", max_age.whole_seconds().to_string()),
        None => required,
    }
}

impl Outgoing {
    fn new(code: Code, reason: ErrorReason, message: &'static str) -> Self {
        Self { code, reason, message, metadata: Vec::new(), details: ErrorDetails::new() }
    }

    fn with(mut self, key: &'static str, value: String) -> Self {
        self.metadata.push((key, value));
        self
    }

    fn retry_after(mut self, delay: Duration) -> Self {
        self.details.set_retry_info(Some(delay));
        self
    }

    fn into_status(mut self) -> Status {
        let mut metadata: HashMap<String, String> =
            self.metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        metadata.insert("request_id".to_owned(), request_id::current().to_string());
        self.details.set_error_info(written_form(self.reason), DOMAIN, metadata);
        Status::with_error_details(self.code, self.message, self.details)
    }
}
