//! Whose access tokens are good, and what their bearers may do.

mod authorize_request;
pub mod authorizer;
pub mod caller;
pub mod feed;
pub(super) mod last_administrator;
pub(super) mod source;

pub use authorize_request::{AuthorizeRequest, Authorized};
pub use authorizer::Authorizer;
pub use source::Held;
