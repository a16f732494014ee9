//! Calls that may be repeated without a second effect (AIP-155).

use std::fmt;
use std::sync::Arc;

use time::Duration;
use zeroize::Zeroizing;

use super::call::Call;
use super::error::{Error, Refusal, Result};
use super::keys::DerivedKeys;
use super::ports::{RequestKey, SealedPlace, Sealer, Store, Transaction};
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

/// What an idempotent call yields: its answer when it is made for the first time, or why its body ended early.
pub type Idempotent<T> = std::result::Result<T, Exit>;

/// Why the body of an idempotent call ended early.
#[derive(Debug)]
pub enum Exit {
    /// The caller made the same call before.
    Repeated(FirstAnswer),
    /// It failed.
    Failed(Error),
}

/// What the first call of a kind was answered, as it was written down. It may hold a secret, and is never printed.
pub struct FirstAnswer(pub Zeroizing<Vec<u8>>);

impl fmt::Debug for FirstAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FirstAnswer")
    }
}

impl<E: Into<Error>> From<E> for Exit {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// The transaction of an idempotent call, which ends with its answer.
pub(super) struct OpenCall<'c, T> {
    pub(super) tx: Box<dyn Transaction>,
    key: Option<RequestKey>,
    sealer: Arc<dyn Sealer>,
    write: &'c fn(&T) -> Vec<u8>,
}

/// Tells repeats from new calls.
#[derive(Clone)]
pub(super) struct Idempotency {
    store: Arc<dyn Store>,
    sealer: Arc<dyn Sealer>,
    key: SecretKey,
}

impl Idempotency {
    /// Works through these ports.
    pub(super) fn new(ports: &super::Ports, derived: &DerivedKeys) -> Self {
        Self { store: ports.store.clone(), sealer: ports.sealer.clone(), key: derived.repeated_requests.clone() }
    }

    /// Opens the transaction of a call, unless the caller made the same call before. An id that stood for another call is
    /// refused.
    pub(super) async fn open<'c, T>(
        &self,
        call: &Call,
        request: &'c IdempotentCall<T>,
    ) -> std::result::Result<OpenCall<'c, T>, Exit> {
        let caller_id = *call.caller()?.subject().as_uuid();
        let key = request.request_id.map(|request_id| RequestKey { caller_id, request_id });
        let mut tx = self.store.write().await?;
        if let Some(key) = key {
            // A request may hold a password, so that a plain digest would be a target.
            let digest = Digest::of(&self.key.mac(&[request.method.as_bytes(), &request.message]));
            let forget_before = call.now - KEEP_ANSWERS;
            if !tx.answered_requests().claim_request(key, &digest, call.now, forget_before).await? {
                return Err(Exit::Repeated(self.first_answer(tx.as_mut(), key, &digest).await?));
            }
        }
        Ok(OpenCall { tx, key, sealer: self.sealer.clone(), write: &request.write })
    }

    async fn first_answer(&self, tx: &mut dyn Transaction, key: RequestKey, digest: &Digest) -> Result<FirstAnswer> {
        let answered = tx.answered_requests().find_answer(key).await?;
        let answered = answered.ok_or_else(|| Error::Contention("the first call has no answer".into()))?;
        if answered.digest != *digest {
            return Err(Refusal::RequestIdReused.into());
        }
        Ok(FirstAnswer(self.sealer.open(&SealedPlace::Answer(key), &answered.sealed)?))
    }
}

impl<T> OpenCall<'_, T> {
    /// Writes the answer down for repeats, and commits it with the change.
    pub(super) async fn finish(mut self, answer: T) -> Idempotent<T> {
        if let Some(key) = self.key {
            let sealed = self.sealer.seal(&SealedPlace::Answer(key), &Zeroizing::new((self.write)(&answer)))?;
            self.tx.answered_requests().put_answer(key, &sealed).await?;
        }
        self.tx.commit().await?;
        Ok(answer)
    }
}
