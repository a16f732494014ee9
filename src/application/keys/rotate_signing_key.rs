use super::change::{Actor, RingChange, Spare, lock_ring};
use super::{Keys, ListedKey};
use crate::application::audit_trail::Event;
use crate::application::call::Call;
use crate::application::error::{Error, Refusal, Result, Violations};
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::ports::Transaction;
use crate::domain::audit::AuditType;
use crate::domain::token::key_ring::{KeyRing, MAX_KEYS};
use crate::domain::token::signing_key::SigningAlgorithm;

impl Keys {
    /// Publishes a new key, which takes the place of the last one in line after its lead. `algorithm` is the name of one,
    /// or empty for that of the settings.
    pub async fn rotate_signing_key(
        &self,
        call: &Call,
        algorithm: &str,
        request: &IdempotentCall<ListedKey>,
    ) -> Idempotent<ListedKey> {
        let mut violations = Violations::default();
        let algorithm = violations.take_optional("algorithm", algorithm, SigningAlgorithm::parse);
        violations.check(Some(()))?;
        let spare = self.make_spare(algorithm.unwrap_or(self.policy.algorithm)).await?;
        let _in_order = self.in_order.lock().await;
        let open = self.idempotency.open(call, request).await?;
        let (key, ring) = self.rotate(open.tx.as_ref(), spare, &|kind| call.event(kind)).await?;
        let answer = open.finish(key).await?;
        self.put_to_use(ring.keys())?;
        Ok(answer)
    }

    /// The same for whoever may use the command line of the server.
    pub async fn rotate_by_system(&self, algorithm: Option<SigningAlgorithm>) -> Result<ListedKey> {
        let spare = self.make_spare(algorithm.unwrap_or(self.policy.algorithm)).await?;
        let _in_order = self.in_order.lock().await;
        let tx = self.store.write().await?;
        let (key, ring) = self.rotate(tx.as_ref(), spare, &Event::by_system).await?;
        tx.commit().await?;
        self.put_to_use(ring.keys())?;
        Ok(key)
    }

    async fn rotate(&self, tx: &dyn Transaction, spare: Spare, actor: Actor<'_>) -> Result<(ListedKey, KeyRing)> {
        let before = lock_ring(tx).await?;
        let (mut ring, now) = (before.clone(), self.clock.now());
        if ring.is_full(now) {
            return Err(Refusal::QuotaExceeded { what: "signing keys", limit: MAX_KEYS }.into());
        }
        self.publish(&mut ring, spare, now)?;
        let change = RingChange { before: &before, after: &ring, now };
        self.store_changes(tx, change, actor).await?;
        let new = ring.last(now).ok_or_else(|| Error::Internal("the new key is not in line".into()))?.clone();
        if let Some(replaced) = before.last(now) {
            let event = actor(AuditType::SigningKeyRotated).on(&replaced.kid).with("successor", &new.kid);
            self.trail.record(tx, event, now).await?;
        }
        let state = new.state(now);
        Ok(((new, state), ring))
    }
}
