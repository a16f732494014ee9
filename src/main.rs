//! Parses the command line and runs it.

use std::env;
use std::process::ExitCode;

use clap::Parser as _;
use ipse::composition::{self, StartError};
use ipse::config::{DatabaseSettings, Endpoint, InvalidSetting, LoadOptions, LogSettings, Settings, Source};
use ipse::domain::account::email::EmailAddress;
use ipse::domain::secret::Secret;
use ipse::presentation::cli::users::{self, ExportArgs, ImportArgs, Remote, Server, TransferFailed, UsersAction};
use ipse::presentation::cli::{
    self, AdminAction, Cli, Command, ConfigAction, JobsAction, KeysAction, KeysLeft, MAX_LISTED_JOBS, MigrateAction,
    NoDeadJob, Origin, Progress, Unhealthy, Unusable,
};
use ipse::telemetry;
use tokio::runtime::{Builder, Runtime};

/// File access and SQLite run on blocking threads; more of them than this would only wait for the disk.
const MAX_BLOCKING_THREADS: usize = 16;

/// The variable with the access token of `ipse users`, which is no setting.
const TOKEN: &str = "IPSE_TOKEN";

/// Why the command failed. A wrong command line never gets here.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Setting(#[from] InvalidSetting),
    #[error(transparent)]
    Start(StartError),
    #[error(transparent)]
    Unhealthy(#[from] Unhealthy),
    #[error(transparent)]
    Unusable(#[from] Unusable),
    #[error(transparent)]
    KeysLeft(#[from] KeysLeft),
    #[error(transparent)]
    NoDeadJob(#[from] NoDeadJob),
    #[error(transparent)]
    Transfer(#[from] TransferFailed),
    #[error("no threads can be started")]
    Runtime(#[from] std::io::Error),
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Setting(setting) => Self::Setting(setting),
            error => Self::Start(error),
        }
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            cli::complain(&failure);
            ExitCode::from(if matches!(failure, Failure::Setting(_)) { 2 } else { 1 })
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(origin) => serve(origin),
        Command::Migrate { action: None, origin } => migrate(origin),
        Command::Migrate { action: Some(MigrateAction::Status), origin } => migration_status(origin),
        Command::Config { action: ConfigAction::Check(origin) } => check(origin),
        Command::Admin { action: AdminAction::Create { email, origin } } => create_administrator(email, origin),
        Command::Keys { action } => keys(&action),
        Command::Jobs { action } => jobs(&action),
        Command::Users { action } => users(&action),
        Command::Healthcheck { address, origin } => {
            let mut endpoint = Endpoint::read(&gather(origin)?)?;
            endpoint.address = address.unwrap_or(endpoint.address);
            runtime()?.block_on(cli::healthcheck(&endpoint))?;
            cli::print(&["serving".to_owned()]);
            Ok(())
        }
        Command::Completions { shell } => {
            cli::completions(shell);
            Ok(())
        }
    }
}

fn serve(origin: Origin) -> Result<(), Failure> {
    let settings = Settings::read(&gather(origin)?)?;
    telemetry::init(&settings.log);
    for warning in settings.warnings() {
        tracing::warn!("{warning}");
    }
    Ok(runtime()?.block_on(composition::serve(settings))?)
}

fn create_administrator(email: EmailAddress, origin: Origin) -> Result<(), Failure> {
    let source = gather(origin)?;
    let settings = Settings::read(&source)?;
    telemetry::init(&settings.log);
    let appointment = runtime()?.block_on(composition::appoint_administrator(&settings, email))?;
    cli::print(&cli::appointment(&appointment, &settings.listener.endpoint)?);
    Ok(())
}

fn keys(action: &KeysAction) -> Result<(), Failure> {
    let (KeysAction::List(origin) | KeysAction::Rotate { origin, .. } | KeysAction::Rewrap(origin)) = action;
    let settings = Settings::read(&gather(origin.clone())?)?;
    telemetry::init(&settings.log);
    let said = runtime()?.block_on(async {
        Ok::<_, Failure>(match action {
            KeysAction::List(_) => cli::key_table(&composition::keys::list(&settings).await?),
            KeysAction::Rotate { algorithm, .. } => {
                cli::new_key(&composition::keys::rotate(&settings, *algorithm).await?)
            }
            KeysAction::Rewrap(_) => {
                let mut progress = Progress::begin(None, 0);
                let tables = composition::keys::rewrap(&settings, &mut |rows| progress.advance(rows, 0)).await?;
                progress.end();
                cli::rewrapped(&tables)?
            }
        })
    })?;
    cli::print(&said);
    Ok(())
}

fn jobs(action: &JobsAction) -> Result<(), Failure> {
    let (JobsAction::List { origin, .. } | JobsAction::Retry { origin, .. }) = action;
    let settings = Settings::read(&gather(origin.clone())?)?;
    telemetry::init(&settings.log);
    let said = runtime()?.block_on(async {
        Ok::<_, Failure>(match action {
            JobsAction::List { dead, .. } => {
                cli::job_table(&composition::jobs::list(&settings, *dead, MAX_LISTED_JOBS + 1).await?)
            }
            JobsAction::Retry { which, .. } => cli::retried_jobs(match which.id {
                Some(id) if composition::jobs::retry(&settings, id).await? => 1,
                Some(_) => return Err(NoDeadJob.into()),
                None => composition::jobs::retry_all(&settings).await?,
            }),
        })
    })?;
    cli::print(&said);
    Ok(())
}

fn migrate(origin: Origin) -> Result<(), Failure> {
    let settings = database(origin)?;
    let applied = runtime()?.block_on(composition::migrate(&settings))?;
    cli::print(&applied.iter().map(|name| format!("applied {name}")).collect::<Vec<_>>());
    Ok(())
}

fn migration_status(origin: Origin) -> Result<(), Failure> {
    let settings = database(origin)?;
    let status = runtime()?.block_on(composition::migration_status(&settings))?;
    let applied = status.applied.iter().map(|name| format!("applied {name}"));
    let pending = status.pending.iter().map(|name| format!("pending {name}"));
    cli::print(&applied.chain(pending).collect::<Vec<_>>());
    Ok(())
}

fn check(origin: Origin) -> Result<(), Failure> {
    let settings = Settings::read(&gather(origin)?)?;
    cli::print(&settings.warnings().iter().map(|warning| format!("warning: {warning}")).collect::<Vec<_>>());
    cli::print(&["the settings are valid".to_owned()]);
    Ok(())
}

fn users(action: &UsersAction) -> Result<(), Failure> {
    let (UsersAction::Import(ImportArgs { remote, .. }) | UsersAction::Export(ExportArgs { remote, .. })) = action;
    let token = env::var(TOKEN).ok().map(Secret::new);
    let server = match &remote.server {
        Some(url) => Server::Url(url.clone()),
        None => Server::Settings(Endpoint::read(&gather(remote.origin.clone())?)?),
    };
    let remote = Remote::new(server, remote.token_file.as_deref(), token)?;
    let said = runtime()?.block_on(async {
        match action {
            UsersAction::Import(arguments) => users::import(arguments, &remote).await,
            UsersAction::Export(arguments) => users::export(arguments, &remote).await,
        }
    });
    cli::print(&said?);
    Ok(())
}

fn database(origin: Origin) -> Result<DatabaseSettings, InvalidSetting> {
    let source = gather(origin)?;
    let settings = DatabaseSettings::read(&source)?;
    telemetry::init(&LogSettings::read(&source)?);
    Ok(settings)
}

fn gather(origin: Origin) -> Result<Source, InvalidSetting> {
    let environment = env::vars_os().filter(|(name, _)| name != TOKEN).collect();
    Source::gather(LoadOptions { config_file: origin.config, dev: origin.dev, environment })
}

/// One worker for each CPU that the control group grants, which is what tokio counts.
fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().max_blocking_threads(MAX_BLOCKING_THREADS).enable_all().build()
}
