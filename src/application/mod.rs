//! What Ipse does: one use case for each RPC, the ports they need, and their errors.

pub mod error;
pub mod ports;
