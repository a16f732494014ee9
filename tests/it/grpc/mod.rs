//! The RPCs as callers see them, on both backends, through the wiring of production.

mod attacks;
mod caller;
mod change_password;
mod errors;
mod get_me;
mod health;
mod keys;
mod log_in;
mod log_out;
mod refresh;
mod register;
mod reset;
mod sessions;
mod shutdown;
mod throttle;
mod verify_email;
