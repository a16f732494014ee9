//! Calls as bytes, for what a generated client would never send and for what it does not show.

use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};
use h2::client;
use http::{HeaderMap, Request, StatusCode, Uri};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tonic::Status;

/// An answer as it came, but for the time of day.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) http_status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: HeaderMap,
}

/// What to send.
pub(crate) struct Call<'c> {
    pub(crate) path: &'c str,
    pub(crate) headers: &'c [(&'c str, &'c [u8])],
    /// The body with its frame.
    pub(crate) body: Bytes,
}

impl<'c> Call<'c> {
    /// A call with one message.
    pub(crate) fn new(path: &'c str, message: &[u8]) -> Self {
        Self { path, headers: &[], body: framed(message) }
    }

    pub(crate) fn with(self, headers: &'c [(&'c str, &'c [u8])]) -> Self {
        Self { headers, ..self }
    }

    /// Sends it over a connection of its own.
    pub(crate) async fn send(self, to: SocketAddr) -> Result<Answer, h2::Error> {
        Connection::open(TcpStream::connect(to).await.unwrap()).await.send(self).await
    }
}

/// A connection for several calls.
pub(crate) struct Connection(client::SendRequest<Bytes>);

impl Connection {
    /// Opens one over a stream.
    pub(crate) async fn open(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let (sender, connection) = client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    /// How many calls the server takes on this connection at a time, once it has said so.
    pub(crate) fn most_calls_at_a_time(&self) -> usize {
        self.0.current_max_send_streams()
    }

    /// Sends a call and waits for the whole answer.
    pub(crate) async fn send(&mut self, call: Call<'_>) -> Result<Answer, h2::Error> {
        let uri = Uri::builder().scheme("http").authority("localhost").path_and_query(call.path).build().unwrap();
        let mut request = Request::post(uri).header("te", "trailers");
        if call.headers.iter().all(|(name, _)| *name != "content-type") {
            request = request.header("content-type", "application/grpc");
        }
        for (name, value) in call.headers {
            request = request.header(*name, *value);
        }
        let mut sender = self.0.clone().ready().await?;
        let (response, mut body) = sender.send_request(request.body(()).unwrap(), false)?;
        // A server that has refused the call already may have closed the stream.
        let _ = body.send_data(call.body, true);
        let (head, mut rest) = response.await?.into_parts();
        let mut answer = BytesMut::new();
        while let Some(chunk) = rest.data().await {
            let chunk = chunk?;
            rest.flow_control().release_capacity(chunk.len())?;
            answer.extend_from_slice(&chunk);
        }
        let trailers = rest.trailers().await?.unwrap_or_default();
        let mut headers = head.headers;
        headers.remove("date");
        Ok(Answer { http_status: head.status, headers, body: answer.freeze(), trailers })
    }
}

impl Answer {
    /// The outcome of the call.
    pub(crate) fn status(&self) -> Status {
        Status::from_header_map(&self.trailers)
            .or_else(|| Status::from_header_map(&self.headers))
            .expect("every answer has a status")
    }

    /// The outcome as clients of the generated kind see it.
    pub(crate) fn result(&self) -> Result<(), Status> {
        let status = self.status();
        if status.code() == tonic::Code::Ok { Ok(()) } else { Err(status) }
    }
}

/// A message with the five bytes in front of it: not compressed, and its length.
pub(crate) fn framed(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(message.len() + 5);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap());
    framed.put_slice(message);
    framed.freeze()
}
