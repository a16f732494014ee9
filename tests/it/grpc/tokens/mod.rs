//! What other services learn about access tokens, and how soon.

mod freshness;
mod introspection;
mod revocation;
mod watch;
mod watch_random;
