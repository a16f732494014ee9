use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::postgres::{self, Pooling};
use crate::domain::secret::Secret;

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A SQLite file: `sqlite:PATH`.
    Sqlite(PathBuf),
    /// A PostgreSQL server: the whole URL, as it may hold a password.
    Postgres(Secret),
}

/// The text does not name a database. The error never holds the text, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// Neither of the two kinds.
    #[error("must begin with sqlite: or postgres://")]
    Scheme,
    /// `sqlite:` without a path.
    #[error("must have the path of a file after sqlite:")]
    Path,
    /// Not a URL that the PostgreSQL client understands, or without a host.
    #[error("must be of the form postgres://user:password@host:port/database?options")]
    Postgres,
    /// An option that is known elsewhere.
    #[error("has the option {0}, which is not supported: {1}")]
    Unsupported(&'static str, &'static str),
    /// An option that is not known. Its name stays out, as it may be of a password.
    #[error("has an option that is not supported; there are {0}")]
    Option(String),
    /// A supported option with a value that means nothing.
    #[error("has the option {0} with a value that it does not take")]
    Value(&'static str),
    /// The folder of a socket among other hosts.
    #[error("must have one host if that is the folder of a socket")]
    Socket,
    /// `sqlite:` with something that no path should hold.
    #[error("must have a plain path after sqlite:, {0}")]
    NoPlainPath(&'static str),
}

/// What makes a path something else elsewhere, with what to say of it. A path is taken as it is written, so whatever other
/// programs would read in their own way is refused rather than made into the name of a file.
const NOT_IN_A_PATH: [(&str, &str); 6] = [
    ("?", "without ? and options: how the file is opened is not yours to choose"),
    ("#", "without #"),
    ("%", "without %: characters are written as they are, not encoded"),
    ("$", "without $: variables are not replaced"),
    (":", "without another colon: memory, file: URIs and drives are no files of a service"),
    ("\\", "with / between folders"),
];

/// The path of a SQLite file, which other programs would not read as another one.
fn sqlite_path(path: &str) -> Result<PathBuf, InvalidDatabaseUrl> {
    if path.is_empty() {
        return Err(InvalidDatabaseUrl::Path);
    }
    let mut problem = NOT_IN_A_PATH.iter().find(|(sign, _)| path.contains(sign)).map(|(_, problem)| *problem);
    if path.starts_with("//") {
        problem = Some("as in sqlite:folder/ipse.db or sqlite:/folder/ipse.db: programs differ in what // means");
    } else if path.starts_with('~') {
        problem = Some("without ~: it is not replaced");
    } else if path.ends_with(['/', '.']) && path.rsplit('/').next().is_some_and(|name| ["", ".", ".."].contains(&name))
    {
        problem = Some("which names a file and no folder");
    } else if path.trim() != path || path.contains(char::is_control) {
        problem = Some("without spaces around it and without control characters");
    }
    problem.map_or_else(|| Ok(path.into()), |problem| Err(InvalidDatabaseUrl::NoPlainPath(problem)))
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        match text.split_once(':') {
            Some(("sqlite", path)) => sqlite_path(path).map(Self::Sqlite),
            Some(("postgres" | "postgresql", _)) => {
                let url = Secret::new(text);
                postgres::parse_url(&url).map(|_| Self::Postgres(url))
            }
            _ => Err(InvalidDatabaseUrl::Scheme),
        }
    }
}

impl DatabaseUrl {
    /// Whether what is said to the database, the password among it, can be read on the way.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(url) => postgres::parse_url(url).is_ok_and(|config| postgres::is_exposed(&config)),
        }
    }
}

/// How to reach and use the database.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// Where it is.
    pub url: DatabaseUrl,
    /// The most connections to PostgreSQL, or the most readers of a SQLite file beside its one writer.
    pub max_connections: usize,
    /// What connections to PostgreSQL lead to, if an operator says it: otherwise it is found out.
    pub pooling: Option<Pooling>,
    /// How long to wait for a connection before the store counts as unavailable.
    pub acquire_timeout: Duration,
    /// How long PostgreSQL may work on one statement.
    pub statement_timeout: Duration,
    /// How long PostgreSQL may wait for one lock.
    pub lock_timeout: Duration,
    /// The PostgreSQL role that the service runs as, which migrating grants its rights to, if it is another one.
    pub runtime_role: Option<String>,
    /// The certificates, in PEM, that a PostgreSQL server's certificate must descend from; otherwise those of the
    /// operating system.
    pub tls_ca_file: Option<PathBuf>,
    /// How long the audit trail is kept: migrating tells PostgreSQL, which holds it against the service itself.
    pub audit_retention: time::Duration,
}

