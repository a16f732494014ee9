//! Reading the audit trail: the use cases of `AuditService`.

mod list_audit_events;
mod watch_audit_events;

use std::sync::Arc;

pub use watch_audit_events::AuditWatch;

use super::Ports;
use super::keys::DerivedKeys;
use super::page::PageTokens;
use super::ports::{Clock, Store};

/// The use cases of the audit trail.
pub struct Audit {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    page_tokens: PageTokens,
}

impl Audit {
    /// Takes the ports it needs.
    #[must_use]
    pub fn new(ports: &Ports, derived: &DerivedKeys) -> Self {
        Self {
            store: ports.store.clone(),
            clock: ports.clock.clone(),
            page_tokens: PageTokens::new(derived.page_tokens.clone()),
        }
    }
}
