//! What the outside speaks to.

pub mod cli;
