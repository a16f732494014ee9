//! What is called. A case has a name, a limit beside which its figures stand, and a call that makes sense again and again.

mod directory;
mod sign_in;
mod tokens;
mod trail;

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tonic::Status;
use tonic::transport::Channel;

use crate::Failure;
use crate::drive::Call;
use crate::limits::{IN_FLIGHT, Limit};
use crate::options::StoreKind;
use crate::world::World;

/// The names of all cases, in the order in which they run.
pub(crate) const NAMES: [&str; 18] = [
    "no-op",
    "introspect-seen",
    "introspect-new",
    "introspect-foreign",
    "check-permission",
    "envoy-check",
    "exchange",
    "get-me",
    "get-user",
    "list-users-first",
    "list-users-deep",
    "refresh",
    "login",
    "complete-mfa",
    "passkey",
    "create-user",
    "register",
    "watch-audit",
];

/// Gets ready for so many calls, or for fewer if that would take long. For how many.
pub(crate) type Supply = Arc<dyn Fn(usize) -> BoxFuture<'static, Result<usize, Failure>> + Send + Sync>;

/// What is called, and how.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) limit: Limit,
    /// Calls in flight in a closed loop.
    pub(crate) in_flight: usize,
    pub(crate) call: Call,
    /// If calls use something up: how to make it, and for how many calls in a second of a closed loop.
    pub(crate) supply: Option<(Supply, usize)>,
}

impl Case {
    fn new<F>(name: &'static str, limit: Limit, world: &Arc<World>, call: fn(Arc<World>, Channel) -> F) -> Self
    where
        F: Future<Output = Result<bool, Status>> + Send + 'static,
    {
        let world = world.clone();
        Self::of(name, limit, Arc::new(move |channel| call(world.clone(), channel).boxed()))
    }

    const fn of(name: &'static str, limit: Limit, call: Call) -> Self {
        Self { name, limit, in_flight: IN_FLIGHT, call, supply: None }
    }

    /// With fewer calls in flight: where one takes long, more would only wait.
    fn in_flight(self, in_flight: usize) -> Self {
        Self { in_flight, ..self }
    }

    fn supplied<F>(self, per_second: usize, supply: impl Fn(usize) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<usize, Failure>> + Send + 'static,
    {
        let supply: Supply = Arc::new(move |count| supply(count).boxed());
        Self { supply: Some((supply, per_second)), ..self }
    }
}

/// All cases. Some ask a replica for what they call with.
pub(crate) async fn all(
    kind: StoreKind,
    world: &Arc<World>,
    [here, there]: [&[Channel]; 2],
) -> Result<Vec<Case>, Failure> {
    let mut cases = tokens::cases(world, [here, there]).await?;
    cases.extend(directory::cases(kind, world, &here[0]).await?);
    cases.extend(sign_in::cases(kind, world, here));
    cases.push(trail::case(world, here));
    cases.sort_by_key(|case| NAMES.iter().position(|name| *name == case.name));
    Ok(cases)
}
