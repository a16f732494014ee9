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
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// Neither of the two kinds.
    #[error("must begin with sqlite: or postgres://")]
    Scheme,
    /// `sqlite:` without a path.
    #[error("must have the path of a file after sqlite:")]
    Path,
    /// Not a URL that the PostgreSQL client understands, or without a host.
    #[error("must be of the form postgres://user:password@host:port/database?options, with supported options")]
    Postgres,
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        match text.split_once(':') {
            Some(("sqlite", "")) => Err(InvalidDatabaseUrl::Path),
            Some(("sqlite", path)) => Ok(Self::Sqlite(path.into())),
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
        assert_eq!("sqlite:ipse.db".parse(), Ok(DatabaseUrl::Sqlite("ipse.db".into())));
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
            ("postgres:canary", InvalidDatabaseUrl::Postgres),
            ("postgres:///canary", InvalidDatabaseUrl::Postgres),
            ("postgres://localhost/ipse?canary=1", InvalidDatabaseUrl::Postgres),
            ("postgres://localhost/ipse?sslmode=canary", InvalidDatabaseUrl::Postgres),
        ] {
            let refused = text.parse::<DatabaseUrl>().unwrap_err();
            assert_eq!(refused, why, "{text}");
            assert!(!format!("{refused} {refused:?}").contains("canary"));
        }
    }

    #[test]
    fn a_printed_url_does_not_show_the_password() {
        let url: DatabaseUrl = "postgres://ipse:canary@localhost/ipse".parse().unwrap();
        assert!(!format!("{:?}", DatabaseSettings::new(url)).contains("canary"));
    }
}
