use std::collections::{HashMap, HashSet};

use super::factor_records::with_taken_passkeys;
use super::{Batch, UserTransfer};
use crate::application::access::source::Source;
use crate::application::call::Call;
use crate::application::error::{Error, Result, Violation};
use crate::application::idempotency::{Exit, Idempotent, IdempotentCall};
use crate::application::ports::{StoredUser, Transaction};
use crate::domain::account::user::User;
use crate::domain::account::user_record::UserRecord;
use crate::domain::account::username::Username;
use crate::domain::audit::AuditType;
use crate::domain::credential::factor_record::FactorRecord;
use crate::domain::id::UserId;

/// How often a batch is begun that others are in the way of.
const ATTEMPTS: usize = 4;

const LOCKS_OUT: &str = "have a passkey.rp_id that is not this service's, and nothing beside it that signs in here: leave \
                         the factors out, and the password alone signs in";

/// What became of a batch.
#[derive(Debug, Default)]
pub struct BatchReport {
    /// The place of its first row in the import, from 0.
    pub first_row: usize,
    /// How many rows are stored now, whether or not they were before.
    pub accepted: usize,
    /// How many of those were stored before.
    pub unchanged: usize,
    /// The other rows, in their order.
    pub refusals: Vec<RowRefusal>,
}

/// A row that is not stored.
#[derive(Debug, Clone)]
pub struct RowRefusal {
    /// Its place in the batch, from 0.
    pub row: usize,
    /// Why.
    pub why: WhyRefused,
}

/// Why a row is not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyRefused {
    /// A field of it is not acceptable.
    Invalid(Violation),
    /// Somebody else has the address.
    EmailTaken,
    /// Somebody else has the username.
    UsernameTaken,
    /// Somebody has the passkey: a person who is stored, or a row before it.
    CredentialExists,
}

impl UserTransfer {
    /// Stores the rows of a batch that nobody stands in the way of, all at once; with `dry_run`, only tells which those
    /// are. Accounts that exist are never changed, and nobody gets a role.
    ///
    /// Two batches that are stored at the same time and want the same names in another order stop each other; one of them
    /// is then begun anew.
    pub async fn import(
        &self,
        call: &Call,
        batch: &Batch,
        dry_run: bool,
        request: &IdempotentCall<BatchReport>,
    ) -> Idempotent<BatchReport> {
        for _ in 1..ATTEMPTS {
            match self.try_import(call, batch, dry_run, request).await {
                Err(Exit::Failed(Error::Contention(_))) => {}
                outcome => return outcome,
            }
        }
        self.try_import(call, batch, dry_run, request).await
    }

    async fn try_import(
        &self,
        call: &Call,
        batch: &Batch,
        dry_run: bool,
        request: &IdempotentCall<BatchReport>,
    ) -> Idempotent<BatchReport> {
        let now = self.clock.now();
        let first_row = batch.first_row;
        let mut report = BatchReport { first_row, refusals: batch.refusals.clone(), ..BatchReport::default() };
        let tx = self.store.write().await?;
        Source::Transaction(tx.as_ref()).require_still(call, now).await?;
        let open = self.idempotency.claim(tx, call, request).await?;
        let tx = open.tx.as_ref();
        let rows = without_used_ids(tx, batch, &mut report).await?;
        let possible: Vec<_> = rows.iter().copied().filter(|(_, record)| !self.locks_out(record)).collect();
        let taken = with_taken_passkeys(tx, &possible).await?;
        let records: Vec<&UserRecord> =
            possible.iter().map(|(_, record)| record).filter(|record| !taken.contains(&record.user.id)).collect();
        let mut stored = HashSet::new();
        if !records.is_empty() {
            stored = tx.bulk_users().insert_records(&records).await?;
            let new = records.into_iter().filter(|record| stored.contains(&record.user.id));
            self.store_factors(tx, new, now).await?;
            report.accepted = stored.len();
        }
        let rest: Vec<&(usize, UserRecord)> =
            rows.into_iter().filter(|(_, record)| !stored.contains(&record.user.id)).collect();
        self.judge(tx, &rest, &mut report).await?;
        report.refusals.sort_by_key(|refusal| refusal.row);
        if dry_run {
            return Ok(report);
        }
        let event = call
            .event(AuditType::UsersImported)
            .with("accepted", report.accepted)
            .with("unchanged", report.unchanged)
            .with("refused", report.refusals.len());
        self.trail.record(tx, event, now).await?;
        open.finish(report).await
    }

