//! The RPCs as callers see them, on both backends, through the wiring of production.

mod log_in;
mod register;
mod verify_email;
