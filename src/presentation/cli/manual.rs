//! What shells and `man` know of the command line.

use std::io::{self, Write as _};
use std::path::Path;

use clap_complete::Shell;

/// Prints the completions for a shell.
pub fn completions(shell: Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::command(String::new()), "ipse", &mut script);
    let _ = io::stdout().write_all(&script);
}

/// Writes a manual page for each command into a folder. `settings` is what the page of `ipse config` says of them.
pub fn manual(folder: &Path, settings: String) -> io::Result<()> {
    clap_mangen::generate_to(super::command(settings).disable_help_subcommand(true), folder)
}
