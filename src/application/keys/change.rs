use super::Keys;
use crate::application::audit_trail::{AuditTrail, Event};
use crate::application::error::{Error, Refusal, Result};
use crate::application::ports::{SealedPlace, Transaction};
use crate::domain::Timestamp;
use crate::domain::key_ring::{KeyRing, MAX_KEYS};
use crate::domain::signing_key::{SigningAlgorithm, SigningKey};

/// A change of the keys, in a transaction that holds other changes off.
pub(super) struct Change<'t, T> {
    tx: T,
    before: KeyRing,
    pub(super) ring: KeyRing,
    trail: &'t AuditTrail,
}
