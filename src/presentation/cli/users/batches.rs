//! Rows in batches of the size that a request may have.

use prost::Message as _;
use tokio::sync::mpsc;

use super::TransferFailed;
use super::earlier::{Claims, Digests};
use super::input::Place;
use super::report::Refused;
use super::rows::{Origin, Row, Rows, Unreadable};
use crate::domain::account::attributes::Attributes;
use crate::presentation::json;
use crate::proto::{ErrorReason, ImportUsersRequest, UserRecord};

const MAX_ROWS: usize = 500;
const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// What the field `dry_run` takes.
const DRY_RUN_BYTES: usize = 2;

/// What is kept of a batch until its answer comes.
#[derive(Default)]
pub(super) struct Sent {
    /// Where its rows come from.
    pub(super) origins: Vec<Origin>,
    /// What they claim, in a dry run.
    pub(super) claims: Vec<Claims>,
    /// The rows of the file before its end that were not even sent.
    pub(super) refused: Vec<Refused>,
    /// Where it ends in the file.
    pub(super) end: Place,
}

/// Where batches go: the requests to the server, and what is kept of them, in the same order, to whoever reads the
/// answers. What comes after the last request has no rows.
pub(super) struct Outlets {
    pub(super) requests: mpsc::Sender<ImportUsersRequest>,
    pub(super) sent: mpsc::Sender<Result<Sent, TransferFailed>>,
    pub(super) dry_run: bool,
}

/// Nobody takes batches any more.
struct Gone;

/// Reads a file to its end, or until nobody takes batches any more. Blocks.
pub(super) fn send_all(mut rows: Rows, outlets: &Outlets) {
    let mut batch = Batch::default();
    let digests = outlets.dry_run.then(Digests::default);
    loop {
        match rows.next() {
            Ok(Some(row)) => {
                if batch.take(row, outlets, digests.as_ref()).is_err() {
                    return;
                }
            }
            Ok(None) => {
                let _ = batch.flush(outlets);
                return;
            }
            Err(error) => {
                let _ = outlets.sent.blocking_send(Err(error));
                return;
            }
        }
    }
}

#[derive(Default)]
struct Batch {
    rows: Vec<UserRecord>,
    bytes: usize,
    sent: Sent,
}

impl Batch {
    fn take(&mut self, row: Row, outlets: &Outlets, digests: Option<&Digests>) -> Result<(), Gone> {
        match row.record.and_then(within_limits).and_then(measure) {
            Ok((record, bytes)) => {
                if self.rows.len() == MAX_ROWS || self.bytes + bytes > MAX_MESSAGE_BYTES - DRY_RUN_BYTES {
                    self.flush(outlets)?;
                }
                self.sent.claims.extend(digests.map(|digests| digests.claims(&record)));
                self.rows.push(record);
                self.bytes += bytes;
                self.sent.origins.push(row.origin);
            }
            Err(Unreadable { field, description }) => self.sent.refused.push(Refused {
                origin: row.origin,
                reason: ErrorReason::FieldInvalid,
                field,
                description,
            }),
        }
        self.sent.end = row.end;
        Ok(())
    }

    fn flush(&mut self, outlets: &Outlets) -> Result<(), Gone> {
        let Self { rows, sent, .. } = std::mem::take(self);
        let has_rows = !rows.is_empty();
        if has_rows || !sent.refused.is_empty() {
            outlets.sent.blocking_send(Ok(sent)).map_err(|_| Gone)?;
        }
        if has_rows {
            let request = ImportUsersRequest { rows, dry_run: outlets.dry_run, request_id: String::new() };
            outlets.requests.blocking_send(request).map_err(|_| Gone)?;
        }
        Ok(())
    }
}

/// A row whose attributes the server would read: one that it cannot even decode would end the import.
fn within_limits(record: UserRecord) -> Result<UserRecord, Unreadable> {
    let unfit = |why: String| Unreadable { field: "user.attributes".to_owned(), description: why };
    if let Some(attributes) = record.user.as_ref().and_then(|user| user.attributes.as_ref()) {
        let text = json::write(attributes.clone()).map_err(|why| unfit(why.to_string()))?;
        Attributes::new(text).map_err(|why| unfit(why.to_string()))?;
    }
    Ok(record)
}

/// The bytes that a row takes in a request, if there is room for it at all.
fn measure(record: UserRecord) -> Result<(UserRecord, usize), Unreadable> {
    let length = record.encoded_len();
    let bytes = 1 + prost::length_delimiter_len(length) + length;
    if bytes > MAX_MESSAGE_BYTES - DRY_RUN_BYTES {
        return Err("the row is larger than a message may be".into());
    }
    Ok((record, bytes))
}
