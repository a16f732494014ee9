//! The RPCs as callers see them, on both backends, through the wiring of production.

mod attacks;
mod caller;
mod change_password;
mod errors;
mod fields;
mod get_me;
mod health;
mod hostile;
mod keys;
mod limits;
mod log_in;
mod log_out;
mod mail;
mod purge;
mod refresh;
mod register;
mod reset;
mod secrets;
mod session_model;
mod sessions;
mod shutdown;
mod throttle;
mod uniform;
mod verify_email;