    /// Finds out why rows were not stored.
    async fn judge(&self, tx: &dyn Transaction, rows: &[&(usize, UserRecord)], report: &mut BatchReport) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let users: Vec<&User> = rows.iter().map(|(_, record)| &record.user).collect();
        let mut rivals = Rivals::new(tx.bulk_users().find_rivals(&users).await?);
        let holders = rows.iter().filter_map(|(_, record)| rivals.id_of_holder(record)).collect::<Vec<_>>();
        rivals.factors = self.factors_of(tx, &holders).await?;
        for (row, record) in rows {
            match rivals.judge(record, self.locks_out(record))? {
                None => (report.accepted, report.unchanged) = (report.accepted + 1, report.unchanged + 1),
                Some(why) => report.refusals.push(RowRefusal { row: *row, why }),
            }
        }
        Ok(())
    }
}

/// The rows of a batch that do not state the id of a service account or of somebody who was erased: an id stands for one
/// subject for ever, as other services keep it and tokens carry it.
async fn without_used_ids<'b>(
    tx: &dyn Transaction,
    batch: &'b Batch,
    report: &mut BatchReport,
) -> Result<Vec<&'b (usize, UserRecord)>> {
    let stated: Vec<UserId> = batch.rows.iter().filter_map(|(_, record)| record.stated.id).collect();
    if stated.is_empty() {
        return Ok(batch.rows.iter().collect());
    }
    let used = tx.bulk_users().find_used_ids(&stated).await?;
    let (refused, rest): (Vec<_>, Vec<_>) = batch.rows.iter().partition(|(_, record)| used.contains(&record.user.id));
    let why = || WhyRefused::Invalid(Violation::form("id", "must not be one that was used before"));
    report.refusals.extend(refused.iter().map(|(row, _)| RowRefusal { row: *row, why: why() }));
    Ok(rest)
}

/// Stored accounts by what is unique of them.
struct Rivals {
    stored: Vec<StoredUser>,
    by_email: HashMap<String, usize>,
    /// The factors of those whose rows state any.
    factors: HashMap<UserId, Vec<FactorRecord>>,
}

impl Rivals {
    fn new(stored: Vec<StoredUser>) -> Self {
        let by_email =
            (0..).zip(&stored).map(|(place, (user, _))| (user.email.canonical().to_owned(), place)).collect();
        Self { stored, by_email, factors: HashMap::new() }
    }

    fn holder(&self, record: &UserRecord) -> Option<&StoredUser> {
        self.by_email.get(record.user.email.canonical()).map(|place| &self.stored[*place])
    }

    /// Who has the address of a record, if the record states factors that theirs are compared with.
    fn id_of_holder(&self, record: &UserRecord) -> Option<UserId> {
        self.holder(record).filter(|_| !record.factors.is_empty()).map(|(holder, _)| holder.id)
    }

    /// Why a record is not stored, which locks its person out or not; nothing if it was before.
    fn judge(&self, record: &UserRecord, locks_out: bool) -> Result<Option<WhyRefused>> {
        let user = &record.user;
        if let Some((holder, hash)) = self.holder(record) {
            let factors = self.factors.get(&holder.id).map(Vec::as_slice).unwrap_or_default();
            let is_stored = record.is_stored_as(holder, hash.as_ref(), factors);
            return Ok(if is_stored { None } else { Some(WhyRefused::EmailTaken) });
        }
        if self.stored.iter().any(|(holder, _)| holder.id == user.id) {
            return Ok(Some(WhyRefused::Invalid(Violation::form("id", "must not be that of another account"))));
        }
        let is_theirs = |name: &Username| self.stored.iter().any(|(holder, _)| holder.username.as_ref() == Some(name));
        if user.username.as_ref().is_some_and(is_theirs) {
            return Ok(Some(WhyRefused::UsernameTaken));
        }
        if locks_out {
            return Ok(Some(WhyRefused::Invalid(Violation::form("factors", LOCKS_OUT))));
        }
        if record.factors.iter().any(|factor| factor.passkey().is_some()) {
            return Ok(Some(WhyRefused::CredentialExists));
        }
        Err(Error::Contention("who stood in the way of a row is gone".into()))
    }
}
