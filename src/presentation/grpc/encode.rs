//! Domain to contract: the conversions that several services share.

use prost_types::Timestamp as ProtoTime;

use crate::application::factors::{EnrolledFactor, FactorList};
use crate::application::sessions::IssuedTokens;
use crate::application::sign_in::{ChallengeFactor, IssuedChallenge};
use crate::domain::Timestamp;
use crate::domain::access::permission::Rights;
use crate::domain::access::role::{Role, RoleGrant};
use crate::domain::access::subject::Subject;
use crate::domain::account::service_account::ServiceAccount;
use crate::domain::account::user::{User, UserState};
use crate::domain::account::username::Username;
use crate::domain::credential::api_key::ApiKey;
use crate::domain::credential::factor::{Enrolment, Factor, FactorKind, FactorMethod, FactorState};
use crate::domain::id::SessionId;
use crate::domain::secret::Secret;
use crate::domain::session::Session;
use crate::presentation::json;
use crate::proto;
use crate::proto::factor::Details;

/// A time as the contract carries it.
pub(super) fn time(time: Timestamp) -> ProtoTime {
    ProtoTime { seconds: time.unix_timestamp(), nanos: i32::try_from(time.nanosecond()).unwrap_or(0) }
}

/// An account, with what its owner and operators may see.
pub(super) fn user(user: &User) -> proto::User {
    proto::User {
        id: user.id.to_string(),
        email: user.email.written().to_owned(),
        email_verified: user.email_verified,
        username: user.claimed_username().map(Username::as_str).unwrap_or_default().to_owned(),
        display_name: user.display_name.as_str().to_owned(),
        state: user_state(user.state).into(),
        state_reason: user.state_reason.as_str().to_owned(),
        attributes: json::read(user.attributes.as_json()).filter(|attributes| !attributes.fields.is_empty()),
        locale: user.locale.as_ref().map(|locale| locale.as_str().to_owned()).unwrap_or_default(),
        mfa_enabled: user.mfa_enabled,
        password_change_required: user.password_change_required,
        create_time: Some(time(user.create_time)),
        update_time: Some(time(user.update_time)),
        last_login_time: user.last_login_time.map(time),
        delete_time: user.delete_time.map(time),
        purge_time: user.purge_time.map(time),
        etag: user.etag(),
    }
}

/// The name of a state without its prefix.
pub(super) fn state_name(state: UserState) -> &'static str {
    let name = user_state(state).as_str_name();
    name.strip_prefix("USER_STATE_").unwrap_or(name)
}

fn user_state(state: UserState) -> proto::UserState {
    match state {
        UserState::Pending => proto::UserState::Pending,
        UserState::Active => proto::UserState::Active,
        UserState::Suspended => proto::UserState::Suspended,
        UserState::Deleted => proto::UserState::Deleted,
    }
}

/// A role.
pub(super) fn role(role: &Role) -> proto::Role {
    proto::Role {
        id: role.id.to_string(),
        name: role.name.as_str().to_owned(),
        description: role.description.as_str().to_owned(),
        permissions: role.permissions.patterns().map(|pattern| pattern.as_str().to_owned()).collect(),
        built_in: role.built_in,
        etag: role.etag(),
        create_time: Some(time(role.create_time)),
        update_time: Some(time(role.update_time)),
        mfa_required: role.mfa_required,
    }
}

/// That somebody has a role.
pub(super) fn role_grant(grant: &RoleGrant) -> proto::RoleGrant {
    proto::RoleGrant {
        role_id: grant.role_id.to_string(),
        subject: Some(match grant.subject {
            Subject::User(id) => proto::role_grant::Subject::UserId(id.to_string()),
            Subject::Service(id) => proto::role_grant::Subject::ServiceAccountId(id.to_string()),
        }),
        create_time: Some(time(grant.create_time)),
    }
}

/// A service account.
pub(super) fn service_account(account: &ServiceAccount) -> proto::ServiceAccount {
    proto::ServiceAccount {
        id: account.id.to_string(),
        name: account.name.as_str().to_owned(),
        description: account.description.as_str().to_owned(),
        disabled: account.disabled,
        create_time: Some(time(account.create_time)),
        update_time: Some(time(account.update_time)),
        etag: account.etag(),
    }
}

/// An API key, without its secret.
pub(super) fn api_key(key: &ApiKey) -> proto::ApiKey {
    let scopes = key.scope.iter().flat_map(Rights::patterns);
    proto::ApiKey {
        id: key.id.to_string(),
        service_account_id: key.account_id.to_string(),
        display_name: key.display_name.as_str().to_owned(),
        prefix: key.prefix(),
        scopes: scopes.map(|pattern| pattern.as_str().to_owned()).collect(),
        create_time: Some(time(key.create_time)),
        expire_time: Some(time(key.expire_time)),
        last_used_time: key.last_used_time.map(time),
        revoke_time: key.revoke_time.map(time),
    }
}

