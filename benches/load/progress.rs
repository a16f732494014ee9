//! What is going on, for whoever waits: on standard error, so that standard output has results alone.

use std::io::{self, Write as _};

/// Says it in a line.
pub(crate) fn say(what: &str) {
    // Nobody has to be able to read it.
    let _ = writeln!(io::stderr(), "  {what}");
}
