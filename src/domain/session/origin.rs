//! Where a call comes from.

use super::client::Client;

/// Where a call comes from, and the ids under which logs and traces know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The client program.
    pub client: Client,
    /// The id of the request: at most 64 plain characters.
    pub request_id: String,
    /// The id of the trace that the call is part of (W3C Trace Context): 32 hexadecimal digits, or empty.
    pub trace_id: String,
}
