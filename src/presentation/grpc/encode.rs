//! Domain to contract: the conversions that several services share.

use prost_types::Timestamp as ProtoTime;

use crate::application::sessions::IssuedTokens;
use crate::domain::Timestamp;
use crate::domain::access::permission::Rights;
use crate::domain::access::role::{Role, RoleGrant};
use crate::domain::access::subject::Subject;
use crate::domain::account::service_account::ServiceAccount;
use crate::domain::account::user::{User, UserState};
use crate::domain::account::username::Username;
use crate::domain::credential::api_key::ApiKey;
use crate::domain::id::SessionId;
use crate::domain::session::Session;
use crate::presentation::json;
use crate::proto;

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
        mfa_enabled: false,
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

/// A session, as seen from the session `current`.
pub(super) fn session(session: &Session, current: SessionId) -> proto::Session {
    let context = session.authentication.context();
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
        acr: context.level,
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
