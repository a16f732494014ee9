use std::sync::Arc;

use async_trait::async_trait;
use tracing::Instrument as _;
use tracing::field::Empty;

use super::payload::MailPayload;
use super::{Assignment, Handler, JobFailed, JobKind};
use crate::application::ports::{Clock, MailRejected, Mailer};
use crate::domain::id::MailId;

/// Hands mail over. A job is done after the server took the mail, so it is sent at least once; its id stays the same.
pub struct DeliverMail {
    kind: JobKind,
    clock: Arc<dyn Clock>,
    mailer: Arc<dyn Mailer>,
}

impl DeliverMail {
    /// Hands mail of this kind to a mailer.
    #[must_use]
    pub fn new(kind: JobKind, clock: Arc<dyn Clock>, mailer: Arc<dyn Mailer>) -> Self {
        Self { kind, clock, mailer }
    }
}

#[async_trait]
impl Handler for DeliverMail {
    fn kind(&self) -> JobKind {
        self.kind
    }

    async fn handle(&self, job: Assignment<'_>) -> Result<(), JobFailed> {
        let payload = MailPayload::from_json(job.payload).map_err(|error| JobFailed::ForNow(Box::new(error)))?;
        if payload.is_expired(self.clock.now()) {
            return Err(JobFailed::ForGood("the token in the mail has expired".into()));
        }
        let mail = payload.into_mail(MailId::from_uuid(*job.id.as_uuid()));
        let mail = mail.map_err(|error| JobFailed::ForNow(Box::new(error)))?;
        let span = tracing::trace_span!("mail", otel.kind = "client", ipse.mail.kind = mail.content.kind(), error.type = Empty);
        let delivered = self.mailer.deliver(&mail).instrument(span.clone()).await;
        if let Err(rejected) = delivered {
            span.record("error.type", "rejected");
            return Err(rejected.into());
        }
        tracing::info!(mail_id = %mail.id, kind = mail.content.kind(), "sent a mail");
        Ok(())
    }
}

impl From<MailRejected> for JobFailed {
    fn from(rejected: MailRejected) -> Self {
        match rejected {
            MailRejected::ForNow(cause) => Self::ForNow(cause),
            MailRejected::ForGood(cause) => Self::ForGood(cause),
        }
    }
}
