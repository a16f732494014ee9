//! How a person proved who they are: proofs, each with its time, and what tokens tell of them.

use time::Duration;

use crate::domain::Timestamp;
use crate::domain::named_enum::named_enum;
use crate::domain::token::signing_key::MAX_SKEW;

named_enum! {
    /// What somebody can prove who they are with.
    ProofKind {
        /// The password.
        Password = "password",
        /// A code of an authenticator app.
        Totp = "totp",
        /// A recovery code.
        RecoveryCode = "recovery_code",
        /// A passkey of one device, which did not verify the person.
        DevicePasskey = "device_passkey",
        /// A passkey of one device, which verified the person.
        VerifiedDevicePasskey = "verified_device_passkey",
        /// A passkey that may be copied, on a device that did not verify the person.
        SyncedPasskey = "synced_passkey",
        /// A passkey that may be copied, on a device that verified the person.
        VerifiedSyncedPasskey = "verified_synced_passkey",
    }
}

impl ProofKind {
    /// The proof of a passkey.
    #[must_use]
    pub const fn passkey(backup_eligible: bool, user_verified: bool) -> Self {
        match (backup_eligible, user_verified) {
            (false, false) => Self::DevicePasskey,
            (false, true) => Self::VerifiedDevicePasskey,
            (true, false) => Self::SyncedPasskey,
            (true, true) => Self::VerifiedSyncedPasskey,
        }
    }

    /// The authentication methods that it stands for (RFC 8176).
    const fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Password => &["pwd"],
            Self::Totp | Self::RecoveryCode => &["otp"],
            Self::DevicePasskey | Self::VerifiedDevicePasskey => &["hwk", "user"],
            Self::SyncedPasskey | Self::VerifiedSyncedPasskey => &["swk", "user"],
        }
    }

    /// Whether it proves that the person has something.
    #[must_use]
    pub const fn is_possession(self) -> bool {
        !matches!(self, Self::Password)
    }

    /// Whether it proves something that the person knows or is.
    const fn is_activation(self) -> bool {
        matches!(self, Self::Password | Self::VerifiedDevicePasskey | Self::VerifiedSyncedPasskey)
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
    /// One factor, of somebody who must have two: good for nothing except for enrolling the second.
    Enrolment,
    /// One factor.
    Aal1,
    /// Two factors: something that the person has, and something that the person knows or is.
    Aal2,
}

impl AssuranceLevel {
    /// The level as the claim `acr`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enrolment => "urn:ipse:aal:0",
            Self::Aal1 => "urn:ipse:aal:1",
            Self::Aal2 => "urn:ipse:aal:2",
        }
    }

    /// The level that a claim `acr` tells.
    #[must_use]
    pub fn parse(acr: &str) -> Option<Self> {
        [Self::Enrolment, Self::Aal1, Self::Aal2].into_iter().find(|level| level.as_str() == acr)
    }
}

/// How long two factors count, before a token tells of one alone (NIST SP 800-63B-4, section 2.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aal2Lifetimes {
    /// Since the proof of the second factor.
    pub lifetime: Duration,
    /// Since the last refresh.
    pub idle: Duration,
}

