use super::Keys;
use crate::application::audit_trail::Event;
use crate::application::error::Result;
use crate::domain::audit::AuditType;

impl Keys {
    /// Puts the signing keys to use, making the first one if none signs. Replicas that start at the same time agree on one.
    pub async fn open(&self) -> Result<()> {
        self.reload().await?;
        if self.ring().signer(self.clock.now()).is_none() {
            self.make_first().await?;
        }
        self.tell_of_another_algorithm();
        Ok(())
    }

    /// The first key signs at once, as nobody can have fetched an earlier key set.
    async fn make_first(&self) -> Result<()> {
        let spare = self.new_key(self.policy.algorithm).await?;
        let now = self.clock.now();
        let _in_order = self.in_order.lock().await;
        let mut change = self.begin_change(self.store.write().await?).await?;
        if change.ring.signer(now).is_none() {
            change.publish(spare, (Event::by_system(AuditType::SigningKeyCreated), now)).await?;
        }
        let (tx, ring) = change.save().await?;
        tx.commit().await?;
        self.put_to_use(ring.keys())
    }

    fn tell_of_another_algorithm(&self) {
        let (wanted, now) = (self.policy.algorithm.name(), self.clock.now());
        if let Some(last) = self.ring().last(now).filter(|last| last.algorithm.name() != wanted) {
            let (kid, present) = (&last.kid, last.algorithm.name());
            tracing::warn!(%kid, "new signing keys will be for {wanted}; until a rotation, {present} signs");
        }
    }
}
