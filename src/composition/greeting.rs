//! What the server says when it is ready.

use std::io::{self, Write as _};
use std::net::SocketAddr;

use crate::config::Settings;

/// Says where the server is; with `--dev` also how to talk to it.
pub(super) fn write(settings: &Settings, address: SocketAddr) {
    let tls = settings.listener.endpoint.tls.is_some();
    tracing::info!(%address, tls, version = env!("CARGO_PKG_VERSION"), "serving");
    if settings.dev.is_some() {
        let flag = if tls { "-insecure" } else { "-plaintext" };
        // On standard output, where no log line's head gets into what is copied; a closed one is not an error.
        let _ = writeln!(io::stdout(), "\nTry it, with grpcurl:\n\n{}", examples(flag, address));
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
