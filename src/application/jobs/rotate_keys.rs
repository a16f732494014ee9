use std::sync::Arc;

use async_trait::async_trait;

use super::{Assignment, Handler, JobFailed, JobKind};
use crate::application::keys::Keys;

/// Makes a new signing key when the present one has signed for long enough, and drops root secrets that are over.
pub struct RotateKeys(pub Arc<Keys>);

#[async_trait]
impl Handler for RotateKeys {
    fn kind(&self) -> JobKind {
        JobKind::RotateKeys
    }

    /// What other processes did to the keys is read first: what this one knows may be older than their rotation.
    async fn handle(&self, _: Assignment<'_>) -> Result<(), JobFailed> {
        self.0.reload().await?;
        self.0.rotate_when_due().await?;
        self.0.drop_expired_root_secrets().await?;
        Ok(())
    }
}
