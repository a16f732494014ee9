//! Whose access tokens are good, and what their bearers may do.

pub mod authorizer;
pub mod feed;
pub(super) mod rights;
