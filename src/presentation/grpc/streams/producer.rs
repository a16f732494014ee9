//! Streams of responses. What makes them runs in a task of its own and hands them over one at a time: while a client
//! does not read, nothing is held for it but what waits to be sent, and after a while not even that.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::{mpsc, oneshot};
use tonic::{Request, Status};
use tracing::{Instrument as _, Span};

use crate::application::error::{Error, Refusal};
use crate::presentation::grpc::layers::request_id;
use crate::presentation::grpc::layers::room::StreamPlace;
use crate::presentation::grpc::status;

/// How long a client may leave a response unread.
pub(in crate::presentation::grpc) const STALL_LIMIT: Duration = Duration::from_secs(20);

/// The responses of a call as they come.
pub(in crate::presentation::grpc) type Responses<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// A response on its way. Its maker can take it back.
type Slot<T> = Arc<Mutex<Option<T>>>;

/// Why a producer stops before it has made all.
pub(in crate::presentation::grpc) enum Stop {
    /// The client has left.
    Left,
    /// It failed, or the client left a response unread for too long.
    Failed(Status),
}

impl From<Status> for Stop {
    fn from(status: Status) -> Self {
        Self::Failed(status)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(status::from_error(error))
    }
}

/// Where a producer puts its responses.
pub(in crate::presentation::grpc) struct Outlet<T> {
    sender: mpsc::Sender<Slot<T>>,
    last: Option<Slot<T>>,
}

impl<T> Outlet<T> {
    /// Hands a response over, once the one before it was taken.
    pub(in crate::presentation::grpc) async fn send(&mut self, response: T) -> Result<(), Stop> {
        match tokio::time::timeout(STALL_LIMIT, self.sender.reserve()).await {
            Ok(Ok(room)) => {
                let slot = Arc::new(Mutex::new(Some(response)));
                self.last = Some(slot.clone());
                room.send(slot);
                Ok(())
            }
            Ok(Err(_)) => Err(Stop::Left),
            Err(_) => {
                self.last.take().and_then(|slot| take(&slot));
                Err(Error::from(Refusal::WatchTooSlow).into())
            }
        }
    }
}

/// The place of the stream that a request asks for.
pub(in crate::presentation::grpc) fn place<T>(request: &Request<T>) -> Result<Arc<StreamPlace>, Status> {
    let place = request.extensions().get::<Arc<StreamPlace>>().cloned();
    place.ok_or_else(|| status::from_error(Error::Internal("a stream did not pass the gate".into())))
}

/// Runs a producer in a task, until it is done or nobody takes its responses any more. The task works under the request
/// id of the call, and gives the place of the stream back when it ends.
pub(in crate::presentation::grpc) fn produce<T, W>(
    place: Arc<StreamPlace>,
    work: impl FnOnce(Outlet<T>) -> W,
) -> Responses<T>
where
    T: Send + 'static,
    W: Future<Output = Result<(), Stop>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(1);
    let (end, ended) = oneshot::channel();
    let work = work(Outlet { sender: sender.clone(), last: None });
    let task = async move {
        let outcome = tokio::select! {
            outcome = work => outcome,
            () = sender.closed() => Err(Stop::Left),
        };
        place.release();
        let _ = end.send(outcome);
    };
    tokio::spawn(request_id::scope(request_id::current(), task.instrument(Span::current())));
    stream::unfold(Some((receiver, ended)), next).boxed()
}

type Source<T> = (mpsc::Receiver<Slot<T>>, oneshot::Receiver<Result<(), Stop>>);

async fn next<T>(source: Option<Source<T>>) -> Option<(Result<T, Status>, Option<Source<T>>)> {
    let (mut receiver, ended) = source?;
    while let Some(slot) = receiver.recv().await {
        if let Some(response) = take(&slot) {
            return Some((Ok(response), Some((receiver, ended))));
        }
    }
    match ended.await {
        Ok(Ok(()) | Err(Stop::Left)) => None,
        Ok(Err(Stop::Failed(status))) => Some((Err(status), None)),
        // Only a panic ends the task without a result.
        Err(_) => Some((Err(status::internal()), None)),
    }
}

fn take<T>(slot: &Mutex<Option<T>>) -> Option<T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}
