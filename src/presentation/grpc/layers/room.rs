//! Room for unary RPCs and for streams: how many there may be in all, and how many of them one caller may have.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::application::error::Refusal;
use crate::presentation::net::shares::{Share, Shares, of_one_address};

/// Room for RPCs with one request and one response.
pub(super) struct CallRoom {
    all: Arc<Semaphore>,
    by_network: Shares<IpAddr>,
}

/// The room that a call takes until this is dropped.
pub(super) struct CallPlace {
    _all: OwnedSemaphorePermit,
    _share: Share<IpAddr>,
}

impl CallRoom {
    /// Room for so many RPCs at a time.
    pub(super) fn of(most: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(most)), by_network: Shares::of(of_one_address(most)) }
    }

    /// Room for a call from a network.
    pub(super) fn take(&self, network: IpAddr) -> Result<CallPlace, Refusal> {
        let share = self.by_network.take(network).ok_or(Refusal::Overloaded)?;
        let all = self.all.clone().try_acquire_owned().map_err(|_| Refusal::Overloaded)?;
        Ok(CallPlace { _all: all, _share: share })
    }
}

/// Who has a stream: a subject, or a network if the RPC is public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Holder {
    Subject(Uuid),
    Network(IpAddr),
}

/// How many streams of an RPC there may be.
#[derive(Debug, Clone, Copy)]
struct StreamLimits {
    each: usize,
    all: usize,
}

/// The streams of one's own data, which any account may have.
const OWN_DATA: StreamLimits = StreamLimits { each: 1, all: 16 };
/// Imports and exports of people: each works on the database all the time.
const TRANSFER: StreamLimits = StreamLimits { each: 4, all: 8 };
/// Those that follow the audit trail: each asks the database four times a second.
const AUDIT: StreamLimits = StreamLimits { each: 4, all: 32 };
/// Those that follow revocations, of which a service has one for each of its processes.
const REVOCATIONS: StreamLimits = StreamLimits { each: 1000, all: 4000 };
/// Those that anybody may have: watched health and the description of the API.
const OPEN: StreamLimits = StreamLimits { each: 64, all: 1024 };

fn limits(path: &str) -> StreamLimits {
    match path {
        "/ipse.v1.AccountService/ExportMyData" => OWN_DATA,
        "/ipse.v1.UserService/ImportUsers" | "/ipse.v1.UserService/ExportUsers" => TRANSFER,
        "/ipse.v1.TokenService/WatchRevocations" => REVOCATIONS,
        path if path.starts_with("/grpc.") => OPEN,
        _ => AUDIT,
    }
}

/// Room for streams, for each RPC that has some.
pub(super) struct StreamRoom(HashMap<String, RoomOfRpc>);

struct RoomOfRpc {
    all: Arc<Semaphore>,
    by_holder: Shares<Holder>,
    limits: StreamLimits,
}

/// The room that a stream takes: until its body is dropped, or its producer gives it back.
pub(in crate::presentation::grpc) struct StreamPlace(Mutex<Option<(OwnedSemaphorePermit, Share<Holder>)>>);

impl StreamRoom {
    /// Room for the streams of these RPCs.
    pub(super) fn of<'p>(paths: impl Iterator<Item = &'p str>) -> Self {
        let room = |limits: StreamLimits| RoomOfRpc {
            all: Arc::new(Semaphore::new(limits.all)),
            by_holder: Shares::of(limits.each),
            limits,
        };
        Self(paths.map(|path| (path.to_owned(), room(limits(path)))).collect())
    }

    /// Room for a stream; nothing for a call without one.
    pub(super) fn take(&self, path: &str, holder: Holder) -> Result<Option<Arc<StreamPlace>>, Refusal> {
        let Some(room) = self.0.get(path) else { return Ok(None) };
        let limit = u32::try_from(room.limits.each).unwrap_or(u32::MAX);
        let full = Refusal::QuotaExceeded { what: "open streams of this kind", limit };
        let share = room.by_holder.take(holder).ok_or(full)?;
        let all = room.all.clone().try_acquire_owned().map_err(|_| Refusal::Overloaded)?;
        Ok(Some(Arc::new(StreamPlace(Mutex::new(Some((all, share)))))))
    }
}

impl StreamPlace {
    /// Gives the room back before the stream is over: nothing is done for it any more.
    pub(in crate::presentation::grpc) fn release(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn network(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    #[test]
    fn one_network_leaves_room_for_the_others() {
        let room = CallRoom::of(4);
        let held: Vec<_> = (0..3).map(|_| room.take(network(1)).unwrap()).collect();
        assert_eq!(room.take(network(1)).err(), Some(Refusal::Overloaded));
        let last = room.take(network(2)).unwrap();
        assert_eq!(room.take(network(3)).err(), Some(Refusal::Overloaded));
        drop((held, last));
        assert!(room.take(network(3)).is_ok());
    }

    #[test]
    fn a_stream_takes_room_until_it_is_dropped_or_given_back() {
        let path = "/ipse.v1.AccountService/ExportMyData";
        let room = StreamRoom::of([path].into_iter());
        let holder = Holder::Subject(Uuid::nil());
        let first = room.take(path, holder).unwrap().unwrap();
        assert!(matches!(room.take(path, holder).err(), Some(Refusal::QuotaExceeded { limit: 1, .. })));
        first.release();
        let second = room.take(path, holder).unwrap().unwrap();
        drop(first);
        assert!(room.take(path, holder).is_err(), "given back once");
        drop(second);
        assert!(room.take(path, holder).is_ok());
        assert!(room.take("/ipse.v1.AccountService/GetMe", holder).unwrap().is_none());
    }

    #[test]
    fn many_holders_together_have_a_limit() {
        let path = "/ipse.v1.AccountService/ExportMyData";
        let room = StreamRoom::of([path].into_iter());
        let take = |number: u128| room.take(path, Holder::Subject(Uuid::from_u128(number)));
        let held: Vec<_> = (0..16).map(|number| take(number).unwrap()).collect();
        assert_eq!(take(16).err(), Some(Refusal::Overloaded));
        drop(held);
        assert!(take(16).is_ok());
    }
}
