//! Streams of responses: who makes them, and how they end.

pub(super) mod producer;
pub(super) mod until_drained;
