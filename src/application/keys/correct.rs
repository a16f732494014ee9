use super::Keys;
use super::change::{RingChange, lock_ring};
use crate::application::audit_trail::Event;
use crate::application::error::Result;
use crate::domain::Timestamp;

impl Keys {
    /// Brings the keys back to `now`. Those are dropped that a clock published which was ahead. What it may have signed is
    /// valid for too long wherever tokens are checked offline, so the key that signs is then replaced, after the usual lead.
    pub(in crate::application) async fn correct(&self, was_ahead: bool, now: Timestamp) -> Result<()> {
        if !was_ahead && !self.ring().has_future(now) {
            return Ok(());
        }
        let spare = self.make_spare(self.policy.algorithm).await?;
        let _in_order = self.in_order.lock().await;
        let tx = self.store.write().await?;
        let before = lock_ring(tx.as_ref()).await?;
        let mut ring = before.clone();
        ring.drop_future(now);
        if !ring.is_full(now) && !ring.is_succeeded(now) {
            self.publish(&mut ring, spare, now)?;
        }
        let change = RingChange { before: &before, after: &ring, now };
        self.store_changes(tx.as_ref(), change, &Event::by_system).await?;
        tx.commit().await?;
        self.put_to_use(ring.keys())
    }
}
