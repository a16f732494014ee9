//! The HTTP side port of the whole service.

mod documents;
mod metrics;
mod requests;
