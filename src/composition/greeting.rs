//! What the server says when it is ready.

use std::io::{self, Write as _};
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::config::Settings;
use crate::presentation::http::KEY_SET;

/// Where the server is, with the ports that a setting of 0 left open.
pub(super) struct Addresses {
    grpc: SocketAddr,
    side_port: Option<SocketAddr>,
}

impl Addresses {
    /// The addresses of these listeners.
    pub(super) fn of(grpc: &TcpListener, side_port: Option<&TcpListener>) -> io::Result<Self> {
        Ok(Self { grpc: grpc.local_addr()?, side_port: side_port.map(TcpListener::local_addr).transpose()? })
    }
}

/// Says where the server is; with `--dev` also how to talk to it.
pub(super) fn write(settings: &Settings, addresses: &Addresses) {
    let tls = settings.listener.endpoint.tls.is_some();
    if let Some(address) = addresses.side_port {
        tracing::info!(%address, "serving the HTTP side port");
    }
    tracing::info!(address = %addresses.grpc, tls, version = env!("CARGO_PKG_VERSION"), "serving");
    if settings.dev.is_some() {
        let flag = if tls { "-insecure" } else { "-plaintext" };
        // On standard output, where no log line's head gets into what is copied; a closed one is not an error.
        let _ = writeln!(io::stdout(), "\nTry it, with grpcurl:\n\n{}", examples(flag, addresses.grpc));
        if let Some(address) = addresses.side_port {
            let _ = writeln!(io::stdout(), "Public keys, for verifiers:\n\n  curl http://{address}{KEY_SET}\n");
        }
    }
}

fn examples(flag: &str, address: SocketAddr) -> String {
    let call = |data: &str, method: &str| format!("  grpcurl {flag} -d '{data}' {address} ipse.v1.{method}\n");
    let sign_up = r#"{"email": "ada@example.com", "password": "correct horse battery"}"#;
    let sign_in = r#"{"identifier": "ada@example.com", "password": "correct horse battery"}"#;
    [
        call(sign_up, "AuthService/Register"),
        call(sign_in, "AuthService/Login"),
        format!("  grpcurl {flag} -H \"authorization: Bearer $ACCESS_TOKEN\" {address} ipse.v1.AccountService/GetMe\n"),
    ]
    .concat()
}
