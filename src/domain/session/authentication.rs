//! How a person proved who they are: proofs, each with its time, and what tokens tell of them.

use crate::domain::Timestamp;
use crate::domain::named_enum::named_enum;

named_enum! {
    /// What somebody can prove who they are with.
    ProofKind {
        /// The password.
        Password = "password",
    }
}

impl ProofKind {
    /// The authentication methods that it stands for (RFC 8176).
    const fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Password => &["pwd"],
        }
    }
}

/// That somebody proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// By what.
    pub kind: ProofKind,
    /// When.
    pub time: Timestamp,
}

/// How sure it is who somebody is (NIST SP 800-63B-4): one factor, or two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AssuranceLevel {
    /// One factor.
    Aal1,
}

impl AssuranceLevel {
    /// The level as the claim `acr`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aal1 => "urn:ipse:aal:1",
        }
    }
}

/// How a person signed in: at least one proof, the first one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authentication {
    first: Proof,
    further: Vec<Proof>,
}

impl Authentication {
    /// A sign-in that begins with this proof.
    #[must_use]
    pub const fn new(first: Proof) -> Self {
        Self { first, further: Vec::new() }
    }

    /// A sign-in with these proofs, if there are any.
    #[must_use]
    pub fn from_proofs(proofs: impl IntoIterator<Item = Proof>) -> Option<Self> {
        let mut proofs = proofs.into_iter();
        Some(Self { first: proofs.next()?, further: proofs.collect() })
    }

    /// The proofs, in their order.
    pub fn proofs(&self) -> impl Iterator<Item = &Proof> {
        std::iter::once(&self.first).chain(&self.further)
    }

    /// What was reached by the proofs.
    #[must_use]
    pub const fn level(&self) -> AssuranceLevel {
        AssuranceLevel::Aal1
    }

    /// What tokens tell of it.
    #[must_use]
    pub fn context(&self) -> AuthenticationContext {
        let methods = self.proofs().flat_map(|proof| proof.kind.methods()).map(|&method| method.to_owned());
        AuthenticationContext {
            time: self.proofs().map(|proof| proof.time).max().unwrap_or(self.first.time),
            methods: methods.collect(),
            level: self.level().as_str().to_owned(),
        }
    }
}

/// What a token tells of how its bearer signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticationContext {
    /// When the person last proved something: the claim `auth_time`.
    pub time: Timestamp,
    /// By which methods (RFC 8176): the claim `amr`.
    pub methods: Vec<String>,
    /// At which level: the claim `acr`.
    pub level: String,
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    #[test]
    fn a_password_is_one_factor_and_its_time_the_time_of_the_sign_in() {
        let time = Timestamp::UNIX_EPOCH + Duration::HOUR;
        let context = Authentication::new(Proof { kind: ProofKind::Password, time }).context();
        assert_eq!((context.time, context.level.as_str()), (time, "urn:ipse:aal:1"));
        assert_eq!(context.methods, ["pwd"]);
    }

    #[test]
    fn the_latest_proof_tells_when_somebody_signed_in() {
        let at = |hours| Proof { kind: ProofKind::Password, time: Timestamp::UNIX_EPOCH + Duration::hours(hours) };
        assert_eq!(Authentication::from_proofs([]), None);
        let authentication = Authentication::from_proofs([at(1), at(3), at(2)]).unwrap();
        assert_eq!(authentication.context().time, at(3).time);
        assert_eq!(authentication.proofs().count(), 3);
    }
}
