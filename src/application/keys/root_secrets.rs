//! The installation's root secrets: reads them, makes the first, and replaces them.

use std::sync::Arc;

use time::Duration;

use super::DerivedKeys;
use crate::application::Ports;
use crate::application::audit_trail::{AuditTrail, Event};
use crate::application::error::{Error, Refusal, Result};
use crate::application::ports::{Clock, Entropy, SealError, SealedPlace, Sealer, Store, StoredSecret};
use crate::domain::Timestamp;
use crate::domain::access::change::AccessChange;
use crate::domain::audit::AuditType;
use crate::domain::secret::SecretKey;
use crate::domain::token::root_secret::{LEAD, MAX_ROOT_SECRETS, RootSecret, accepted};

/// The name of the first root secret, with which the names of all begin.
const ROOT: &str = "root";
const THROTTLES: &str = "throttles";

/// The root secrets and what derives from them.
pub struct RootSecrets {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    sealer: Arc<dyn Sealer>,
    trail: AuditTrail,
    /// How long what was made under a secret may be shown: the life of a session.
    keep: Duration,
    keys: DerivedKeys,
}

impl RootSecrets {
    /// Reads the secrets, making those that are missing at the first start. Replicas that start at the same time agree on
    /// the same ones.
    pub async fn open(ports: &Ports, keep: Duration) -> Result<Self> {
        let sealer = ports.sealer.as_ref();
        let mut stored = ports.store.read().await?.server_secrets().list_server_secrets().await?;
        if !stored.iter().any(is_root) {
            stored = add(ports, (ROOT, SecretKey::new(ports.entropy.bytes()?))).await?;
        }
        if !stored.iter().any(|secret| secret.name == THROTTLES) {
            let first = stored.iter().find(|secret| is_root(secret)).ok_or_else(no_root)?;
            stored = add(ports, (THROTTLES, DerivedKeys::first_throttles(&open_secret(sealer, first)?))).await?;
        }
        let throttles = stored.iter().find(|secret| secret.name == THROTTLES).ok_or_else(no_root)?;
        let throttles = open_secret(sealer, throttles)?;
        let roots = accepted(open_roots(sealer, &stored)?, keep, ports.clock.now());
        let keys = DerivedKeys::new(&roots.first().ok_or_else(no_root)?.secret, throttles);
        keys.replace(&roots);
        Ok(Self {
            store: ports.store.clone(),
            clock: ports.clock.clone(),
            entropy: ports.entropy.clone(),
            sealer: ports.sealer.clone(),
            trail: AuditTrail::new(ports.entropy.clone()),
            keep,
            keys,
        })
    }

    /// The keys that derive from them.
    #[must_use]
    pub const fn keys(&self) -> &DerivedKeys {
        &self.keys
    }

    /// Takes up what other processes did to the secrets, and what time did.
    pub(super) async fn reload(&self) -> Result<()> {
        let stored = self.store.read().await?.server_secrets().list_server_secrets().await?;
        self.keys.replace(&accepted(open_roots(self.sealer.as_ref(), &stored)?, self.keep, self.clock.now()));
        Ok(())
    }

    /// Makes a secret that takes the place of the one in use after its lead, and tells when that is. If one waits for that
    /// already, it is the one.
    pub(super) async fn rotate(&self) -> Result<Timestamp> {
        let secret = SecretKey::new(self.entropy.bytes()?);
        let tx = self.store.write().await?;
        let stored = tx.server_secrets().list_server_secrets().await?;
        let (now, roots) = (self.clock.now(), stored.iter().filter(|secret| is_root(secret)));
        let waits = |secret: &&StoredSecret| secret.create_time <= now && now < secret.create_time + LEAD;
        if let Some(next) = roots.clone().skip(1).find(waits) {
            return Ok(next.create_time + LEAD);
        }
        if roots.count() >= MAX_ROOT_SECRETS as usize {
            return Err(Refusal::QuotaExceeded { what: "root secrets", limit: MAX_ROOT_SECRETS }.into());
        }
        let name = format!("{ROOT}/{}", now.unix_timestamp());
        let sealed = self.sealer.seal(&SealedPlace::ServerSecret(name.clone()), secret.expose())?;
        tx.server_secrets().insert_server_secret(&StoredSecret { name, sealed, create_time: now }).await?;
        tx.access_changes().insert_access_changes(&[AccessChange::KeySet], now).await?;
        self.trail.record(tx.as_ref(), Event::by_system(AuditType::RootSecretRotated), now).await?;
        tx.commit().await?;
        Ok(now + LEAD)
    }

    /// Erases the secrets that nothing needs any more.
    pub(super) async fn drop_expired(&self) -> Result<()> {
        let stored = self.store.read().await?.server_secrets().list_server_secrets().await?;
        let roots = open_roots(self.sealer.as_ref(), &stored)?;
        let kept = accepted(roots.clone(), self.keep, self.clock.now());
        for over in roots.iter().filter(|root| !kept.iter().any(|kept| kept.name == root.name)) {
            let tx = self.store.write().await?;
            tx.server_secrets().delete_server_secret(&over.name).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

fn is_root(secret: &StoredSecret) -> bool {
    secret.name == ROOT || secret.name.strip_prefix(ROOT).is_some_and(|rest| rest.starts_with('/'))
}

/// Stores a secret, unless another process was faster. All that are stored then.
async fn add(ports: &Ports, (name, secret): (&str, SecretKey)) -> Result<Vec<StoredSecret>> {
    let sealed = ports.sealer.seal(&SealedPlace::ServerSecret(name.to_owned()), secret.expose())?;
    let stored = StoredSecret { name: name.to_owned(), sealed, create_time: ports.clock.now() };
    let tx = ports.store.write().await?;
    tx.server_secrets().insert_server_secret(&stored).await?;
    let all = tx.server_secrets().list_server_secrets().await?;
    tx.commit().await?;
    Ok(all)
}

fn open_secret(sealer: &dyn Sealer, stored: &StoredSecret) -> Result<SecretKey> {
    let plain = sealer.open(&SealedPlace::ServerSecret(stored.name.clone()), &stored.sealed)?;
    let bytes = <[u8; 32]>::try_from(plain.as_slice()).map_err(|_| SealError::Damaged)?;
    Ok(SecretKey::new(bytes))
}

fn open_roots(sealer: &dyn Sealer, stored: &[StoredSecret]) -> Result<Vec<RootSecret>> {
    let opened = stored.iter().filter(|secret| is_root(secret)).map(|stored| {
        let (name, create_time) = (stored.name.clone(), stored.create_time);
        Ok(RootSecret { name, secret: open_secret(sealer, stored)?, create_time })
    });
    opened.collect()
}

fn no_root() -> Error {
    Error::Internal("the root secret is missing".into())
}
