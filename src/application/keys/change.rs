use super::Keys;
use crate::application::audit_trail::Event;
use crate::application::error::{Error, Result};
use crate::application::ports::{NewKeyPair, SealedPlace, Transaction};
use crate::domain::Timestamp;
use crate::domain::access::change::AccessChange;
use crate::domain::audit::AuditType;
use crate::domain::token::key_ring::KeyRing;
use crate::domain::token::signing_key::{SigningAlgorithm, SigningKey};

/// A key pair, made before the transaction that may store it: to find two primes takes a second.
pub(super) struct Spare {
    algorithm: SigningAlgorithm,
    pair: NewKeyPair,
}

/// Who changes the keys: gives an event of a type its actor.
pub(super) type Actor<'a> = &'a (dyn Fn(AuditType) -> Event + Sync);

/// The ring as it is stored, and as it is to be from `now` on.
#[derive(Clone, Copy)]
pub(super) struct RingChange<'a> {
    pub(super) before: &'a KeyRing,
    pub(super) after: &'a KeyRing,
    pub(super) now: Timestamp,
}

/// Reads all keys, and holds other changes of them off until the transaction ends.
pub(super) async fn lock_ring(tx: &dyn Transaction) -> Result<KeyRing> {
    tx.signing_keys().lock_signing_keys().await?;
    Ok(KeyRing::new(tx.signing_keys().list_signing_keys().await?))
}

impl Keys {
    /// Makes a key pair, on a thread that may take its time.
    pub(super) async fn make_spare(&self, algorithm: SigningAlgorithm) -> Result<Spare> {
        let generator = self.generator.clone();
        let made = tokio::task::spawn_blocking(move || generator.generate(algorithm)).await;
        let pair = made.map_err(|error| Error::Internal(Box::new(error)))??;
        Ok(Spare { algorithm, pair })
    }

    /// Adds a new key to the ring.
    pub(super) fn publish(&self, ring: &mut KeyRing, spare: Spare, now: Timestamp) -> Result<()> {
        let Spare { algorithm, pair } = spare;
        let sealed_private_key = self.sealer.seal(&SealedPlace::SigningKey(pair.kid.clone()), &pair.private_key)?;
        let key = SigningKey {
            kid: pair.kid,
            algorithm,
            public_jwk: pair.public_jwk,
            sealed_private_key,
            create_time: now,
            activate_time: now,
            retire_time: None,
            drop_time: None,
        };
        ring.publish(key, now);
        Ok(())
    }

    /// Stores what a change did to the ring, records each new key, and has the other processes take it up.
    pub(super) async fn store_changes(
        &self,
        tx: &dyn Transaction,
        RingChange { before, after, now }: RingChange<'_>,
        actor: Actor<'_>,
    ) -> Result<()> {
        let mut changes = vec![AccessChange::KeySet];
        for key in after.keys() {
            match before.find(&key.kid) {
                None => {
                    tx.signing_keys().insert_signing_key(key).await?;
                    let event =
                        actor(AuditType::SigningKeyCreated).on(&key.kid).with("algorithm", key.algorithm.name());
                    self.trail.record(tx, event, now).await?;
                    tracing::info!(kid = %key.kid, algorithm = key.algorithm.name(), "made a signing key");
                }
                Some(stored) if stored != key => {
                    tx.signing_keys().update_signing_key_times(key).await?;
                    if !key.is_listed(now) {
                        changes.push(AccessChange::Key(key.kid.clone()));
                    }
                }
                Some(_) => {}
            }
        }
        tx.access_changes().insert_access_changes(&changes, now).await?;
        Ok(())
    }
}
