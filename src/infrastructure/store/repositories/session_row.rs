use diesel::prelude::*;

use super::backend::columns::{DbId, DbTime};
use super::backend::schema::sessions;
use super::proofs::{read_proofs, write_proofs};
use crate::application::ports::StoreResult;
use crate::domain::Timestamp;
use crate::domain::id::{SessionId, UserId};
use crate::domain::secret::Digest;
use crate::domain::session::authentication::{AssuranceLevel, Authentication, Proof, ProofKind};
use crate::domain::session::client::{Client, ClientId, ClientLabel};
use crate::domain::session::{EndReason, RefreshState, Session};
use crate::infrastructure::store::error::meaning;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions)]
pub(super) struct SessionRow {
    pub(super) id: DbId,
    user_id: DbId,
    ip_address: String,
    user_agent: String,
    client_id: String,
    parent_id: Option<DbId>,
    client_label: String,
    audience: Option<String>,
    pub(super) auth_time: DbTime,
    pub(super) amr: String,
    pub(super) acr: String,
    pub(super) proofs: String,
    create_time: DbTime,
    pub(super) last_seen_time: DbTime,
    pub(super) expire_time: DbTime,
    pub(super) idle_expire_time: DbTime,
    end_time: Option<DbTime>,
    end_reason: Option<String>,
    pub(super) refresh_generation: i64,
    pub(super) refresh_digest: Vec<u8>,
    pub(super) previous_digest: Option<Vec<u8>>,
    pub(super) rotate_time: DbTime,
    pub(super) aal2_expire_time: Option<DbTime>,
}

/// Where a session came from.
#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub(super) struct ClientRow {
    ip_address: String,
    user_agent: String,
}

impl ClientRow {
    /// The client that the row tells of.
    pub(super) fn into_client(self) -> StoreResult<Client> {
        let ip_address = meaning(self.ip_address.parse().ok(), "sessions.ip_address")?;
        Ok(Client { ip_address, user_agent: self.user_agent })
    }
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        let (end_time, end_reason) = session.end.unzip();
        let level = session.aal2_expire_time.map_or(AssuranceLevel::Aal1, |_| AssuranceLevel::Aal2);
        let context = session.authentication.context(level);
        Self {
            id: DbId(*session.id.as_uuid()),
            user_id: DbId(*session.user_id.as_uuid()),
            ip_address: session.client.ip_address.to_string(),
            user_agent: session.client.user_agent.clone(),
            client_id: session.client_id.as_str().to_owned(),
            parent_id: session.parent_id.map(|id| DbId(*id.as_uuid())),
            client_label: session.label.as_str().to_owned(),
            audience: session.audience.clone(),
            auth_time: DbTime(context.time),
            amr: context.methods.join(","),
            acr: context.level.as_str().to_owned(),
            proofs: write_proofs(session.authentication.proofs()),
            create_time: DbTime(session.create_time),
            last_seen_time: DbTime(session.last_seen_time),
            expire_time: DbTime(session.expire_time),
            idle_expire_time: DbTime(session.idle_expire_time),
            end_time: end_time.map(DbTime),
            end_reason: end_reason.map(|reason| reason.as_str().to_owned()),
            refresh_generation: session.refresh.generation.into(),
            refresh_digest: session.refresh.current.as_bytes().to_vec(),
            previous_digest: session.refresh.previous.map(|digest| digest.as_bytes().to_vec()),
            rotate_time: DbTime(session.refresh.rotate_time),
            aal2_expire_time: session.aal2_expire_time.map(DbTime),
        }
    }
}

impl SessionRow {
    /// The session that the row tells of.
    pub(super) fn into_session(self) -> StoreResult<Session> {
        Ok(Session {
            id: SessionId::from_uuid(self.id.0),
            user_id: UserId::from_uuid(self.user_id.0),
            client_id: meaning(ClientId::parse(&self.client_id), "sessions.client_id")?,
            parent_id: self.parent_id.map(|id| SessionId::from_uuid(id.0)),
            client: ClientRow { ip_address: self.ip_address, user_agent: self.user_agent }.into_client()?,
            label: meaning(ClientLabel::parse(&self.client_label).ok(), "sessions.client_label")?,
            audience: self.audience,
            authentication: meaning(read_authentication(&self.proofs, self.auth_time), "sessions.proofs")?,
            create_time: self.create_time.0,
            aal2_expire_time: self.aal2_expire_time.map(|time| time.0),
            last_seen_time: self.last_seen_time.0,
            expire_time: self.expire_time.0,
            idle_expire_time: self.idle_expire_time.0,
            end: end(self.end_time, self.end_reason)?,
            refresh: RefreshState {
                generation: meaning(self.refresh_generation.try_into().ok(), "sessions.refresh_generation")?,
                current: digest(&self.refresh_digest, "sessions.refresh_digest")?,
                previous: self.previous_digest.map(|d| digest(&d, "sessions.previous_digest")).transpose()?,
                rotate_time: self.rotate_time.0,
            },
        })
    }
}

/// Sessions from before proofs were stored, or of a replica of that time, began with the password.
fn read_authentication(proofs: &str, auth_time: DbTime) -> Option<Authentication> {
    if proofs.is_empty() {
        return Some(Authentication::new(Proof { kind: ProofKind::Password, time: auth_time.0 }));
    }
    Authentication::from_proofs(read_proofs(proofs)?)
}

fn digest(bytes: &[u8], place: &'static str) -> StoreResult<Digest> {
    meaning(bytes.try_into().ok().map(Digest::from_bytes), place)
}

fn end(time: Option<DbTime>, reason: Option<String>) -> StoreResult<Option<(Timestamp, EndReason)>> {
    match (time, reason) {
        (None, None) => Ok(None),
        (Some(time), Some(reason)) => Ok(Some((time.0, meaning(EndReason::parse(&reason), "sessions.end_reason")?))),
        _ => meaning(None, "sessions.end_time"),
    }
}
