//! Authenticates tokens and authorizes requests by the access policy of their RPC.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use quick_cache::sync::Cache;
use time::Duration;
use tokio::sync::Semaphore;

use super::caller::{Bearer, Caller};
use super::feed::AccessFeed;
use super::source::{Held, Source};
use crate::application::Ports;
use crate::application::audit_trail::{AuditTrail, Event};
use crate::application::call::Call;
use crate::application::error::{Error, Refusal, Result};
use crate::application::ports::{AccessTokens, Store, TokenRejected};
use crate::domain::Timestamp;
use crate::domain::access::audience::Audiences;
use crate::domain::access::policy::{Access, MinAssurance};
use crate::domain::access::subject::Subject;
use crate::domain::audit::AuditType;
use crate::domain::session::authentication::AssuranceLevel;

/// Of how many subjects the rights are kept: some 10 MB at the most, if each has a handful of roles.
const SUBJECTS: usize = 16 * 1024;

/// For how many networks the time of the last note is kept, and how often one is written: a flood of tokens that are none
/// must not cost a query each.
const NETWORKS: usize = 4 * 1024;
const NOTE_EVERY: Duration = Duration::minutes(10);
/// How many of these are being written at a time; further ones are left out.
const NOTES_AT_ONCE: usize = 4;

/// Decides who may call. What it knows is kept in memory while the feed of changes is fresh.
pub struct Authorizer {
    pub(super) store: Arc<dyn Store>,
    pub(super) feed: Arc<AccessFeed>,
    pub(super) held: Cache<Subject, Arc<Held>>,
    pub(super) audiences: Audiences,
    tokens: Arc<dyn AccessTokens>,
    trail: AuditTrail,
    /// When something of a network was written into the trail that costs its sender nothing.
    noted: Cache<IpAddr, Timestamp>,
    notes: Arc<Semaphore>,
}

impl Authorizer {
    /// Takes the ports it needs, the feed that the store tells of its changes, and the audiences of this server.
    #[must_use]
    pub fn new(ports: &Ports, feed: Arc<AccessFeed>, audiences: Audiences) -> Self {
        Self {
            store: ports.store.clone(),
            feed,
            held: Cache::new(SUBJECTS),
            audiences,
            tokens: ports.tokens.clone(),
            trail: AuditTrail::new(ports.entropy.clone()),
            noted: Cache::new(NETWORKS),
            notes: Arc::new(Semaphore::new(NOTES_AT_ONCE)),
        }
    }

