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

/// A call whose answer is read only when the test says so.
pub(crate) struct Unread {
    response: Option<client::ResponseFuture>,
    requests: h2::SendStream<Bytes>,
    body: Option<h2::RecvStream>,
    head: HeaderMap,
}

impl Unread {
    /// Begins a call with one message on a connection of its own, on which the server may send so many bytes unasked.
    pub(crate) async fn begin(to: SocketAddr, path: &str, token: &str, sent: (&impl prost::Message, u32)) -> Self {
        let mut call = Self::begin_stream(to, path, token, sent).await;
        call.requests.send_data(Bytes::new(), true).unwrap();
        call
    }

    /// As `begin`, for a call with several messages.
    pub(crate) async fn begin_stream(
        to: SocketAddr,
        path: &str,
        token: &str,
        (message, window): (&impl prost::Message, u32),
    ) -> Self {
        let stream = TcpStream::connect(to).await.unwrap();
        let (sender, connection) =
            client::Builder::new().initial_window_size(window).handshake::<_, Bytes>(stream).await.unwrap();
        tokio::spawn(connection);
        let uri = Uri::builder().scheme("http").authority("localhost").path_and_query(path).build().unwrap();
        let request = Request::post(uri)
            .header("te", "trailers")
            .header("content-type", "application/grpc")
            .header("authorization", format!("Bearer {token}"));
        let mut sender = sender.ready().await.unwrap();
        let (response, mut requests) = sender.send_request(request.body(()).unwrap(), false).unwrap();
        requests.send_data(framed(&message.encode_to_vec()), false).unwrap();
        Self { response: Some(response), requests, body: None, head: HeaderMap::new() }
    }

    /// Sends another message.
    pub(crate) async fn send(&mut self, message: &impl prost::Message) {
        let mut rest = framed(&message.encode_to_vec());
        while !rest.is_empty() {
            self.requests.reserve_capacity(rest.len());
            let room = std::future::poll_fn(|cx| self.requests.poll_capacity(cx)).await.unwrap().unwrap();
            self.requests.send_data(rest.split_to(room.min(rest.len())), false).unwrap();
        }
    }

    /// Waits until the server has begun to answer.
    pub(crate) async fn begun(&mut self) {
        let (head, body) = self.response.take().unwrap().await.unwrap().into_parts();
        self.head = head.headers;
        self.body = Some(body);
    }

    /// Waits for the first bytes of the answer, and leaves them unread.
    pub(crate) async fn first_bytes(&mut self) {
        self.begun().await;
        while self.body.as_mut().unwrap().flow_control().used_capacity() == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    /// The outcome, after everything else was read.
    pub(crate) async fn status(self) -> Result<(), Status> {
        self.read_bytes().await.1
    }

    /// All messages, and the outcome.
    pub(crate) async fn read<M: prost::Message + Default>(self) -> (Vec<M>, Result<(), Status>) {
        let (mut bytes, outcome) = self.read_bytes().await;
        let mut messages = Vec::new();
        while bytes.len() >= 5 {
            let head = bytes.split_to(5);
            let length = u32::from_be_bytes(head[1..5].try_into().unwrap()) as usize;
            messages.push(M::decode(bytes.split_to(length)).unwrap());
        }
        (messages, outcome)
    }

    async fn read_bytes(mut self) -> (Bytes, Result<(), Status>) {
        let _ = self.requests.send_data(Bytes::new(), true);
        if let Some(response) = self.response.take() {
            let (head, body) = response.await.unwrap().into_parts();
            (self.head, self.body) = (head.headers, Some(body));
        }
        let mut body = self.body.take().unwrap();
        let mut bytes = BytesMut::new();
        while let Some(chunk) = body.data().await {
            let chunk = chunk.unwrap();
            body.flow_control().release_capacity(chunk.len()).unwrap();
            bytes.extend_from_slice(&chunk);
        }
        let trailers = body.trailers().await.unwrap().unwrap_or_default();
        let status = Status::from_header_map(&trailers).or_else(|| Status::from_header_map(&self.head));
        let status = status.expect("every answer has a status");
        (bytes.freeze(), if status.code() == tonic::Code::Ok { Ok(()) } else { Err(status) })
    }
}