/// Who must sign in with a second factor, beside those who have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MfaPolicy {
    /// Who has a role that demands it.
    Optional,
    /// Administrators too.
    Administrators,
    /// Everybody.
    Required,
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

    /// What was reached by the proofs, whenever they were given.
    #[must_use]
    pub fn level(&self) -> AssuranceLevel {
        let has = self.proofs().any(|proof| proof.kind.is_possession());
        let knows_or_is = self.proofs().any(|proof| proof.kind.is_activation());
        if has && knows_or_is { AssuranceLevel::Aal2 } else { AssuranceLevel::Aal1 }
    }

    /// Until when the proofs count as two factors, if nothing is refreshed after `seen`; none if they never did.
    #[must_use]
    pub fn aal2_expire_time(&self, seen: Timestamp, lifetimes: Aal2Lifetimes) -> Option<Timestamp> {
        let proven = self.possession_time().filter(|_| self.level() == AssuranceLevel::Aal2)?;
        Some((proven + lifetimes.lifetime).min(seen + lifetimes.idle))
    }

    /// What tokens tell of it that are of this level: one that the proofs reach, or a lower one once they are old.
    ///
    /// What counts as the time of a sign-in with two factors is the proof of what the person has: the password alone does
    /// not make it fresh again, as somebody else may have learned it.
    #[must_use]
    pub fn context(&self, level: AssuranceLevel) -> AuthenticationContext {
        let mut methods: Vec<String> = Vec::new();
        for &method in self.proofs().flat_map(|proof| proof.kind.methods()) {
            if !methods.iter().any(|listed| listed == method) {
                methods.push(method.to_owned());
            }
        }
        let latest = self.proofs().map(|proof| proof.time).max();
        let is_aal2 = level == AssuranceLevel::Aal2;
        if is_aal2 {
            methods.push("mfa".to_owned());
        }
        let proven = if is_aal2 { self.possession_time() } else { latest };
        AuthenticationContext { time: proven.unwrap_or(self.first.time), methods, level }
    }

    /// The sign-in as it is believed at `now`: a proof of the future was taken by a clock that was ahead, and is as old as can
    /// be.
    #[must_use]
    pub fn believed(&self, now: Timestamp) -> Self {
        let believed = |proof: &Proof| {
            let time = if proof.time <= now + MAX_SKEW { proof.time } else { Timestamp::UNIX_EPOCH };
            Proof { time, ..*proof }
        };
        Self { first: believed(&self.first), further: self.further.iter().map(believed).collect() }
    }

    /// When the person last proved to have something.
    fn possession_time(&self) -> Option<Timestamp> {
        self.proofs().filter(|proof| proof.kind.is_possession()).map(|proof| proof.time).max()
    }

    /// The sign-in after a further proof, which takes the place of an earlier one of its kind. Once two factors have ceased
    /// to count, what the person had then does not: only what the person knows or is stays beside a new proof of what the
    /// person has.
    #[must_use]
    pub fn step_up(&self, proof: Proof, is_aal2: bool) -> Self {
        let counts = |kind: ProofKind| {
            if proof.kind.is_possession() { kind.is_activation() } else { !kind.is_possession() }
        };
        let stays = |earlier: &&Proof| earlier.kind != proof.kind && (is_aal2 || counts(earlier.kind));
        let mut proofs = self.proofs().filter(stays).copied().chain([proof]);
        Self { first: proofs.next().unwrap_or(proof), further: proofs.collect() }
    }
}

