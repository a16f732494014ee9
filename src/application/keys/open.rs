use super::Keys;
use super::change::{RingChange, lock_ring};
use crate::application::audit_trail::Event;
use crate::application::error::Result;

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
        let spare = self.make_spare(self.policy.algorithm).await?;
        let _in_order = self.in_order.lock().await;
        let tx = self.store.write().await?;
        let before = lock_ring(tx.as_ref()).await?;
        let (mut ring, now) = (before.clone(), self.clock.now());
        if ring.signer(now).is_none() {
            self.publish(&mut ring, spare, now)?;
            let change = RingChange { before: &before, after: &ring, now };
            self.store_changes(tx.as_ref(), change, &Event::by_system).await?;
        }
        tx.commit().await?;
        self.put_to_use(ring.keys())
    }

    fn tell_of_another_algorithm(&self) {
        let wanted = self.policy.algorithm;
        if let Some(last) = self.ring().last(self.clock.now()).filter(|last| last.algorithm != wanted) {
            let (wanted, present) = (wanted.name(), last.algorithm.name());
            tracing::warn!(kid = %last.kid, wanted, present, "the setting is for new signing keys: rotate to have one");
        }
    }
}
