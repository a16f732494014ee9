use super::Keys;
use super::change::{RingChange, lock_ring};
use crate::application::audit_trail::Event;
use crate::application::error::Result;

impl Keys {
    /// Publishes a successor if the last key in line will soon have signed for as long as it may. Of several replicas that
    /// find so at once, one does.
    pub async fn rotate_when_due(&self) -> Result<()> {
        let (held, now) = (self.ring(), self.clock.now());
        if !held.is_due(self.policy.lifetime, now) || held.is_full(now) {
            return Ok(());
        }
        let spare = self.make_spare(self.policy.algorithm).await?;
        let _in_order = self.in_order.lock().await;
        let tx = self.store.write().await?;
        let before = lock_ring(tx.as_ref()).await?;
        let (mut ring, now) = (before.clone(), self.clock.now());
        if ring.is_due(self.policy.lifetime, now) && !ring.is_full(now) {
            self.publish(&mut ring, spare, now)?;
            let change = RingChange { before: &before, after: &ring, now };
            self.store_changes(tx.as_ref(), change, &Event::by_system).await?;
        }
        tx.commit().await?;
        self.put_to_use(ring.keys())
    }
}