/// A session, as seen from the session `current` at `now`.
pub(super) fn session(session: &Session, current: SessionId, now: Timestamp) -> proto::Session {
    let context = session.authentication.context(session.level(now));
    proto::Session {
        id: session.id.to_string(),
        user_id: session.user_id.to_string(),
        create_time: Some(time(session.create_time)),
        last_seen_time: Some(time(session.last_seen_time)),
        expire_time: Some(time(session.expire_time)),
        idle_expire_time: Some(time(session.idle_expire_time)),
        client_label: session.label.as_str().to_owned(),
        ip_address: session.client.ip_address.to_string(),
        user_agent: session.client.user_agent.clone(),
        amr: context.methods,
        acr: context.level.as_str().to_owned(),
        current: session.id == current,
    }
}

/// The tokens of a session.
pub(super) fn tokens(tokens: &IssuedTokens) -> proto::Tokens {
    proto::Tokens {
        access_token: tokens.access_token.expose().to_owned(),
        access_expire_time: Some(time(tokens.access_expire_time)),
        refresh_token: tokens.refresh_token.expose().to_owned(),
        refresh_expire_time: Some(time(tokens.refresh_expire_time)),
        session_id: tokens.session_id.to_string(),
    }
}

/// What may answer a challenge.
pub(super) fn offered_factors(factors: &[ChallengeFactor]) -> Vec<i32> {
    let offered = |factor: &ChallengeFactor| match factor {
        ChallengeFactor::Password => proto::MfaFactor::Password,
        ChallengeFactor::Totp => proto::MfaFactor::Totp,
        ChallengeFactor::Passkey => proto::MfaFactor::Passkey,
        ChallengeFactor::RecoveryCode => proto::MfaFactor::RecoveryCode,
    };
    factors.iter().map(|factor| offered(factor).into()).collect()
}

/// A sign-in that waits for its second factor.
pub(super) fn mfa_challenge(challenge: &IssuedChallenge) -> proto::MfaChallenge {
    proto::MfaChallenge {
        challenge_token: challenge.token.expose().to_owned(),
        expire_time: Some(time(challenge.expire_time)),
        factors: offered_factors(&challenge.factors),
    }
}

/// A person's factors, those that are being enrolled at the end.
pub(super) fn factors(list: &FactorList) -> Vec<proto::Factor> {
    list.factors.iter().map(factor).chain(list.enrolments.iter().map(pending_factor)).collect()
}

/// A factor.
pub(super) fn factor(factor: &Factor) -> proto::Factor {
    let details = match &factor.method {
        FactorMethod::Totp { .. } => None,
        FactorMethod::Passkey(passkey) => Some(Details::Passkey(proto::PasskeyDetails {
            rp_id: passkey.rp_id.clone(),
            aaguid: passkey.aaguid.hyphenated().to_string(),
            transports: passkey.transports.clone(),
            backup_eligible: passkey.backup_eligible,
            backed_up: passkey.backed_up,
            user_verifying: passkey.user_verified,
        })),
        FactorMethod::RecoveryCodes { remaining } => Some(Details::RecoveryCodes(proto::RecoveryCodesDetails {
            remaining: i32::try_from(*remaining).unwrap_or(i32::MAX),
        })),
    };
    proto::Factor {
        id: factor.id.to_string(),
        kind: factor_kind(factor.kind()).into(),
        display_name: factor.display_name.as_str().to_owned(),
        state: factor_state(factor.state()).into(),
        create_time: Some(time(factor.create_time)),
        last_used_time: factor.last_used_time.map(time),
        etag: factor.etag(),
        details,
    }
}

/// A factor that is being enrolled.
fn pending_factor(enrolment: &Enrolment) -> proto::Factor {
    proto::Factor {
        id: enrolment.id.to_string(),
        kind: factor_kind(enrolment.method.kind()).into(),
        display_name: enrolment.display_name.as_str().to_owned(),
        state: factor_state(FactorState::Pending).into(),
        create_time: Some(time(enrolment.create_time)),
        ..proto::Factor::default()
    }
}

/// A factor that was just enrolled, and its recovery codes.
pub(super) fn enrolled_factor(enrolled: &EnrolledFactor) -> (Option<proto::Factor>, Vec<String>) {
    (Some(factor(&enrolled.factor)), recovery_codes(&enrolled.recovery_codes))
}

/// Recovery codes, as their owner sees them.
pub(super) fn recovery_codes(codes: &[Secret]) -> Vec<String> {
    codes.iter().map(|code| code.expose().to_owned()).collect()
}

fn factor_kind(kind: FactorKind) -> proto::FactorKind {
    match kind {
        FactorKind::Totp => proto::FactorKind::Totp,
        FactorKind::Passkey => proto::FactorKind::Passkey,
        FactorKind::RecoveryCodes => proto::FactorKind::RecoveryCodes,
    }
}

fn factor_state(state: FactorState) -> proto::FactorState {
    match state {
        FactorState::Pending => proto::FactorState::Pending,
        FactorState::Active => proto::FactorState::Active,
        FactorState::Disabled => proto::FactorState::Disabled,
    }
}
