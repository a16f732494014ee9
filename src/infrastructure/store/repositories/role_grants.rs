//! Who has which role. Grants to people and to services stand in tables of their own, so that each goes with its subject.

use diesel::prelude::*;

use super::backend::Unit;
use super::backend::columns::{DbId, DbTime};
use super::backend::schema::{role_grants as people, service_role_grants as services};
use crate::application::ports::StoreResult;
use crate::domain::Timestamp;
use crate::domain::access::role::RoleGrant;
use crate::domain::access::subject::Subject;
use crate::domain::id::{RoleId, ServiceAccountId, UserId};

/// Role, subject, and since when.
type Columns = (DbId, DbId, DbTime);

/// Stores a grant, unless it is there. How many.
pub(super) async fn put(unit: &Unit, grant: &RoleGrant) -> StoreResult<usize> {
    let (role, time) = (DbId(*grant.role_id.as_uuid()), DbTime(grant.create_time));
    match grant.subject {
        Subject::User(id) => {
            let subject = people::user_id.eq(DbId(*id.as_uuid()));
            let row = (people::role_id.eq(role), subject, people::create_time.eq(time));
            unit.execute(diesel::insert_into(people::table).values(row).on_conflict_do_nothing()).await
        }
        Subject::Service(id) => {
            let subject = services::service_account_id.eq(DbId(*id.as_uuid()));
            let row = (services::role_id.eq(role), subject, services::create_time.eq(time));
            unit.execute(diesel::insert_into(services::table).values(row).on_conflict_do_nothing()).await
        }
    }
}

/// Erases a grant. How many.
pub(super) async fn remove(unit: &Unit, role_id: RoleId, subject: Subject) -> StoreResult<usize> {
    let key = (DbId(*subject.as_uuid()), DbId(*role_id.as_uuid()));
    match subject {
        Subject::User(_) => unit.execute(diesel::delete(people::table.find(key))).await,
        Subject::Service(_) => unit.execute(diesel::delete(services::table.find(key))).await,
    }
}

/// Erases all grants of a role.
pub(super) async fn remove_all(unit: &Unit, role_id: RoleId) -> StoreResult<()> {
    let role = DbId(*role_id.as_uuid());
    unit.execute(diesel::delete(people::table.filter(people::role_id.eq(role)))).await?;
    unit.execute(diesel::delete(services::table.filter(services::role_id.eq(role)))).await?;
    Ok(())
}

/// A page of the grants of a role: first those to people, then those to services.
pub(super) async fn of_role(
    unit: &Unit,
    role_id: RoleId,
    (after, limit): (Option<Subject>, i64),
) -> StoreResult<Vec<RoleGrant>> {
    let role = DbId(*role_id.as_uuid());
    let mut grants = match after {
        Some(Subject::Service(_)) => Vec::new(),
        Some(Subject::User(id)) => to_people(unit, role, (id, limit)).await?,
        None => to_people(unit, role, (UserId::NOBODY, limit)).await?,
    };
    let room = limit - i64::try_from(grants.len()).unwrap_or(limit);
    if room > 0 {
        let after = match after {
            Some(Subject::Service(id)) => id,
            _ => ServiceAccountId::NOBODY,
        };
        grants.extend(to_services(unit, role, (after, room)).await?);
    }
    Ok(grants)
}

async fn to_people(unit: &Unit, role: DbId, (after, limit): (UserId, i64)) -> StoreResult<Vec<RoleGrant>> {
    let query = people::table
        .filter(people::role_id.eq(role))
        .filter(people::user_id.gt(DbId(*after.as_uuid())))
        .order(people::user_id)
        .limit(limit)
        .select((people::role_id, people::user_id, people::create_time));
    let rows: Vec<Columns> = unit.load(query).await?;
    Ok(rows.into_iter().map(|row| grant(row, |id| UserId::from_uuid(id.0).into())).collect())
}

async fn to_services(unit: &Unit, role: DbId, (after, limit): (ServiceAccountId, i64)) -> StoreResult<Vec<RoleGrant>> {
    let query = services::table
        .filter(services::role_id.eq(role))
        .filter(services::service_account_id.gt(DbId(*after.as_uuid())))
        .order(services::service_account_id)
        .limit(limit)
        .select((services::role_id, services::service_account_id, services::create_time));
    let rows: Vec<Columns> = unit.load(query).await?;
    Ok(rows.into_iter().map(|row| grant(row, |id| ServiceAccountId::from_uuid(id.0).into())).collect())
}

/// A page of the grants to somebody, in the order of the roles' ids.
pub(super) async fn to_subject(
    unit: &Unit,
    subject: Subject,
    (after, limit): (RoleId, i64),
) -> StoreResult<Vec<RoleGrant>> {
    let (id, after) = (DbId(*subject.as_uuid()), DbId(*after.as_uuid()));
    let rows: Vec<Columns> = match subject {
        Subject::User(_) => {
            let held = people::table.filter(people::user_id.eq(id)).filter(people::role_id.gt(after));
            let columns = (people::role_id, people::user_id, people::create_time);
            unit.load(held.order(people::role_id).limit(limit).select(columns)).await?
        }
        Subject::Service(_) => {
            let held = services::table.filter(services::service_account_id.eq(id)).filter(services::role_id.gt(after));
            let columns = (services::role_id, services::service_account_id, services::create_time);
            unit.load(held.order(services::role_id).limit(limit).select(columns)).await?
        }
    };
    Ok(rows.into_iter().map(|row| grant(row, |_| subject)).collect())
}

fn grant((role, id, time): Columns, subject: impl FnOnce(DbId) -> Subject) -> RoleGrant {
    let create_time: Timestamp = time.0;
    RoleGrant { role_id: RoleId::from_uuid(role.0), subject: subject(id), create_time }
}
