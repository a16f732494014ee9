//! The audit trail: what it tells of, that it stays, and how it is read.

mod changes;
mod keeping;
mod lists;
mod refusals;
mod runtime_role;
mod sign_ins;
mod watch;
