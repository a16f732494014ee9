//! A sign-in under way: proofs are collected, and what they reach decides whether a session may begin.

use crate::domain::Timestamp;
use crate::domain::credential::throttle::SlowDown;
use crate::domain::session::authentication::{AssuranceLevel, Authentication, Proof, ProofKind};
use crate::domain::session::challenge::Challenge;
use crate::domain::session::client::{ClientId, ClientLabel};

/// What the session is to be like that an attempt leads to.
#[derive(Debug, Clone, Default)]
pub(super) struct WantedSession {
    /// The service that the tokens are for, unless it is this server.
    pub(super) audience: Option<String>,
    /// The name that the client gives itself.
    pub(super) label: ClientLabel,
}

/// A sign-in under way.
#[derive(Debug)]
pub(super) struct SignInAttempt {
    pub(super) wanted: WantedSession,
    pub(super) proofs: Vec<Proof>,
    /// How many attempts had failed before.
    pub(super) failures_before: i32,
}

/// A sign-in whose proofs reach what is required: the one thing that begins a session.
#[derive(Debug)]
pub(in crate::application) struct ProvenSignIn {
    pub(in crate::application) client_id: ClientId,
    pub(in crate::application) audience: Option<String>,
    pub(in crate::application) label: ClientLabel,
    pub(in crate::application) authentication: Authentication,
    /// Whether several attempts had failed before.
    pub(in crate::application) after_failures: bool,
}

/// The attempt that led to a challenge.
pub(super) fn resume(challenge: &Challenge) -> SignInAttempt {
    let wanted = WantedSession { audience: challenge.audience.clone(), label: challenge.label.clone() };
    SignInAttempt { wanted, proofs: challenge.proofs.clone(), failures_before: challenge.failures_before }
}

impl SignInAttempt {
    /// An attempt without a proof. `failures_before` tells how many have failed before.
    pub(super) const fn new(wanted: WantedSession, failures_before: i32) -> Self {
        Self { wanted, proofs: Vec::new(), failures_before }
    }

    /// The attempt with a further proof.
    pub(super) fn prove(mut self, kind: ProofKind, time: Timestamp) -> Self {
        self.proofs.push(Proof { kind, time });
        self
    }

    /// The sign-in, if its proofs reach the level that is required.
    pub(super) fn complete(self, required: AssuranceLevel) -> Option<ProvenSignIn> {
        let authentication = Authentication::from_proofs(self.proofs)?;
        (authentication.level() >= required).then_some(ProvenSignIn {
            client_id: ClientId::first_party(),
            audience: self.wanted.audience,
            label: self.wanted.label,
            authentication,
            after_failures: self.failures_before >= SlowDown::ACCOUNT.first_delayed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_begins_without_a_proof_or_with_less_than_is_required() {
        let attempt = || SignInAttempt::new(WantedSession::default(), 0);
        assert!(attempt().complete(AssuranceLevel::Aal1).is_none());
        let with_password = || attempt().prove(ProofKind::Password, Timestamp::UNIX_EPOCH);
        assert!(with_password().complete(AssuranceLevel::Aal2).is_none());
        let proven = with_password().complete(AssuranceLevel::Aal1).unwrap();
        assert_eq!(proven.authentication.level(), AssuranceLevel::Aal1);
        let both = with_password().prove(ProofKind::Totp, Timestamp::UNIX_EPOCH);
        assert!(both.complete(AssuranceLevel::Aal2).is_some());
    }

    #[test]
    fn five_failures_before_it_are_told() {
        for (failures, told) in [(0, false), (4, false), (5, true)] {
            let attempt = SignInAttempt::new(WantedSession::default(), failures);
            let proven = attempt.prove(ProofKind::Password, Timestamp::UNIX_EPOCH).complete(AssuranceLevel::Aal1);
            assert_eq!(proven.unwrap().after_failures, told, "{failures}");
        }
    }
}
