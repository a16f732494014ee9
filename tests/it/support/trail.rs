//! What the audit trail tells, in short.

use ipse::domain::account::email::EmailAddress;
use ipse::domain::audit::filter::AuditFilter;
use ipse::domain::audit::{AuditEvent, SYSTEM};

use super::world::World;

/// Reads the trail on from where it stopped the last time.
pub(crate) struct Trail<'w> {
    world: &'w World,
    seen: i64,
    /// People's ids with their names.
    names: Vec<(String, String)>,
}

impl<'w> Trail<'w> {
    /// Reads all that happened.
    pub(crate) fn from_the_beginning(world: &'w World) -> Self {
        Self { world, seen: 0, names: Vec::new() }
    }

    /// Reads what happens from now on.
    pub(crate) async fn from_now_on(world: &'w World) -> Self {
        let mut trail = Self::from_the_beginning(world);
        trail.events().await;
        trail
    }

    /// The same, with the ids of these people read as their names.
    pub(crate) async fn knowing(mut self, names: &[&str]) -> Self {
        for name in names {
            let email = EmailAddress::parse(&format!("{name}@example.com")).unwrap();
            let found = self.world.store().read().await.unwrap().users().find_by_email(&email).await.unwrap();
            self.names.push((found.expect("the account exists").id.to_string(), (*name).to_owned()));
        }
        self
    }

    /// The events since the last look, in order.
    pub(crate) async fn events(&mut self) -> Vec<AuditEvent> {
        let tx = self.world.store().read().await.unwrap();
        let mut events = tx.audit_events().list_audit_events(&AuditFilter::default(), (None, 1000)).await.unwrap();
        events.retain(|event| event.sequence > self.seen);
        events.reverse();
        self.seen = events.last().map_or(self.seen, |event| event.sequence);
        events
    }

    /// The events since the last look, told in short; `-` stands for nobody.
    pub(crate) async fn lines(&mut self) -> Vec<String> {
        let events = self.events().await;
        self.tell(&events)
    }

    /// Events, each as `type outcome actor>subject reason`.
    pub(crate) fn tell(&self, events: &[AuditEvent]) -> Vec<String> {
        let line = |AuditEvent { event, .. }: &AuditEvent| {
            let (kind, outcome) = (event.kind.as_str(), event.outcome.as_str());
            let (actor, subject) = (self.name(&event.actor), self.name(&event.subject));
            format!("{kind} {outcome} {actor}>{subject} {}", event.reason).trim_end().to_owned()
        };
        events.iter().map(line).collect()
    }

    fn name<'a>(&'a self, id: &'a str) -> &'a str {
        match id {
            "" => "-",
            SYSTEM => SYSTEM,
            _ => self.names.iter().find(|(known, _)| known == id).map_or("?", |(_, name)| name),
        }
    }
}
