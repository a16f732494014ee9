//! Bodies of answers that end when the server stops: a stream without an end, such as a watched health status, would
//! otherwise keep it waiting for the whole grace. Streams continue under the request id and in the log of their call.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;
use tonic::body::Body;
use tracing::Span;

use crate::presentation::grpc::layers::request_id;
use crate::presentation::grpc::layers::room::StreamPlace;
use crate::presentation::grpc::status;
use crate::presentation::net::activity::ActiveCall;

/// What a call holds until its answer was sent.
pub(in crate::presentation::grpc) struct Held {
    pub(in crate::presentation::grpc) _call: Option<ActiveCall>,
    pub(in crate::presentation::grpc) _stream: Option<Arc<StreamPlace>>,
}

/// A body that ends as the server stops, with a status that says so, unless it ended before.
pub(in crate::presentation::grpc) struct UntilDrained {
    body: Body,
    drained: Pin<Box<WaitForCancellationFutureOwned>>,
    is_over: bool,
    request_id: Arc<str>,
    span: Span,
    _held: Held,
}

impl UntilDrained {
    /// The body of the request that this task works on, until the token is cancelled.
    pub(in crate::presentation::grpc) fn new(body: Body, drained: CancellationToken, held: Held) -> Self {
        let (request_id, span) = (request_id::current(), Span::current());
        Self { body, drained: Box::pin(drained.cancelled_owned()), is_over: false, request_id, span, _held: held }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        // What is ready still goes out, such as the news that the server stops.
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        ready!(self.drained.as_mut().poll(cx));
        self.is_over = true;
        let mut trailers = HeaderMap::new();
        status::shutting_down().add_header(&mut trailers)?;
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }
}

impl http_body::Body for UntilDrained {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let (request_id, span) = (self.request_id.clone(), self.span.clone());
        span.in_scope(|| request_id::within(&request_id, || self.poll(cx)))
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.body.is_end_stream()
    }
}
