//! A sign-in under way: proofs are collected, and what they reach decides whether a session may begin.

use crate::domain::Timestamp;
use crate::domain::session::authentication::{AssuranceLevel, Authentication, Proof, ProofKind};
use crate::domain::session::client::{ClientId, ClientLabel};

/// What the session is to be like that an attempt leads to.
#[derive(Debug, Clone)]
pub(super) struct WantedSession {
    /// The service that the tokens are for, unless it is this server.
    pub(super) audience: Option<String>,
    /// The client's name for itself.
    pub(super) label: ClientLabel,
}

/// A sign-in under way.
#[derive(Debug)]
pub(super) struct SignInAttempt {
    wanted: WantedSession,
    proofs: Vec<Proof>,
    after_failures: bool,
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

impl SignInAttempt {
    /// An attempt without a proof. `after_failures` tells whether several have failed before.
    pub(super) const fn new(wanted: WantedSession, after_failures: bool) -> Self {
        Self { wanted, proofs: Vec::new(), after_failures }
    }

    /// Adds a proof.
    pub(super) fn prove(&mut self, kind: ProofKind, time: Timestamp) {
        self.proofs.push(Proof { kind, time });
    }

    /// The sign-in, if its proofs reach the level that is required.
    pub(super) fn complete(self, required: AssuranceLevel) -> Option<ProvenSignIn> {
        let authentication = Authentication::from_proofs(self.proofs)?;
        (authentication.level() >= required).then_some(ProvenSignIn {
            client_id: ClientId::first_party(),
            audience: self.wanted.audience,
            label: self.wanted.label,
            authentication,
            after_failures: self.after_failures,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_begins_without_a_proof() {
        let attempt = || SignInAttempt::new(WantedSession { audience: None, label: ClientLabel::default() }, false);
        assert!(attempt().complete(AssuranceLevel::Aal1).is_none());
        let mut proven = attempt();
        proven.prove(ProofKind::Password, Timestamp::UNIX_EPOCH);
        let proven = proven.complete(AssuranceLevel::Aal1).unwrap();
        assert_eq!(proven.authentication.context().time, Timestamp::UNIX_EPOCH);
    }
}
