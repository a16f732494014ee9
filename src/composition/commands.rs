//! The commands of the binary: the settings that each needs, what it does, and what it prints.

use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::runtime::{Builder, Runtime};

use super::{StartError, appoint_administrator, factors, jobs, keys, migrate, migration_status, serve};
use crate::application::ports::Clock as _;
use crate::config::{self, CommandLine, InvalidSetting, LoadOptions, Settings, Source};
use crate::domain::account::email::EmailAddress;
use crate::infrastructure::store::backup::{self, Backup, BackupError};
use crate::infrastructure::system::SystemClock;
use crate::presentation::cli::users::{self, ExportArgs, ImportArgs, Remote, TransferFailed, UsersAction};
use crate::presentation::cli::{
    self, AdminAction, Command, ConfigAction, FactorsAction, JobsAction, KeysAction, KeysLeft, MAX_LISTED_JOBS,
    MigrateAction, NoDeadJob, NoFactors, Origin, Progress, Server, ServerArgs, Unhealthy, Unusable,
};
use crate::telemetry;
use crate::telemetry::traces::Recorder;

/// File access and SQLite run on blocking threads; more of them than this would only wait for the disk.
const MAX_BLOCKING_THREADS: usize = 16;

/// Why a command failed. A wrong command line never gets here.
#[derive(Debug, thiserror::Error)]
pub enum CommandFailed {
    /// A setting is wrong.
    #[error(transparent)]
    Setting(#[from] InvalidSetting),
    /// The service does not start.
    #[error(transparent)]
    Start(StartError),
    /// The server does not serve.
    #[error(transparent)]
    Unhealthy(#[from] Unhealthy),
    /// The account cannot become an administrator's.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// Not everything is sealed under the current master key.
    #[error(transparent)]
    KeysLeft(#[from] KeysLeft),
    /// There is no such job.
    #[error(transparent)]
    NoDeadJob(#[from] NoDeadJob),
    /// There is no such person, or nothing to remove.
    #[error(transparent)]
    NoFactors(#[from] NoFactors),
    /// There is no backup.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The manual pages cannot be written.
    #[error("{0} cannot be written to")]
    Manual(PathBuf, #[source] std::io::Error),
    /// An import or export broke off.
    #[error(transparent)]
    Transfer(#[from] TransferFailed),
    /// The system gave no threads.
    #[error("no threads can be started")]
    Runtime(#[from] std::io::Error),
}

impl CommandFailed {
    /// The exit code of the process: 2 if the operator's settings are at fault, as for a wrong command line.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        if matches!(self, Self::Setting(_)) { 2 } else { 1 }
    }
}

impl From<StartError> for CommandFailed {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Setting(setting) => Self::Setting(setting),
            error => Self::Start(error),
        }
    }
}

/// Runs a command to its end.
pub fn run(command: Command) -> Result<(), CommandFailed> {
    match command {
        Command::Serve(origin) => run_serve(origin),
        Command::Migrate { action: None, origin } => run_migrate(origin),
        Command::Migrate { action: Some(MigrateAction::Status), origin } => run_migrate_status(origin),
        Command::Backup { file, origin } => run_backup(&file, origin),
        Command::Config { action: ConfigAction::Check(origin) } => run_config_check(origin),
        Command::Admin { action: AdminAction::Create { email, origin } } => run_admin_create(email, origin),
        Command::Keys { action } => run_keys(&action),
        Command::Jobs { action } => run_jobs(&action),
        Command::Factors { action } => run_factors(&action),
        Command::Users { action } => run_users(&action),
        Command::Healthcheck { address, server } => run_healthcheck(address, &server),
        Command::Completions { shell } => {
            cli::completions(shell);
            Ok(())
        }
        Command::Man { folder } => {
            cli::manual(&folder, config::reference()).map_err(|error| CommandFailed::Manual(folder, error))
        }
    }
}

fn run_serve(origin: Origin) -> Result<(), CommandFailed> {
    let settings = Settings::read(&gather(origin)?)?;
    let recorder = settings.traces.as_ref().map(|traces| Recorder::new(traces, || SystemClock.now()));
    telemetry::log::init(&settings.log, recorder);
    for warning in settings.warnings(SystemClock.now()) {
        tracing::warn!("{warning}");
    }
    Ok(runtime()?.block_on(serve(settings))?)
}

fn run_migrate(origin: Origin) -> Result<(), CommandFailed> {
    let source = gather(origin)?;
    let (database, folder) = (config::database::read(&source)?, config::data_folder::read(&source)?);
    telemetry::log::init(&config::log::read(&source)?, None);
    let applied = runtime()?.block_on(migrate(&database, folder.as_ref()))?;
    cli::print(&applied.iter().map(|name| format!("applied {name}")).collect::<Vec<_>>());
    Ok(())
}

fn run_migrate_status(origin: Origin) -> Result<(), CommandFailed> {
    let source = gather(origin)?;
    let database = config::database::read(&source)?;
    telemetry::log::init(&config::log::read(&source)?, None);
    let status = runtime()?.block_on(migration_status(&database))?;
    let applied = status.applied.iter().map(|name| format!("applied {name}"));
    let pending = status.pending.iter().map(|name| format!("pending {name}"));
    cli::print(&applied.chain(pending).collect::<Vec<_>>());
    Ok(())
}

fn run_backup(file: &Path, origin: Origin) -> Result<(), CommandFailed> {
    let source = gather(origin)?;
    let database = config::database::read(&source)?;
    telemetry::log::init(&config::log::read(&source)?, None);
    let Backup { database_size, backup_size } = runtime()?.block_on(backup::run(&database, file))?;
    cli::print(&cli::backed_up(file, database_size, backup_size));
    Ok(())
}

fn run_config_check(origin: Origin) -> Result<(), CommandFailed> {
    let settings = Settings::read(&gather(origin)?)?;
    cli::print(
        &settings.warnings(SystemClock.now()).iter().map(|warning| format!("warning: {warning}")).collect::<Vec<_>>(),
    );
    cli::print(&["the settings are valid".to_owned()]);
    Ok(())
}

fn run_admin_create(email: EmailAddress, origin: Origin) -> Result<(), CommandFailed> {
    let settings = settings(origin)?;
    let appointment = runtime()?.block_on(appoint_administrator(&settings, email))?;
    cli::print(&cli::appointment(&appointment, &settings.listener.endpoint)?);
    Ok(())
}

fn run_keys(action: &KeysAction) -> Result<(), CommandFailed> {
    let (KeysAction::List(origin)
    | KeysAction::Rotate { origin, .. }
    | KeysAction::RotateRoot(origin)
    | KeysAction::Rewrap(origin)) = action;
    let settings = settings(origin.clone())?;
    let said = runtime()?.block_on(async {
        Ok::<_, CommandFailed>(match action {
            KeysAction::List(_) => cli::key_table(&keys::list(&settings).await?),
            KeysAction::Rotate { algorithm, .. } => cli::new_key(&keys::rotate(&settings, *algorithm).await?),
            KeysAction::RotateRoot(_) => cli::new_root_secret(keys::rotate_root(&settings).await?),
            KeysAction::Rewrap(_) => {
                let mut progress = Progress::begin(None, 0);
                let tables = keys::rewrap(&settings, &mut |rows| progress.advance(rows, 0)).await?;
                progress.end();
                cli::rewrapped(&tables)?
            }
        })
    })?;
    cli::print(&said);
    Ok(())
}

fn run_jobs(action: &JobsAction) -> Result<(), CommandFailed> {
    let (JobsAction::List { origin, .. } | JobsAction::Retry { origin, .. }) = action;
    let settings = settings(origin.clone())?;
    let said = runtime()?.block_on(async {
        Ok::<_, CommandFailed>(match action {
            JobsAction::List { dead, .. } => cli::job_table(&jobs::list(&settings, *dead, MAX_LISTED_JOBS + 1).await?),
            JobsAction::Retry { which, .. } => cli::retried_jobs(match which.id {
                Some(id) if jobs::retry(&settings, id).await? => 1,
                Some(_) => return Err(NoDeadJob.into()),
                None => jobs::retry_all(&settings).await?,
            }),
        })
    })?;
    cli::print(&said);
    Ok(())
}

fn run_factors(action: &FactorsAction) -> Result<(), CommandFailed> {
    let (FactorsAction::List { who, origin } | FactorsAction::Reset { who, origin, .. }) = action;
    let (settings, whom) = (settings(origin.clone())?, who.whom());
    let said = runtime()?.block_on(async {
        Ok::<_, CommandFailed>(match action {
            FactorsAction::List { .. } => cli::factor_table(factors::list(&settings, &whom).await?.as_ref())?,
            FactorsAction::Reset { reason, now, .. } => {
                cli::removal(factors::reset(&settings, &whom, reason, *now).await?)?
            }
        })
    })?;
    cli::print(&said);
    Ok(())
}

fn run_healthcheck(address: Option<SocketAddr>, arguments: &ServerArgs) -> Result<(), CommandFailed> {
    let (server, client) = server(arguments, address)?;
    runtime()?.block_on(cli::healthcheck(&server, &client.files))?;
    cli::print(&["serving".to_owned()]);
    Ok(())
}

fn run_users(action: &UsersAction) -> Result<(), CommandFailed> {
    let (UsersAction::Import(ImportArgs { remote, .. }) | UsersAction::Export(ExportArgs { remote, .. })) = action;
    let (server, client) = server(&remote.server, None)?;
    let remote = Remote::new((server, client.files), remote.token_file.as_deref(), client.token)?;
    let said = runtime()?.block_on(async {
        match action {
            UsersAction::Import(arguments) => users::import(arguments, &remote, SystemClock.now()).await,
            UsersAction::Export(arguments) => users::export(arguments, &remote).await,
        }
    });
    cli::print(&said?);
    Ok(())
}

/// All settings, by which logging begins.
fn settings(origin: Origin) -> Result<Settings, InvalidSetting> {
    let settings = Settings::read(&gather(origin)?)?;
    telemetry::log::init(&settings.log, None);
    Ok(settings)
}

/// Which server, and what it is shown.
fn server(arguments: &ServerArgs, address: Option<SocketAddr>) -> Result<(Server, CommandLine), InvalidSetting> {
    let source = gather(arguments.origin.clone())?;
    let mut client = config::command_line::read(&source)?;
    client.files = arguments.files_over(client.files);
    if let Some(url) = &arguments.server {
        return Ok((Server::Url(url.clone()), client));
    }
    let mut endpoint = config::listener::read_endpoint(&source)?;
    endpoint.address = address.unwrap_or(endpoint.address);
    Ok((Server::Settings(endpoint), client))
}

fn gather(origin: Origin) -> Result<Source, InvalidSetting> {
    Source::gather(LoadOptions { config_file: origin.config, dev: origin.dev, environment: env::vars_os().collect() })
}

/// One worker for each CPU that the control group grants, which is what tokio counts.
fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().max_blocking_threads(MAX_BLOCKING_THREADS).enable_all().build()
}
