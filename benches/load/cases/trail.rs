//! The audit trail, as somebody reads it who catches up with it.

use std::sync::Arc;

use ipse::proto::audit_service_client::AuditServiceClient;
use ipse::proto::{ListAuditEventsRequest, WatchAuditEventsRequest, WatchAuditEventsResponse};
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use super::Case;
use crate::Failure;
use crate::drive::Call;
use crate::limits::Limit;
use crate::world::{Pool, World};

/// How many watch at once. A caller may have twice as many, and those of the turn before may not have ended yet.
const WATCHERS: usize = 2;

/// A watcher who has not yet heard of so many events.
struct Watcher {
    events: Streaming<WatchAuditEventsResponse>,
    left: usize,
}

/// Hears of one event. Those who watch begin at the first event there is.
pub(super) fn case(world: &Arc<World>, channels: &[Channel]) -> Case {
    let watchers = Arc::new(Pool::<Watcher>::default());
    let watching = watchers.clone();
    let call: Call = Arc::new(move |_| {
        let watching = watching.clone();
        Box::pin(async move {
            let Some(mut watcher) = watching.take().filter(|watcher| watcher.left > 0) else { return Ok(false) };
            let event = watcher.events.message().await?;
            event.ok_or_else(|| Status::internal("the stream has ended"))?;
            watcher.left -= 1;
            watching.put(watcher);
            Ok(true)
        })
    });
    let (world, channels) = (world.clone(), channels.to_vec());
    let case = Case::of("watch-audit", Limit::NoOp, call).in_flight(WATCHERS);
    case.supplied(50_000, move |count| watch(world.clone(), channels.clone(), watchers.clone(), count))
}

async fn watch(
    world: Arc<World>,
    channels: Vec<Channel>,
    watchers: Arc<Pool<Watcher>>,
    count: usize,
) -> Result<usize, Failure> {
    watchers.clear();
    let mut trail = AuditServiceClient::new(channels[0].clone());
    let newest = ListAuditEventsRequest { page_size: 1, ..ListAuditEventsRequest::default() };
    let newest = trail.list_audit_events(world.administered(newest)).await?.into_inner().events;
    let events = usize::try_from(newest.first().ok_or("the trail is empty")?.sequence)?;
    let each = events.min(count.div_ceil(WATCHERS));
    for channel in channels.iter().cycle().take(WATCHERS) {
        let request = world.administered(WatchAuditEventsRequest::default());
        let events_of = AuditServiceClient::new(channel.clone()).watch_audit_events(request).await?;
        watchers.put(Watcher { events: events_of.into_inner(), left: each });
    }
    Ok(each * WATCHERS)
}
