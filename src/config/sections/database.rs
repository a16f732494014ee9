//! The database.

use super::{audit, data_folder};
use crate::config::setting::Setting;
use crate::config::source::{InvalidSetting, Source};
use crate::config::{pem, value};
use crate::domain::text;
use crate::infrastructure::store::{DatabaseSettings, DatabaseUrl, Pooling};

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new(
        "database_url",
        "The database: postgres://USER:PASSWORD@HOST/DATABASE or sqlite:PATH. With --dev, ipse.db in the data folder.",
    )
    .required()
    .secret(),
    Setting::new(
        "database_max_connections",
        "The most connections to the database that requests may have at once. Two more follow revocations.",
    )
    .or("16")
    .between("1", "1000"),
    Setting::new(
        "database_pooling",
        "What a connection to PostgreSQL leads to: session, to one session for as long as it is open, as without a pooler; \
         transaction, to any session of a pooler from one transaction to the next; auto, which finds it out.",
    )
    .or("auto"),
    Setting::new(
        "database_tls_ca_file",
        "PEM file of the authorities that may vouch for PostgreSQL, instead of those of the system.",
    ),
    Setting::new(
        "database_runtime_role",
        "The PostgreSQL role that the service runs as, if it is another one than `ipse migrate`: migrating grants it what \
         the service needs and no more, so that it can neither change the schema nor rewrite the audit trail.",
    ),
];

/// Reads the section.
pub fn read(source: &Source) -> Result<DatabaseSettings, InvalidSetting> {
    let url = match (source.optional("database_url", str::parse)?, data_folder::read(source)?) {
        (Some(url), _) => url,
        (None, Some(folder)) => folder.database_url(),
        (None, None) => return Err(InvalidSetting::of("database_url", "is required")),
    };
    let is_sqlite = matches!(url, DatabaseUrl::Sqlite(_));
    let tls_ca_file = source.optional("database_tls_ca_file", pem::authorities_file)?;
    if tls_ca_file.is_some() && is_sqlite {
        return Err(source.refuse("database_tls_ca_file", "has no use with SQLite"));
    }
    let max_connections = source.limited("database_max_connections", value::number)?;
    let runtime_role = source.optional("database_runtime_role", role)?;
    if runtime_role.is_some() && is_sqlite {
        return Err(source.refuse("database_runtime_role", "has no use with SQLite"));
    }
    let pooling = source.required("database_pooling", pooling)?;
    let audit_retention = audit::read_retention(source)?;
    let defaults = DatabaseSettings::new(url);
    Ok(DatabaseSettings { max_connections, pooling, runtime_role, tls_ca_file, audit_retention, ..defaults })
}

fn pooling(text: &str) -> Result<Option<Pooling>, &'static str> {
    match text {
        "auto" => Ok(None),
        "session" => Ok(Some(Pooling::Session)),
        "transaction" => Ok(Some(Pooling::Transaction)),
        _ => Err("must be auto, session or transaction"),
    }
}

/// The name of a role of PostgreSQL, which cuts longer ones off in silence.
fn role(text: &str) -> Result<String, &'static str> {
    text::required(text, 63).map(str::to_owned).map_err(|_| "must be the name of a role, of at most 63 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{accepted, refused};

    #[test]
    fn a_role_has_a_name_that_postgresql_keeps_whole() {
        accepted(role, &["ipse", &["r"; 63].concat()]);
        refused(role, &["", "a\0b", &["r"; 64].concat()]);
    }
}
