use super::Keys;
use super::change::{RingChange, lock_ring};
use crate::application::call::Call;
use crate::application::error::{Refusal, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::domain::audit::AuditType;
use crate::domain::token::signing_key::parse_kid;

impl Keys {
    /// Drops a key at once, and all tokens it signed. If no other key can take its place, one is made that signs at once.
    pub async fn revoke_signing_key(&self, call: &Call, kid: &str, request: &IdempotentCall<()>) -> Idempotent<()> {
        let mut violations = Violations::default();
        let kid = violations.take("kid", parse_kid(kid));
        let kid = violations.check(kid)?;
        let spare = self.make_spare(self.policy.algorithm).await?;
        let _in_order = self.in_order.lock().await;
        let open = self.idempotency.open(call, request).await?;
        let tx = open.tx.as_ref();
        let before = lock_ring(tx).await?;
        let (mut ring, now) = (before.clone(), self.clock.now());
        if !ring.revoke(kid, now) {
            return Err(Refusal::NotFound { resource: "SigningKey", name: kid.to_owned() }.into());
        }
        if ring.signer(now).is_none() {
            self.publish(&mut ring, spare, now)?;
        }
        self.trail.record(tx, call.event(AuditType::SigningKeyRevoked).on(kid), now).await?;
        let change = RingChange { before: &before, after: &ring, now };
        self.store_changes(tx, change, &|kind| call.event(kind)).await?;
        open.finish(()).await?;
        self.put_to_use(ring.keys())?;
        tracing::warn!(kid, "a signing key was revoked");
        Ok(())
    }
}