/// What a token tells of how its bearer signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticationContext {
    /// When the person proved who they are: the claim `auth_time`.
    pub time: Timestamp,
    /// By which methods (RFC 8176): the claim `amr`.
    pub methods: Vec<String>,
    /// At which level: the claim `acr`.
    pub level: AssuranceLevel,
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIMES: Aal2Lifetimes = Aal2Lifetimes { lifetime: Duration::hours(24), idle: Duration::hours(1) };

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::minutes(minutes)
    }

    fn authentication(proofs: &[(ProofKind, i64)]) -> Authentication {
        let proofs = proofs.iter().map(|&(kind, minutes)| Proof { kind, time: at(minutes) });
        Authentication::from_proofs(proofs).unwrap()
    }

    #[test]
    fn two_factors_are_what_one_has_and_what_one_knows_or_is() {
        use AssuranceLevel::{Aal1, Aal2};
        use ProofKind::*;
        for (proofs, level, methods) in [
            (&[Password][..], Aal1, "pwd"),
            (&[Password, Totp], Aal2, "pwd otp mfa"),
            (&[Password, RecoveryCode], Aal2, "pwd otp mfa"),
            (&[Password, DevicePasskey], Aal2, "pwd hwk user mfa"),
            (&[Password, SyncedPasskey], Aal2, "pwd swk user mfa"),
            (&[VerifiedDevicePasskey], Aal2, "hwk user mfa"),
            (&[VerifiedSyncedPasskey], Aal2, "swk user mfa"),
            (&[DevicePasskey], Aal1, "hwk user"),
            (&[SyncedPasskey, Totp], Aal1, "swk user otp"),
            (&[RecoveryCode, Totp], Aal1, "otp"),
        ] {
            let proofs: Vec<_> = proofs.iter().map(|&kind| (kind, 0)).collect();
            let authentication = authentication(&proofs);
            assert_eq!(authentication.level(), level, "{proofs:?}");
            assert_eq!(authentication.context(level).methods.join(" "), methods, "{proofs:?}");
        }
    }

    #[test]
    fn two_factors_count_until_they_are_old_or_nobody_came_for_long() {
        let both = authentication(&[(ProofKind::Password, 0), (ProofKind::Totp, 5)]);
        assert_eq!(both.aal2_expire_time(at(5), LIFETIMES), Some(at(65)));
        assert_eq!(both.aal2_expire_time(at(1440), LIFETIMES), Some(at(1445)));
        let one = authentication(&[(ProofKind::Password, 0)]);
        assert_eq!(one.aal2_expire_time(at(0), LIFETIMES), None);
        let context = both.context(AssuranceLevel::Aal1);
        assert_eq!((context.methods.join(" ").as_str(), context.level.as_str()), ("pwd otp", "urn:ipse:aal:1"));
    }

    #[test]
    fn the_time_of_one_factor_is_that_of_the_latest_proof_and_of_two_that_of_what_one_has() {
        assert_eq!(Authentication::from_proofs([]), None);
        let both = authentication(&[(ProofKind::Totp, 1), (ProofKind::Password, 9)]);
        assert_eq!(both.context(AssuranceLevel::Aal2).time, at(1));
        assert_eq!(both.context(AssuranceLevel::Aal1).time, at(9));
    }

    #[test]
    fn a_further_proof_takes_the_place_of_an_earlier_one_of_its_kind() {
        use ProofKind::*;
        for (before, proof, is_aal2, after) in [
            (&[Password, Totp][..], Totp, true, &[(Password, 0), (Totp, 7)][..]),
            (&[Password], Password, false, &[(Password, 7)]),
            (&[Password], Totp, false, &[(Password, 0), (Totp, 7)]),
            (&[Password, Totp], Password, true, &[(Totp, 0), (Password, 7)]),
            // What the person had before counts no more.
            (&[Password, Totp], Password, false, &[(Password, 7)]),
            (&[Password, Totp], DevicePasskey, false, &[(Password, 0), (DevicePasskey, 7)]),
            (&[VerifiedDevicePasskey], Totp, false, &[(VerifiedDevicePasskey, 0), (Totp, 7)]),
            (&[VerifiedDevicePasskey], Password, false, &[(Password, 7)]),
        ] {
            let earlier: Vec<_> = before.iter().map(|&kind| (kind, 0)).collect();
            let stepped = authentication(&earlier).step_up(Proof { kind: proof, time: at(7) }, is_aal2);
            assert_eq!(stepped, authentication(after), "{before:?} {proof:?} {is_aal2}");
        }
    }

    #[test]
    fn a_proof_of_the_future_is_as_old_as_can_be() {
        let skew = MAX_SKEW.whole_minutes();
        let minutes = |now: i64| {
            let both = authentication(&[(ProofKind::Password, 100), (ProofKind::Totp, 100 + skew)]).believed(at(now));
            both.proofs().map(|proof| (proof.time - at(0)).whole_minutes()).collect::<Vec<_>>()
        };
        assert_eq!(minutes(100), [100, 100 + skew]);
        assert_eq!(minutes(99), [100, 0]);
        assert_eq!(minutes(100 - skew - 1), [0, 0]);
    }

    #[test]
    fn levels_are_ordered_and_read_back() {
        assert!(AssuranceLevel::Enrolment < AssuranceLevel::Aal1 && AssuranceLevel::Aal1 < AssuranceLevel::Aal2);
        for level in [AssuranceLevel::Enrolment, AssuranceLevel::Aal1, AssuranceLevel::Aal2] {
            assert_eq!(AssuranceLevel::parse(level.as_str()), Some(level));
        }
        assert_eq!(AssuranceLevel::parse("urn:ipse:aal:3"), None);
    }
}
