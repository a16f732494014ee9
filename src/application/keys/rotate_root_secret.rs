use super::Keys;
use crate::application::error::Result;
use crate::domain::Timestamp;

impl Keys {
    /// Makes a root secret, and tells from when on it is in use. What was made under the one before is accepted until nobody
    /// needs it any more. For whoever may use the command line of the server.
    pub async fn rotate_root_secret(&self) -> Result<Timestamp> {
        let in_use_from = self.roots.rotate().await?;
        self.roots.reload().await?;
        Ok(in_use_from)
    }

    /// Erases the root secrets under which nothing is accepted any more.
    pub async fn drop_expired_root_secrets(&self) -> Result<()> {
        self.roots.drop_expired().await
    }
}
