//! Requests to the side port as bytes, for what an HTTP library would never send.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An answer as it came, but for the time of day.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    /// By names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl HttpAnswer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// The answer to GET.
pub(crate) async fn get(from: SocketAddr, path: &str) -> HttpAnswer {
    ask(from, &format!("GET {path}"), &[]).await
}

/// The answer to a method and a target, with these lines in the head.
pub(crate) async fn ask(whom: SocketAddr, method_and_target: &str, head: &[&str]) -> HttpAnswer {
    let request = format!("{method_and_target} HTTP/1.1");
    let lines = [&[&request, "host: localhost"], head, &["", ""]].concat();
    let answer = send(whom, lines.join("\r\n").as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    let headers = headers.filter(|(name, _)| !name.eq_ignore_ascii_case("date"));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    HttpAnswer { status, headers, body: body.to_owned() }
}

/// All that comes back for these bytes until the server closes the connection.
pub(crate) async fn send(whom: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(whom).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A server that refused a request before it was whole resets the connection after its answer.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}
