use std::sync::Arc;

use super::Accounts;
use crate::application::access::source::Source;
use crate::application::call::Call;
use crate::application::error::{Refusal, Result};
use crate::application::ports::{Clock, PendingToken, SessionPosition, Store, Transaction};
use crate::application::self_service::SelfService;
use crate::domain::access::role::Role;
use crate::domain::account::user::User;
use crate::domain::audit::filter::AuditFilter;
use crate::domain::audit::{AuditEvent, AuditType};
use crate::domain::credential::factor::Factor;
use crate::domain::id::UserId;
use crate::domain::session::Session;

/// How many rows are held at a time.
const BATCH: i64 = 100;

/// Some of what is stored about a person.
#[derive(Debug)]
pub enum PersonalData {
    /// The account itself; once, at the beginning.
    Account {
        /// The account.
        user: Box<User>,
        /// The roles.
        roles: Vec<Role>,
        /// The second factors.
        factors: Vec<Factor>,
        /// What the tokens that were mailed are for.
        mailed_tokens: Vec<PendingToken>,
    },
    /// Sessions, newest first; after the account.
    Sessions(Vec<Session>),
    /// Events by or about the person; after the sessions.
    AuditEvents(Vec<AuditEvent>),
}

/// A person's data, read as it is asked for, and as long as the session lasts.
pub struct PersonalDataExport {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    call: Arc<Call>,
    user_id: UserId,
    next: Step,
}

/// Where an export continues.
enum Step {
    Account,
    Sessions(Option<SessionPosition>),
    Events(Part, Option<i64>),
    End,
}

/// Which of the two ways an event concerns the person.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    About,
    By,
}

impl Accounts {
    /// Begins to tell the caller all that is stored about them.
    pub async fn export_my_data(&self, call: Arc<Call>) -> Result<PersonalDataExport> {
        let person = call.person()?;
        let tx = self.charge(&call, SelfService::EXPORT).await?;
        let event = call.event(AuditType::UserDataExported).on(person.user_id);
        self.trail.record(tx.as_ref(), event, call.now).await?;
        tx.commit().await?;
        let (store, clock) = (self.store.clone(), self.clock.clone());
        Ok(PersonalDataExport { store, clock, call, user_id: person.user_id, next: Step::Account })
    }
}

impl PersonalDataExport {
    /// Reads on. Nothing at the end. Fails once the session is over.
    pub async fn next(&mut self) -> Result<Option<PersonalData>> {
        loop {
            let found = match std::mem::replace(&mut self.next, Step::End) {
                Step::Account => Some(self.account().await?),
                Step::Sessions(after) => self.sessions(after).await?,
                Step::Events(part, below) => self.events(part, below).await?,
                Step::End => return Ok(None),
            };
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    async fn read(&self) -> Result<Box<dyn Transaction>> {
        let tx = self.store.read().await?;
        Source::Transaction(tx.as_ref()).require_still(&self.call, self.clock.now()).await?;
        Ok(tx)
    }

    async fn account(&mut self) -> Result<PersonalData> {
        let tx = self.read().await?;
        let user = Box::new(tx.users().find_user(self.user_id).await?.ok_or(Refusal::TokenInvalid)?);
        let roles = tx.roles().roles_of(self.user_id.into()).await?;
        let mailed_tokens = tx.action_tokens().pending_action_tokens(self.user_id).await?;
        let factors = tx.factors().list_factors(self.user_id).await?;
        self.next = Step::Sessions(None);
        Ok(PersonalData::Account { user, roles, factors, mailed_tokens })
    }

    async fn sessions(&mut self, after: Option<SessionPosition>) -> Result<Option<PersonalData>> {
        let sessions = self.read().await?.sessions().list_all_sessions(self.user_id, (after, BATCH)).await?;
        self.next = match sessions.last() {
            None => Step::Events(Part::About, None),
            Some(last) => Step::Sessions(Some(SessionPosition { create_time: last.create_time, id: last.id })),
        };
        Ok((!sessions.is_empty()).then_some(PersonalData::Sessions(sessions)))
    }

    async fn events(&mut self, part: Part, below: Option<i64>) -> Result<Option<PersonalData>> {
        let id = self.user_id.to_string();
        let filter = match part {
            Part::About => AuditFilter { subjects: vec![id.clone()], ..AuditFilter::default() },
            Part::By => AuditFilter { actors: vec![id.clone()], ..AuditFilter::default() },
        };
        let tx = self.read().await?;
        let mut events = tx.audit_events().list_audit_events(&filter, (below, BATCH)).await?;
        self.next = match (events.last(), part) {
            (Some(last), _) => Step::Events(part, Some(last.sequence)),
            (None, Part::About) => Step::Events(Part::By, None),
            (None, Part::By) => Step::End,
        };
        // What the person did to the own account came with the first part.
        events.retain(|event| part == Part::About || event.event.subject != id);
        Ok((!events.is_empty()).then_some(PersonalData::AuditEvents(events)))
    }
}
