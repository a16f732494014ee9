//! What every call passes before its service, from the outside in: metrics, request id, limits, deadline, access policy.

mod body;
mod content_type;
pub(super) mod deadline;
pub(super) mod gate;
pub mod policy;
pub(super) mod request_id;
pub(super) mod room;
pub(super) mod rpc_metrics;
mod trace_context;
