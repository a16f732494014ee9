//! Rows as exports write them.

mod json_factor;
mod json_writer;

pub(super) use self::json_writer::write;
