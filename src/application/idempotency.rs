//! Calls that may be repeated without a second effect (AIP-155).

use std::sync::Arc;

use time::Duration;
use zeroize::Zeroizing;

use super::error::{Error, Refusal, Result};
use super::keys::DerivedKeys;
use super::ports::{Clock, RequestKey, SealedPlace, Sealer, Store, Transaction};
use crate::domain::access::subject::Subject;
use crate::domain::id::RequestId;
use crate::domain::secret::{Digest, SecretKey};

/// How long the answer to a call is kept for its repeats.
pub const KEEP_ANSWERS: Duration = Duration::hours(24);

/// How a call is told from others, and how its answer is written down.
pub struct IdempotentCall<T> {
    /// The id that the caller gave the call; none if the call is not to be repeated.
    pub request_id: Option<RequestId>,
    /// The name of the RPC.
    pub method: &'static str,
    /// All that the request says.
    pub message: Zeroizing<Vec<u8>>,
    /// Writes an answer the way the caller gets it.
    pub write: fn(&T) -> Vec<u8>,
}

/// The answer to a call.
#[derive(Debug)]
pub enum Answer<T> {
    /// The call was made for the first time.
    First(T),
    /// It was a repeat: what the first one was answered, as it was written down.
    Repeated(Zeroizing<Vec<u8>>),
}

/// What a call finds at its beginning.
pub(super) enum Started<W = OpenCall> {
    /// A transaction for a call that was not made before, perhaps with what it found.
    New(W),
    /// What a call like it was answered.
    Repeated(Zeroizing<Vec<u8>>),
}

/// The transaction of a call, which ends with its answer.
pub(super) struct OpenCall {
    pub(super) tx: Box<dyn Transaction>,
    key: Option<RequestKey>,
    sealer: Arc<dyn Sealer>,
}

/// Tells repeats from new calls.
#[derive(Clone)]
pub(super) struct Idempotency {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    sealer: Arc<dyn Sealer>,
    key: SecretKey,
}

impl Idempotency {
    ///
    pub(super) fn new(ports: &super::Ports, derived: &DerivedKeys) -> Self {
        Self {
            store: ports.store.clone(),
            clock: ports.clock.clone(),
            sealer: ports.sealer.clone(),
            key: derived.repeated_requests.clone(),
        }
    }

    /// Begins the transaction of a call, unless the caller made the same call before. An id that stood for another call is
    /// refused.
    pub(super) async fn begin<T>(&self, caller: Subject, call: &IdempotentCall<T>) -> Result<Started> {
        let key = call.request_id.map(|request_id| RequestKey { caller_id: *caller.as_uuid(), request_id });
        let mut tx = self.store.write().await?;
        if let Some(key) = key {
            let now = self.clock.now();
            // A request may hold a password, so that a plain digest would be a target.
            let digest = Digest::of(&self.key.mac(&[call.method.as_bytes(), &call.message]));
            if !tx.answered_requests().claim_request(key, &digest, now, now - KEEP_ANSWERS).await? {
                let answered = tx.answered_requests().find_answer(key).await?;
                let answered = answered.ok_or_else(|| Error::Contention("the first call has no answer".into()))?;
                if answered.digest != digest {
                    return Err(Refusal::RequestIdReused.into());
                }
                return Ok(Started::Repeated(self.sealer.open(&SealedPlace::Answer(key), &answered.sealed)?));
            }
        }
        Ok(Started::New(OpenCall { tx, key, sealer: self.sealer.clone() }))
    }
}

impl OpenCall {
    /// Writes the answer down for repeats, and commits.
    pub(super) async fn finish<T>(mut self, call: &IdempotentCall<T>, answer: T) -> Result<Answer<T>> {
        if let Some(key) = self.key {
            let sealed = self.sealer.seal(&SealedPlace::Answer(key), &Zeroizing::new((call.write)(&answer)))?;
            self.tx.answered_requests().put_answer(key, &sealed).await?;
        }
        self.tx.commit().await?;
        Ok(Answer::First(answer))
    }
}
