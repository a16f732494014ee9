//! What operators see of the running service: the log, the metrics and the traces.

pub mod log;
pub mod metrics;
pub mod traces;