    /// Decisions by what is in memory.
    pub(in crate::application) const fn cached(&self) -> Source<'_> {
        Source::Cached(self)
    }

    /// Checks an access token for an audience, or for any of this server: by itself first, then that nothing has made it
    /// void.
    pub(in crate::application) async fn authenticate(
        &self,
        bearer: &Bearer,
        audience: Option<&str>,
        now: Timestamp,
    ) -> Result<Caller> {
        let Bearer::Token(token) = bearer else {
            return Err(Refusal::TokenMissing.into());
        };
        let token = self.tokens.verify(token.expose(), audience, now).map_err(|rejected| match rejected {
            TokenRejected::Expired => Refusal::TokenExpired,
            TokenRejected::Invalid => Refusal::TokenInvalid,
        })?;
        if self.cached().is_good(&token, now).await? { Ok(Caller { token }) } else { Err(Refusal::TokenInvalid.into()) }
    }

    /// As `authenticate`, for this server itself.
    pub(in crate::application) async fn authenticate_own(&self, bearer: &Bearer, now: Timestamp) -> Result<Caller> {
        self.authenticate(bearer, Some(self.audiences.own()), now).await
    }

    /// Lets a call of an RPC in, with its caller, or refuses it, by the RPC's access policy. Public RPCs have no caller.
    pub async fn authorize_call(&self, call: Call, rpc: &str) -> Result<Call> {
        if call.access == Access::Public {
            return Ok(call);
        }
        let caller = match self.authenticate_own(&call.bearer, call.now).await {
            Err(Error::Refused(Refusal::TokenInvalid)) => {
                self.record_bad_token(&call, rpc);
                return Err(Refusal::TokenInvalid.into());
            }
            authenticated => authenticated?,
        };
        let call = call.by(caller);
        match self.check_access(&call).await {
            Err(Error::Refused(refusal)) => {
                self.record_denial(&call, rpc, &refusal).await?;
                Err(refusal.into())
            }
            checked => checked.map(|()| call),
        }
    }

    /// Records that a caller was denied what takes a permission or a fresh sign-in. Other refusals are no denials, and
    /// public RPCs, which have no caller, record their own.
    pub async fn record_denial(&self, call: &Call, rpc: &str, refusal: &Refusal) -> Result<()> {
        let Ok(caller) = call.caller() else { return Ok(()) };
        let event = call.event(AuditType::AccessDenied).with("rpc", rpc);
        let event = match refusal {
            Refusal::PermissionMissing { permission } => {
                event.denied("PERMISSION_MISSING").with("permission", permission)
            }
            Refusal::StepUpRequired { .. } => event.denied("STEP_UP_REQUIRED"),
            Refusal::MfaRequired => event.denied("MFA_REQUIRED"),
            _ => return Ok(()),
        };
        let cause = [caller.subject().as_uuid().as_bytes(), rpc.as_bytes()].concat();
        self.trail.record_sparingly(self.store.as_ref(), (event, &cause), call.now).await
    }

    /// Records that somebody showed a token that is none, or void.
    pub(super) fn record_bad_token(&self, call: &Call, rpc: &str) {
        let event = call.event(AuditType::TokenRefused).with("rpc", rpc).failed("TOKEN_INVALID");
        self.note(call, call.origin.client.network(), event);
    }

    /// Records that a call was refused because there were too many.
    pub fn record_overload(&self, call: &Call, rpc: &str) {
        let event = call.event(AuditType::Overloaded).with("rpc", rpc).denied("SERVER_OVERLOADED");
        self.note(call, Ipv4Addr::UNSPECIFIED.into(), event);
    }

    /// Has an event written of a call that is refused, a few times an hour for each network. The refusal does not wait for
    /// it, and does not depend on it.
    fn note(&self, call: &Call, network: IpAddr, event: Event) {
        let last = self.noted.get(&network);
        if last.is_some_and(|last| call.now - last < NOTE_EVERY) {
            return;
        }
        let Ok(place) = self.notes.clone().try_acquire_owned() else { return };
        self.noted.insert(network, call.now);
        let (trail, store, now) = (self.trail.clone(), self.store.clone(), call.now);
        tokio::spawn(async move {
            let cause = network.to_string();
            if let Err(error) = trail.record_sparingly(store.as_ref(), (event, cause.as_bytes()), now).await {
                tracing::warn!(?error, "a refused call is missing from the audit trail");
            }
            drop(place);
        });
    }

    async fn check_access(&self, call: &Call) -> Result<()> {
        if call.access == Access::Public {
            return Ok(());
        }
        let (caller, demands) = (call.caller()?, call.access.demands());
        if caller.level() == Some(AssuranceLevel::Enrolment) && !demands.allow_enrolment {
            return Err(Refusal::MfaRequired.into());
        }
        if let Access::Permission { permission, .. } = &call.access {
            self.cached().require(caller, permission).await?;
        }
        let level = self.required_level(caller, demands.min_assurance).await?;
        let is_own = matches!(call.access, Access::Authenticated(_));
        if let (true, None, Some(max_age)) = (is_own, caller.level(), demands.max_auth_age) {
            // What is a person's own takes a sign-in, which a service never has.
            return Err(Refusal::StepUpRequired { max_age: Some(max_age), level: AssuranceLevel::Aal1 }.into());
        }
        caller.require_sign_in(level, demands.max_auth_age, call.now)
    }

    /// The level that is demanded of a caller; none if none is.
    async fn required_level(&self, caller: &Caller, wanted: Option<MinAssurance>) -> Result<Option<AssuranceLevel>> {
        match wanted {
            None => Ok(None),
            Some(MinAssurance::Level(level)) => Ok(Some(level)),
            Some(MinAssurance::HighestEnrolled) => {
                let person = caller.person().ok_or(Refusal::PersonRequired)?;
                let user = self.store.read().await?.users().find_user(person.user_id).await?;
                let user = user.ok_or(Refusal::TokenInvalid)?;
                Ok(user.mfa_enabled.then_some(AssuranceLevel::Aal2))
            }
        }
    }
}
