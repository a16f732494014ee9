//! The installation's root secret, from which the keys of all purposes but signing derive.

use crate::application::Ports;
use crate::application::error::{Error, Result};
use crate::application::ports::{SealError, SealedPlace};
use crate::domain::secret::SecretKey;

const NAME: &str = "root";

/// Opens the root secret, making it at the first start. Replicas that start at the same time agree on one.
pub async fn open(ports: &Ports) -> Result<SecretKey> {
    let stored = ports.store.read().await?.server_secrets().find_server_secret(NAME).await?;
    let sealed = match stored {
        Some(sealed) => sealed,
        None => make(ports).await?,
    };
    let plain = ports.sealer.open(&place(), &sealed)?;
    let bytes = <[u8; 32]>::try_from(plain.as_slice()).map_err(|_| SealError::Damaged)?;
    Ok(SecretKey::new(bytes))
}

async fn make(ports: &Ports) -> Result<Vec<u8>> {
    let secret = SecretKey::new(ports.entropy.bytes()?);
    let sealed = ports.sealer.seal(&place(), secret.expose())?;
    let mut tx = ports.store.write().await?;
    tx.server_secrets().insert_server_secret(NAME, &sealed, ports.clock.now()).await?;
    let stored = tx.server_secrets().find_server_secret(NAME).await?;
    tx.commit().await?;
    stored.ok_or_else(|| Error::Internal("the root secret is missing".into()))
}

fn place() -> SealedPlace {
    SealedPlace::ServerSecret(NAME.to_owned())
}
