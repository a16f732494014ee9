//! What the database itself holds of the audit trail: how long events are kept, against the role that the service runs as.

use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Bool};
use time::Duration;

use super::Unit;
use crate::application::ports::StoreResult;
use crate::infrastructure::store::AuditGuard;
use crate::infrastructure::store::migrations::MigrationError;

/// Whether whoever asks can take the rules away: the owner of the trail and superusers.
const IS_OWNED: &str = "(SELECT pg_has_role(current_user, relowner, 'MEMBER') OR \
     (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) FROM pg_class WHERE oid = 'audit_events'::regclass)";
const RETENTION: &str = "(SELECT extract(epoch FROM retention)::bigint FROM audit_rules)";

/// Has the database keep events for as long as this.
pub(super) async fn keep_for(unit: Unit, retention: Duration) -> Result<(), MigrationError> {
    let seconds = retention.whole_seconds();
    unit.batch(&format!("UPDATE audit_rules SET retention = make_interval(secs => {seconds})")).await?;
    unit.commit().await?;
    Ok(())
}

/// What protects the trail from the role that asks.
pub(super) async fn guard(unit: Unit) -> StoreResult<AuditGuard> {
    let guard = diesel::select((sql::<Bool>(IS_OWNED), sql::<BigInt>(RETENTION)));
    let found: Option<(bool, i64)> = unit.find(guard).await?;
    let (is_owned, seconds) = found.unwrap_or((true, 0));
    Ok(AuditGuard { is_owned, retention: Duration::seconds(seconds) })
}
