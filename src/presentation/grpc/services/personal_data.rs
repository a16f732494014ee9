//! What is stored about a person as one JSON object, written piece by piece.

use std::sync::{Arc, LazyLock};

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use tonic::Status;

use super::audit_service;
use crate::application::accounts::{PersonalData, PersonalDataExport};
use crate::application::error::Error;
use crate::application::ports::PendingToken;
use crate::domain::Timestamp;
use crate::domain::account::email::EmailAddress;
use crate::domain::id::SessionId;
use crate::domain::token::action_token::ActionPurpose;
use crate::presentation::grpc::layers::room::StreamPlace;
use crate::presentation::grpc::streams::producer::{self, Responses, Stop};
use crate::presentation::grpc::{encode, status};
use crate::proto::{self, DESCRIPTORS, ExportMyDataResponse, MailedTokenPurpose};

/// The longest part of an answer, in bytes.
const MAX_PART_BYTES: usize = 64 * 1024;

/// The descriptors of the contract, which take 2 MB: one copy for all exports. They are compiled in, and read at the
/// start as well.
static POOL: LazyLock<Option<DescriptorPool>> = LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).ok());

/// The answer to `ExportMyData`. It is read from the store only as fast as it is taken.
pub(in crate::presentation::grpc) fn stream_of(
    place: Arc<StreamPlace>,
    mut export: PersonalDataExport,
    (current, now): (SessionId, Timestamp),
) -> Responses<ExportMyDataResponse> {
    producer::produce(place, move |mut outlet| async move {
        let mut writer = Writer { current, now, place: Place::Beginning };
        while let Some(data) = export.next().await? {
            for part in split(&writer.write(data)?) {
                outlet.send(part).await?;
            }
        }
        for part in split(writer.move_to(Place::End)) {
            outlet.send(part).await?;
        }
        Ok::<(), Stop>(())
    })
}

/// Where the text has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Beginning,
    Account,
    Sessions,
    Events,
    End,
}

struct Writer {
    /// The session that asks.
    current: SessionId,
    /// When it asked.
    now: Timestamp,
    place: Place,
}

impl Writer {
    fn write(&mut self, data: PersonalData) -> Result<String, Status> {
        let (place, items) = match data {
            PersonalData::Account { user, roles, factors, mailed_tokens } => {
                self.place = Place::Account;
                let user = json("User", &encode::user(&user))?;
                let roles = list("Role", roles.iter().map(encode::role))?;
                let tokens = list("MailedToken", mailed_tokens.iter().map(mailed_token))?;
                let factors = list("Factor", factors.iter().map(encode::factor))?;
                return Ok(format!(
                    r#"{{"user":{user},"roles":[{roles}],"factors":[{factors}],"mailedTokens":[{tokens}]"#
                ));
            }
            PersonalData::Sessions(sessions) => {
                let sessions = sessions.iter().map(|session| encode::session(session, self.current, self.now));
                (Place::Sessions, list("Session", sessions)?)
            }
            PersonalData::AuditEvents(events) => {
                let events = events.into_iter().map(audit_service::encode_event);
                (Place::Events, list("AuditEvent", events)?)
            }
        };
        let before = if self.place == place { "," } else { self.move_to(place) };
        Ok(format!("{before}{items}"))
    }

    /// What stands between here and the list at that place. Lists without items are there too.
    fn move_to(&mut self, place: Place) -> &'static str {
        let from = std::mem::replace(&mut self.place, place);
        match (from, place) {
            (Place::Account, Place::Sessions) => r#","sessions":["#,
            (Place::Account, Place::Events) => r#","sessions":[],"auditEvents":["#,
            (Place::Account, Place::End) => r#","sessions":[],"auditEvents":[]}"#,
            (Place::Sessions, Place::Events) => r#"],"auditEvents":["#,
            (Place::Sessions, Place::End) => r#"],"auditEvents":[]}"#,
            (Place::Events, Place::End) => "]}",
            _ => "",
        }
    }
}

fn list<M: Message>(name: &str, items: impl Iterator<Item = M>) -> Result<String, Status> {
    let items: Vec<String> = items.map(|item| json(name, &item)).collect::<Result<_, _>>()?;
    Ok(items.join(","))
}

/// A message of the contract in the JSON form of Protobuf.
fn json(name: &str, message: &impl Message) -> Result<String, Status> {
    let descriptor = POOL.as_ref().and_then(|pool| pool.get_message_by_name(&format!("ipse.v1.{name}")));
    let descriptor = descriptor.ok_or_else(|| internal("the contract lacks a message"))?;
    let dynamic = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice()).map_err(internal)?;
    serde_json::to_string(&dynamic).map_err(internal)
}

fn mailed_token(token: &PendingToken) -> proto::MailedToken {
    let purpose = match token.purpose {
        ActionPurpose::VerifyEmail => MailedTokenPurpose::VerifyEmail,
        ActionPurpose::ResetPassword => MailedTokenPurpose::ResetPassword,
        ActionPurpose::ChangeEmail => MailedTokenPurpose::ChangeEmail,
        ActionPurpose::AcceptInvitation => MailedTokenPurpose::AcceptInvitation,
        ActionPurpose::StopFactorReset => MailedTokenPurpose::StopFactorReset,
    };
    proto::MailedToken {
        purpose: purpose.into(),
        new_email: token.new_email.as_ref().map(EmailAddress::written).unwrap_or_default().to_owned(),
        create_time: Some(encode::time(token.create_time)),
        expire_time: Some(encode::time(token.expire_time)),
    }
}

/// Cuts a text where characters end.
fn split(text: &str) -> Vec<ExportMyDataResponse> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let mut end = rest.len().min(MAX_PART_BYTES);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (part, left) = rest.split_at(end);
        parts.push(ExportMyDataResponse { json: part.to_owned() });
        rest = left;
    }
    parts
}

fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Status {
    status::from_error(Error::Internal(error.into()))
}
