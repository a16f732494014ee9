//! Reads the command line and runs it.

use std::process::ExitCode;

use ipse::presentation::cli;
use ipse::{composition, config};

fn main() -> ExitCode {
    let command = cli::parse(config::reference()).command;
    match composition::commands::run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            cli::complain(&failed);
            ExitCode::from(failed.exit_code())
        }
    }
}
