use super::Audit;
use crate::application::error::{Refusal, Result, Violations};
use crate::application::page::PageRequest;
use crate::domain::audit::AuditEvent;
use crate::domain::audit::filter::AuditFilter;

/// A page of events, newest first.
#[derive(Debug)]
pub struct AuditPage {
    /// The events.
    pub events: Vec<AuditEvent>,
    /// The token of the next page, or empty.
    pub next_page_token: String,
}

impl Audit {
    /// Lists what happened, newest first. A token of a page is good for the same filter only.
    pub async fn list_audit_events(&self, filter: &str, page: &PageRequest) -> Result<AuditPage> {
        let mut violations = Violations::default();
        let parsed = violations.take("filter", AuditFilter::parse(filter));
        let parsed = violations.check(parsed)?;
        let size = page.size()?;
        let list = format!("audit_events/{filter}");
        let below = match self.page_tokens.decode(&list, &page.token)? {
            Some(bytes) => Some(i64::from_be_bytes(bytes.try_into().map_err(|_| Refusal::PageTokenInvalid)?)),
            None => None,
        };
        let events = self.store.read().await?.audit_events().list_audit_events(&parsed, (below, size + 1)).await?;
        let position = |event: &AuditEvent| event.sequence.to_be_bytes().to_vec();
        let (events, next_page_token) = self.page_tokens.cut(events, size, &list, position);
        Ok(AuditPage { events, next_page_token })
    }
}
