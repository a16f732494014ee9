use super::Audit;
use crate::application::error::{Result, Violations};
use crate::application::page::{Page, PageRequest};
use crate::domain::audit::AuditEvent;
use crate::domain::audit::filter::AuditFilter;

impl Audit {
    /// Lists what happened, newest first. A token of a page is good for the same filter only.
    pub async fn list_audit_events(&self, filter: &str, page: &PageRequest) -> Result<Page<AuditEvent>> {
        let mut violations = Violations::default();
        let parsed = violations.take("filter", AuditFilter::parse(filter));
        let parsed = violations.check(parsed)?;
        let page = self
            .page_tokens
            .open(format!("audit_events/{filter}"), page, |bytes| Some(i64::from_be_bytes(bytes.try_into().ok()?)))?;
        let tx = self.store.read().await?;
        let events = tx.audit_events().list_audit_events(&parsed, (page.after, page.limit())).await?;
        Ok(page.finish(events, |last: &AuditEvent| last.sequence.to_be_bytes().to_vec()))
    }
}
