use super::Keys;
use crate::application::audit_trail::Event;
use crate::application::error::{Error, Result};
use crate::application::ports::{OpenedKey, SealError, Transaction};
use crate::domain::Timestamp;
use crate::domain::audit::AuditType;
use crate::domain::secret::SecretKey;
use crate::domain::signing_key::{SigningKey, SigningKeyState};

const ROOT_SECRET: &str = "root";

/// What the database holds of keys.
struct Stored {
    root: Option<Vec<u8>>,
    keys: Vec<SigningKey>,
}

impl Keys {
    /// Opens the installation's secrets, making what is missing, and puts the signing keys to use. Replicas that start
    /// at the same time agree on one set. Yields the root secret, from which the keys of all purposes derive.
    ///
    /// The first signing key signs at once, as nobody can have fetched an earlier key set.
    pub async fn open(&self) -> Result<SecretKey> {
        let now = self.clock.now();
        let mut stored = read(self.store.read().await?.as_mut()).await?;
        if !stored.is_complete(now) {
            stored = self.make_missing(now).await?;
        }
        self.put_to_use(&stored.keys)?;
        self.open_root(&stored)
    }

    /// Takes keys up that other replicas made since.
    pub async fn reload(&self) -> Result<()> {
        let keys = self.store.read().await?.signing_keys().list_signing_keys().await?;
        self.put_to_use(&keys)
    }

    async fn make_missing(&self, now: Timestamp) -> Result<Stored> {
        let mut tx = self.store.write().await?;
        tx.signing_keys().lock_signing_keys().await?;
        let stored = read(tx.as_mut()).await?;
        if stored.root.is_none() {
            let secret = SecretKey::new(self.entropy.bytes()?);
            let sealed = self.sealer.seal(&root_place(), secret.expose())?;
            tx.server_secrets().insert_server_secret(ROOT_SECRET, &sealed, now).await?;
        }
        if !stored.has_active_key(now) {
            let key = self.make_signing_key(now)?;
            tx.signing_keys().insert_signing_key(&key).await?;
            let event = Event::by_system(AuditType::SigningKeyCreated).on(&key.kid);
            self.trail.record(tx.as_mut(), event.with("algorithm", key.algorithm.name()), now).await?;
        }
        let complete = read(tx.as_mut()).await?;
        tx.commit().await?;
        Ok(complete)
    }

    fn make_signing_key(&self, now: Timestamp) -> Result<SigningKey> {
        let pair = self.generator.generate(self.algorithm)?;
        let sealed_private_key = self.sealer.seal(&key_place(&pair.kid), &pair.private_key)?;
        tracing::info!(kid = %pair.kid, algorithm = self.algorithm.name(), "made a signing key");
        Ok(SigningKey {
            kid: pair.kid,
            algorithm: self.algorithm,
            public_jwk: pair.public_jwk,
            sealed_private_key,
            create_time: now,
            activate_time: now,
            retire_time: None,
            drop_time: None,
        })
    }

    fn put_to_use(&self, keys: &[SigningKey]) -> Result<()> {
        let opened: std::result::Result<Vec<OpenedKey>, SealError> = keys
            .iter()
            .map(|key| {
                let private_key = self.sealer.open(&key_place(&key.kid), &key.sealed_private_key)?;
                Ok(OpenedKey { key: key.clone(), private_key })
            })
            .collect();
        self.tokens.use_keys(&opened?)?;
        Ok(())
    }

    fn open_root(&self, stored: &Stored) -> Result<SecretKey> {
        let sealed = stored.root.as_deref().ok_or_else(|| Error::Internal("the root secret is missing".into()))?;
        let plain = self.sealer.open(&root_place(), sealed)?;
        let bytes = <[u8; 32]>::try_from(plain.as_slice()).map_err(|_| SealError)?;
        Ok(SecretKey::new(bytes))
    }
}

impl Stored {
    fn is_complete(&self, now: Timestamp) -> bool {
        self.root.is_some() && self.has_active_key(now)
    }

    fn has_active_key(&self, now: Timestamp) -> bool {
        self.keys.iter().any(|key| key.state(now) == SigningKeyState::Active)
    }
}

async fn read(tx: &mut dyn Transaction) -> Result<Stored> {
    let root = tx.server_secrets().find_server_secret(ROOT_SECRET).await?;
    let keys = tx.signing_keys().list_signing_keys().await?;
    Ok(Stored { root, keys })
}

fn root_place() -> String {
    format!("server_secrets/{ROOT_SECRET}/sealed")
}

fn key_place(kid: &str) -> String {
    format!("signing_keys/{kid}/sealed_private_key")
}
