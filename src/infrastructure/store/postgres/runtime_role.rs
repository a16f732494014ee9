//! The rights of the role that the service runs as.
//!
//! For production, an operator makes two roles: one that owns the schema and migrates, and one that serves. The second
//! owns nothing, cannot change the schema, and can add to the audit trail and read it but neither change nor erase it:
//! whoever breaks into the service cannot cover their tracks.
//!
//! ```text
//! CREATE ROLE ipse_owner LOGIN PASSWORD '…';
//! CREATE ROLE ipse LOGIN PASSWORD '…';
//! CREATE DATABASE ipse OWNER ipse_owner;
//!
//! IPSE_DATABASE_URL=postgres://ipse_owner:…@host/ipse IPSE_DATABASE_RUNTIME_ROLE=ipse ipse migrate
//! IPSE_DATABASE_URL=postgres://ipse:…@host/ipse ipse serve
//! ```
//!
//! Every `ipse migrate` with the setting grants the rights anew, so that they cover new tables too. The database is to be
//! Ipse's own: the rights are to all tables of the schema. What grows old in the trail is erased by a function with the
//! rights of its owner, which leaves alone what is younger than the retention that `ipse migrate` was told.

use diesel::dsl::sql;
use diesel::sql_types::{Bool, Text};

use super::{Unit, dialect};
use crate::infrastructure::store::migrations::MigrationError;
use crate::infrastructure::store::wait_limit::WaitLimit;

/// Takes everything and gives what is needed, in one transaction: a running service never lacks a right.
const GRANTS: &str = "DO $grants$
DECLARE
    place text := quote_ident(current_schema());
    role text := quote_ident(current_setting('ipse.runtime_role'));
BEGIN
    EXECUTE format('REVOKE CREATE ON SCHEMA %s FROM PUBLIC, %s', place, role);
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %s FROM PUBLIC, %s', place, role);
    EXECUTE format('GRANT USAGE ON SCHEMA %s TO %s', place, role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %s TO %s', place, role);
    EXECUTE format('REVOKE UPDATE, DELETE ON audit_events FROM %s', role);
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON schema_migrations FROM %s', role);
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON audit_rules FROM %s', role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION purge_audit_events TO %s', role);
END $grants$";

/// Whether the role can be kept from anything: superusers and members of the owner can not.
const IS_FIT: &str = "EXISTS (SELECT 1 FROM pg_roles WHERE rolname = current_setting('ipse.runtime_role') \
     AND NOT rolsuper AND NOT pg_has_role(oid, current_user, 'MEMBER'))";

/// Grants a role what the service needs, and nothing else.
pub(super) async fn grant(mut unit: Unit, role: &str) -> Result<(), MigrationError> {
    unit.set_limit(WaitLimit::none());
    dialect::lock_migrations(&unit).await?;
    let setting = sql::<Text>("set_config('ipse.runtime_role', ").bind::<Text, _>(role).sql(", true)");
    unit.find::<_, String>(diesel::select(setting)).await?;
    if unit.find(diesel::select(sql::<Bool>(IS_FIT))).await? != Some(true) {
        return Err(MigrationError::UnfitRole);
    }
    unit.batch(GRANTS).await?;
    unit.commit().await?;
    Ok(())
}
