//! Signing in: an attempt collects proofs, and what is proven enough begins a session.

mod attempt;
mod begin_mfa_passkey;
mod begin_passkey_login;
mod challenge;
mod complete_mfa;
mod complete_passkey_login;
mod log_in;
mod own_password;
mod second_factor;
mod sign_in_candidate;
mod step_up;

use std::sync::Arc;

pub(super) use attempt::ProvenSignIn;
pub use challenge::{ChallengeFactor, IssuedChallenge};
pub use complete_mfa::CompleteMfa;
pub use complete_passkey_login::CompletePasskeyLogin;
pub use log_in::{LogIn, LoggedIn};
pub(super) use own_password::{OwnPassword, OwnProof};
pub use second_factor::PresentedProof;
pub use step_up::CompleteStepUp;

use super::Ports;
use super::audit_trail::AuditTrail;
use super::idempotency::Idempotency;
use super::jobs::MailPost;
use super::keys::DerivedKeys;
use super::policy::Policy;
use super::ports::{Entropy, Passkeys, PasswordHasher, Store};
use super::sessions::Sessions;
use crate::domain::secret::SecretKey;
use second_factor::SecondFactors;

/// The use cases of signing in.
pub struct SignIn {
    store: Arc<dyn Store>,
    entropy: Arc<dyn Entropy>,
    hasher: Arc<dyn PasswordHasher>,
    passkeys: Arc<dyn Passkeys>,
    factors: SecondFactors,
    own_password: OwnPassword,
    sessions: Arc<Sessions>,
    post: MailPost,
    idempotency: Idempotency,
    trail: AuditTrail,
    throttle_key: SecretKey,
    policy: Arc<Policy>,
}

impl SignIn {
    /// Takes the ports it needs, and the façade that begins sessions.
    #[must_use]
    pub fn new(ports: &Ports, sessions: Arc<Sessions>, policy: Arc<Policy>, derived: &DerivedKeys) -> Self {
        Self {
            store: ports.store.clone(),
            entropy: ports.entropy.clone(),
            hasher: ports.hasher.clone(),
            passkeys: ports.passkeys.clone(),
            factors: SecondFactors::new(ports),
            own_password: OwnPassword::new(ports, derived),
            sessions,
            post: MailPost::new(ports, &policy, derived),
            idempotency: Idempotency::new(ports, derived),
            trail: AuditTrail::new(ports.entropy.clone()),
            throttle_key: derived.throttles.clone(),
            policy,
        }
    }
}
