//! Filters and orders of lists (AIP-160, AIP-132).

pub mod filter;
pub mod user_filter;
pub mod user_order;
