//! Calls that may be repeated without a second effect (AIP-155).

use std::fmt;
use std::sync::Arc;

use time::Duration;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::access::caller::Bearer;
use super::audit_trail::HoldsError;
use super::call::Call;
use super::error::{Error, Refusal, Result};
use super::keys::{DerivedKeys, RotatedKey};
use super::ports::{RequestKey, SealedPlace, Sealer, Store, StoreError, Transaction};
use crate::domain::Timestamp;
use crate::domain::access::permission::Rights;
use crate::domain::id::RequestId;
use crate::domain::secret::{Digest, SecretKey};

/// How long the answer to a call is kept for its repeats.
pub const KEEP_ANSWERS: Duration = Duration::hours(24);

/// How often, and after which time each, it is looked for what became of a commit that nobody answered.
const LOOKS: usize = 3;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(500);

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

impl HoldsError for Exit {
    fn error(&self) -> Option<&Error> {
        match self {
            Self::Repeated(_) => None,
            Self::Failed(error) => Some(error),
        }
    }
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
    claim: Option<Claim>,
    store: Arc<dyn Store>,
    sealer: Arc<dyn Sealer>,
    write: &'c fn(&T) -> Vec<u8>,
}

/// By what a call is taken on record.
struct Claim {
    key: RequestKey,
    digest: Digest,
    /// Those under the keys that this one's key replaces, or that will replace it.
    other_digests: Vec<Digest>,
    now: Timestamp,
}

impl Claim {
    /// Takes the call on record. Whether it was not there.
    async fn make(&self, tx: &dyn Transaction) -> Result<bool> {
        let forget_before = self.now - KEEP_ANSWERS;
        Ok(tx.answered_requests().claim_request(self.key, &self.digest, self.now, forget_before).await?)
    }
}

/// Tells repeats from new requests.
#[derive(Clone)]
pub(super) struct Idempotency {
    store: Arc<dyn Store>,
    sealer: Arc<dyn Sealer>,
    key: RotatedKey,
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
        let tx = self.store.write().await?;
        self.claim(tx, call, request).await
    }

    /// As `open`, in a transaction that has done something already, which a duplicate undoes.
    pub(super) async fn claim<'c, T>(
        &self,
        tx: Box<dyn Transaction>,
        call: &Call,
        request: &'c IdempotentCall<T>,
    ) -> std::result::Result<OpenCall<'c, T>, Exit> {
        let claim = self.claim_of(call, request);
        if let Some(claim) = &claim
            && !claim.make(tx.as_ref()).await?
        {
            let first = self.first_answer(tx.as_ref(), claim).await?;
            let first = first.ok_or_else(|| Error::Contention("the first call has no answer".into()))?;
            return Err(Exit::Repeated(first));
        }
        Ok(OpenCall { tx, claim, store: self.store.clone(), sealer: self.sealer.clone(), write: &request.write })
    }

    /// Answers a duplicate, and refuses an id that stood for another call, without a transaction: before anything is asked
    /// for that the first call has used up, such as a mailed token or the password in use.
    pub(super) async fn require_new<T>(
        &self,
        call: &Call,
        request: &IdempotentCall<T>,
    ) -> std::result::Result<(), Exit> {
        let Some(claim) = self.claim_of(call, request) else { return Ok(()) };
        let first = self.first_answer(self.store.read().await?.as_ref(), &claim).await?;
        first.map_or(Ok(()), |first| Err(Exit::Repeated(first)))
    }

    fn claim_of<T>(&self, call: &Call, request: &IdempotentCall<T>) -> Option<Claim> {
        let request_id = request.request_id?;
        let caller = call.caller().ok();
        // A token with a narrower scope must not get what was answered to a wider one.
        let scope = caller.and_then(|caller| caller.scope()).map(Rights::to_scope);
        let mut request_parts: Vec<&[u8]> = vec![request.method.as_bytes(), &request.message];
        request_parts.extend(scope.as_deref().map(str::as_bytes));
        // The caller of a public RPC may be anonymous: the same message, with the same token, is the same call.
        if let (None, Bearer::Token(token)) = (caller, &call.bearer) {
            request_parts.push(token.expose().as_bytes());
        }
        let caller_id = caller.map_or(Uuid::nil(), |caller| *caller.subject().as_uuid());
        // A request may hold a password, so that a plain digest would be a target.
        let digest = |key: &SecretKey| Digest::of(&key.mac(&request_parts));
        let (digest, other_digests) = (digest(&self.key.current()), self.key.others().iter().map(digest).collect());
        Some(Claim { key: RequestKey { caller_id, request_id }, digest, other_digests, now: call.now })
    }

    /// What a call was answered that is on record; nothing if it is not, or not any more.
    async fn first_answer(&self, tx: &dyn Transaction, claim: &Claim) -> Result<Option<FirstAnswer>> {
        let Some(answered) = tx.answered_requests().find_answer(claim.key, claim.now - KEEP_ANSWERS).await? else {
            return Ok(None);
        };
        if answered.digest != claim.digest && !claim.other_digests.contains(&answered.digest) {
            return Err(Refusal::RequestIdReused.into());
        }
        Ok(Some(FirstAnswer(self.sealer.open(&SealedPlace::Answer(claim.key), &answered.sealed)?)))
    }
}

impl<T> OpenCall<'_, T> {
    /// Writes the answer down for repeats, and commits it with the change. If the store is lost meanwhile, a call with an
    /// id finds out by itself what became of it.
    pub(super) async fn finish(self, answer: T) -> Idempotent<T> {
        let Some(claim) = self.claim else {
            self.tx.commit().await?;
            return Ok(answer);
        };
        let sealed = self.sealer.seal(&SealedPlace::Answer(claim.key), &Zeroizing::new((self.write)(&answer)))?;
        self.tx.answered_requests().put_answer(claim.key, &sealed).await?;
        match self.tx.commit().await {
            Err(StoreError::OutcomeUnknown(cause)) => match find_out(self.store.as_ref(), &claim).await {
                Some(true) => Ok(answer),
                Some(false) => Err(Error::Unavailable(cause).into()),
                None => Err(Error::OutcomeUnknown(cause).into()),
            },
            committed => Ok(committed.map(|()| answer)?),
        }
    }
}

/// Whether a call is on record whose commit nobody answered; nothing if that cannot be told yet. Whoever can take it on
/// record knows that it is not, and never will be: a transaction still under way would hold that up.
async fn find_out(store: &dyn Store, claim: &Claim) -> Option<bool> {
    for _ in 0..LOOKS {
        if let Ok(tx) = store.write().await
            && let Ok(is_new) = claim.make(tx.as_ref()).await
        {
            return Some(!is_new);
        }
        tokio::time::sleep(PAUSE).await;
    }
    None
}
