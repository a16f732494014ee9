//! The command line: what can be asked of the binary `ipse`, and how it answers.

mod admin;
mod backup;
mod connect;
mod factors;
mod healthcheck;
mod jobs;
mod keys;
mod manual;
mod progress;
mod server_args;
pub mod users;

use std::error::Error;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub use self::admin::{Unusable, appointment};
pub use self::backup::backed_up;
pub use self::connect::Server;
pub use self::factors::{FactorsAction, NoFactors, factor_table, removal};
pub use self::healthcheck::{Unhealthy, healthcheck};
pub use self::jobs::{JobsAction, MAX_LISTED_JOBS, NoDeadJob, job_table, retried_jobs};
pub use self::keys::{KeysAction, KeysLeft, key_table, new_key, new_root_secret, rewrapped};
pub use self::manual::{completions, manual};
pub use self::progress::Progress;
pub use self::server_args::ServerArgs;
use crate::application::causes::Causes;
use crate::domain::account::email::EmailAddress;

/// A self-hosted gRPC identity service: accounts, sessions and tokens.
#[derive(Debug, Parser)]
#[command(name = "ipse", version, propagate_version = false)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve until told to stop
    Serve(Origin),
    /// Bring the database to the newest schema, or tell what would be done
    Migrate {
        /// Only tell which migrations are applied and which are pending
        action: Option<MigrateAction>,
        #[command(flatten)]
        #[expect(missing_docs, reason = "the doc comment would become the help of the whole command")]
        origin: Origin,
    },
    /// Copy a SQLite database into a new file, also while a server uses it, on the machine of the server
    Backup {
        /// The new file; nothing that exists is replaced
        file: PathBuf,
        #[command(flatten)]
        #[expect(missing_docs, reason = "the doc comment would become the help of the whole command")]
        origin: Origin,
    },
    /// Check the settings; the help of this command lists all of them
    Config {
        /// What to do with them.
        #[command(subcommand)]
        action: ConfigAction,
    },
    /// Make administrators, on the machine of the server
    Admin {
        /// What to do with them.
        #[command(subcommand)]
        action: AdminAction,
    },
    /// Look at the signing keys, rotate them, and change the master key, on the machine of the server
    Keys {
        /// What to do with them.
        #[command(subcommand)]
        action: KeysAction,
    },
    /// Look at work that waits, such as mail, and try again what was given up, on the machine of the server
    Jobs {
        /// What to do with them.
        #[command(subcommand)]
        action: JobsAction,
    },
    /// Look at somebody's second factors, and remove those of who has lost them, on the machine of the server
    Factors {
        /// What to do with them.
        #[command(subcommand)]
        action: FactorsAction,
    },
    /// Bring people in and take them out, through a running server
    Users {
        /// What to do with them.
        #[command(subcommand)]
        action: users::UsersAction,
    },
    /// Ask a running server whether it serves: exit code 0 if it does, 1 if not
    Healthcheck {
        /// The server, instead of the address in the settings
        #[arg(long, value_name = "IP:PORT", conflicts_with = "server")]
        address: Option<SocketAddr>,
        #[command(flatten)]
        #[expect(missing_docs, reason = "the doc comment would become the help of the whole command")]
        server: ServerArgs,
    },
    /// Print the completions for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Write the manual pages, for `man`
    Man {
        /// The folder to write them to, which exists
        folder: PathBuf,
    },
}

/// Where the settings come from.
#[derive(Debug, Clone, Args)]
pub struct Origin {
    /// The file with settings; otherwise ipse.toml in the working directory, if there is one
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Try it out: data in ./ipse-dev, mail to files, plaintext on a loopback address; not for production
    #[arg(long)]
    pub dev: bool,
}

/// What `ipse migrate` may do instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MigrateAction {
    /// Change nothing.
    Status,
}

/// What `ipse admin` does.
#[derive(Debug, Subcommand)]
pub enum AdminAction {
    /// Make an account an administrator; without one, make it and print an invitation to set its password
    Create {
        /// The e-mail address of the account
        #[arg(long, value_parser = EmailAddress::parse)]
        email: EmailAddress,
        #[command(flatten)]
        #[expect(missing_docs, reason = "the doc comment would become the help of the whole command")]
        origin: Origin,
    },
}

/// What `ipse config` does.
#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Check all settings as a start would, without starting
    Check(Origin),
}

/// Reads the command line. A wrong one ends the process, as does a request for help. `settings` is what `ipse config --help`
/// says about the settings.
#[must_use]
pub fn parse(settings: String) -> Cli {
    Cli::from_arg_matches(&command(settings).get_matches()).unwrap_or_else(|error| error.exit())
}

/// The command line as clap knows it.
pub fn command(settings: String) -> clap::Command {
    Cli::command().mut_subcommand("config", |config| config.after_help(settings))
}

/// Prints lines on standard output. A reader that has gone is not an error.
pub fn print(lines: &[String]) {
    let mut output = io::stdout().lock();
    for line in lines {
        let _ = writeln!(output, "{line}");
    }
}

/// Tells something beside what is printed, on standard error.
fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints an error and its causes as one line on standard error.
pub fn complain(error: &(dyn Error + 'static)) {
    tell(&format!("ipse: {}", one_line(error)));
}

fn one_line(error: &(dyn Error + 'static)) -> String {
    Causes(error).to_string().replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_stand_before_and_after_the_action() {
        for words in [["ipse", "migrate", "status", "--dev"], ["ipse", "migrate", "--dev", "status"]] {
            let Command::Migrate { action, origin } = Cli::try_parse_from(words).unwrap().command else {
                panic!("not a migration");
            };
            assert!(action == Some(MigrateAction::Status) && origin.dev);
        }
    }

    #[test]
    fn an_error_is_one_line_with_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot serve")]
        struct Outer(#[source] io::Error);

        let error = Outer(io::Error::other("in\nuse"));
        assert_eq!(one_line(&error), "cannot serve: in use");
    }
}
