//! What protects the audit trail from the service itself.

use std::sync::Arc;

use time::Duration;

use super::postgres::PostgresStore;
use super::{DatabaseSettings, DatabaseUrl};
use crate::application::ports::StoreResult;

/// What protects the audit trail from the role that the service runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditGuard {
    /// Whether that role owns the trail, and so can take every protection away.
    pub is_owned: bool,
    /// For how long the database keeps events, whatever the service asks for.
    pub retention: Duration,
}

impl AuditGuard {
    /// What protects the trail of this database; nothing for a SQLite file, which whoever may write may write all of.
    pub async fn read(settings: &DatabaseSettings) -> StoreResult<Option<Self>> {
        match &settings.url {
            DatabaseUrl::Postgres(url) => {
                PostgresStore::new(url, settings, Arc::new(())).await?.audit_guard().await.map(Some)
            }
            DatabaseUrl::Sqlite(_) => Ok(None),
        }
    }

    /// What an operator should know of it at each start.
    #[must_use]
    pub fn warnings(self, retention: Duration) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.is_owned {
            warnings.push(
                "the service runs as the owner of the database: whoever breaks into it can change and erase the audit \
                 trail and the schema; run it as a role of its own (IPSE_DATABASE_RUNTIME_ROLE)"
                    .to_owned(),
            );
        }
        if self.retention != retention {
            warnings.push(format!(
                "the database keeps the audit trail for {} days and IPSE_AUDIT_RETENTION says {}: run `ipse migrate` with \
                 the setting",
                self.retention.whole_days(),
                retention.whole_days(),
            ));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_without_a_gap_warns_of_nothing() {
        let days = Duration::days(400);
        let warnings = |is_owned, retention| AuditGuard { is_owned, retention }.warnings(days).len();
        assert_eq!((warnings(false, days), warnings(true, days)), (0, 1));
        assert_eq!((warnings(false, Duration::days(30)), warnings(true, Duration::days(30))), (1, 2));
    }
}