impl DatabaseSettings {
    /// The database with the default limits: 16 connections, 5 s for a connection and a statement, 2 s for a lock.
    #[must_use]
    pub fn new(url: DatabaseUrl) -> Self {
        Self {
            url,
            max_connections: 16,
            pooling: None,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(5),
            lock_timeout: Duration::from_secs(2),
            runtime_role: None,
            tls_ca_file: None,
            audit_retention: time::Duration::days(30),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_database_are_recognised() {
        assert_eq!("sqlite:/var/lib/ipse.db".parse(), Ok(DatabaseUrl::Sqlite("/var/lib/ipse.db".into())));
        for path in
            ["ipse.db", "./data/ipse.db", "../ipse.db", "data/übung/my file.db", ".ipse", "a=b&c,d.db", "x..", "a//b"]
        {
            assert_eq!(format!("sqlite:{path}").parse(), Ok(DatabaseUrl::Sqlite(path.into())), "{path}");
        }
        for url in [
            "postgres://ipse@localhost/ipse",
            "postgresql://ipse:pw@a:5432,b:5433/ipse?target_session_attrs=read-write&sslmode=verify-full",
            "postgres://ipse@%2Frun%2Fpostgresql/ipse",
        ] {
            assert_eq!(url.parse(), Ok(DatabaseUrl::Postgres(Secret::new(url))), "{url}");
        }
    }

    #[test]
    fn what_names_no_database_is_refused_without_repeating_it() {
        for (text, why) in [
            ("", InvalidDatabaseUrl::Scheme),
            ("mysql://canary@localhost", InvalidDatabaseUrl::Scheme),
            ("sqlite:", InvalidDatabaseUrl::Path),
            ("file:canary.db", InvalidDatabaseUrl::Scheme),
            ("postgres:canary", InvalidDatabaseUrl::Postgres),
            ("postgres://localhost,%2Frun/canary", InvalidDatabaseUrl::Socket),
            ("postgres://%2Frun%2Fa,%2Frun%2Fb/canary", InvalidDatabaseUrl::Socket),
            ("postgres:///canary", InvalidDatabaseUrl::Postgres),
            ("postgres://localhost/ipse?sslmode=canary", InvalidDatabaseUrl::Value("sslmode")),
        ] {
            let refused = text.parse::<DatabaseUrl>().unwrap_err();
            assert_eq!(refused, why, "{text}");
            assert!(!format!("{refused} {refused:?}").contains("canary"));
        }
    }

    #[test]
    fn what_other_programs_read_in_another_way_does_not_become_the_name_of_a_file() {
        for path in [
            "canary.db?mode=rwc",
            "/var/lib/canary.db?mode=ro&cache=shared",
            "canary.db?",
            "canary.db#1",
            "//canary.db",
            "///var/lib/canary.db",
            "////var/lib/canary.db",
            "//localhost/var/lib/canary.db",
            "/var/lib/my%20canary.db",
            "canary%2Edb",
            ":memory:",
            "file:canary.db",
            "file:///var/lib/canary.db?mode=memory",
            "C:\\canary.db",
            "data\\canary.db",
            "~/canary.db",
            "~canary/ipse.db",
            "$HOME/canary.db",
            "data/${canary}.db",
            "/var/lib/canary/",
            "/",
            ".",
            "..",
            "canary/..",
            " canary.db",
            "canary.db ",
            "canary.db\n",
            "can\0ary.db",
        ] {
            let refused = format!("sqlite:{path}").parse::<DatabaseUrl>().unwrap_err();
            assert!(matches!(refused, InvalidDatabaseUrl::NoPlainPath(_)), "{path}: {refused}");
            assert!(!format!("{refused} {refused:?}").contains("canary"));
        }
    }

    #[test]
    fn a_printed_url_does_not_show_the_password() {
        let url: DatabaseUrl = "postgres://ipse:canary@localhost/ipse".parse().unwrap();
        assert!(!format!("{:?}", DatabaseSettings::new(url)).contains("canary"));
    }
}
