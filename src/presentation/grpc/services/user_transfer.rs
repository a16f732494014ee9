//! The streams of `ipse.v1.UserService`: decoding and encoding of imports and exports.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::task::AbortOnDropHandle;
use tonic::{Request, Response, Status, Streaming};
use tracing::Instrument as _;

use crate::application::call::Call;
use crate::application::error;
use crate::application::idempotency::IdempotentCall;
use crate::application::transfer::{Batch, BatchReport, ExportUsers, MAX_ROWS, RowRefusal, UserTransfer, WhyRefused};
use crate::presentation::grpc::idempotency::{self, ResponseOf};
use crate::presentation::grpc::layers::gate::MAX_MESSAGE_BYTES;
use crate::presentation::grpc::layers::{gate, request_id};
use crate::presentation::grpc::streams::producer::{self, Responses};
use crate::presentation::grpc::{call, status, user_record};
use crate::proto::{
    ErrorReason, ExportUsersRequest, ExportUsersResponse, ImportRefusal, ImportUsersRequest, ImportUsersResponse,
    UserRecord,
};

/// A batch with what its stream said about dry runs, and what tells its retries. Errors get their form where the id of the
/// request is at hand.
type Arrived = Result<error::Result<(Batch, bool, IdempotentCall<BatchReport>)>, Status>;

/// How many batches of a stream are stored at a time: PostgreSQL works on each on one CPU.
const PARALLEL_BATCHES: usize = 2;
/// How long a client may take for its next batch.
const IDLE_LIMIT: Duration = Duration::from_secs(60);

/// Stores batches as they come, and answers in their order. Each is stored in a task of its own, which ends by itself: a
/// client that reads no answers holds no transaction. Further ones are decoded meanwhile, in a task that waits for room:
/// whoever sends faster than is stored is slowed down. Nothing is begun any more when the caller has gone.
pub(in crate::presentation::grpc) fn import(
    transfer: Arc<UserTransfer>,
    request: Request<Streaming<ImportUsersRequest>>,
) -> Result<Response<Responses<ImportUsersResponse>>, Status> {
    let (place, call) = (producer::place(&request)?, call::from_request(&request)?);
    let responses = producer::produce(place, |mut outlet| async move {
        let (sender, receiver) = mpsc::channel(1);
        let _decoding = AbortOnDropHandle::new(tokio::spawn(decode(transfer.clone(), request.into_inner(), sender)));
        let stored = ReceiverStream::new(receiver).map(|arrived| {
            let (transfer, call) = (transfer.clone(), call.clone());
            let work = async move { store(&transfer, &call, arrived).await };
            AbortOnDropHandle::new(tokio::spawn(request_id::scope(request_id::current(), work.in_current_span())))
        });
        let mut stored = stored.buffered(PARALLEL_BATCHES);
        while let Some(report) = stored.next().await {
            outlet.send(report.map_err(|_| status::internal())??).await?;
        }
        Ok(())
    });
    Ok(Response::new(responses))
}

async fn store(transfer: &UserTransfer, call: &Call, arrived: Arrived) -> Result<ImportUsersResponse, Status> {
    let read = arrived.map_err(|fault| gate::in_our_form(&fault, gate::MAX_MESSAGE_BYTES).unwrap_or(fault))?;
    let (batch, dry_run, once) = read.map_err(status::from_error)?;
    let response = idempotency::respond(transfer.import(call, &batch, dry_run, &once).await)?;
    Ok(response.into_inner())
}

/// Decodes the requests until they end, one of them is no batch or does not come, or nobody waits for them any more.
async fn decode(
    transfer: Arc<UserTransfer>,
    mut requests: Streaming<ImportUsersRequest>,
    sender: mpsc::Sender<Arrived>,
) {
    let (mut dry_run, mut next_row) = (None, 0);
    loop {
        let arrived = match tokio::time::timeout(IDLE_LIMIT, requests.message()).await {
            Ok(Ok(None)) => return,
            Ok(Ok(Some(request))) => {
                let dry_run = *dry_run.get_or_insert(request.dry_run);
                let once = idempotency::part::<_, ImportUsersResponse>("ImportUsers", &request.request_id, &request);
                Ok(once.and_then(|once| {
                    let rows = request.rows.into_iter().take(MAX_ROWS + 1).map(user_record::decode).collect();
                    let batch = transfer.parse(next_row, rows);
                    next_row += batch.as_ref().map_or(0, Batch::size);
                    batch.map(|batch| (batch, dry_run, once))
                }))
            }
            Ok(Err(fault)) => Err(fault),
            Err(_) => Err(status::timed_out()),
        };
        let is_over = !matches!(arrived, Ok(Ok(_)));
        if sender.send(arrived).await.is_err() || is_over {
            return;
        }
    }
}

/// Hands people out page by page, in responses of the size that requests may have.
pub(in crate::presentation::grpc) async fn export(
    transfer: Arc<UserTransfer>,
    request: Request<ExportUsersRequest>,
) -> Result<Response<Responses<ExportUsersResponse>>, Status> {
    let (place, call) = (producer::place(&request)?, call::from_request(&request)?);
    let ExportUsersRequest { filter, include_hashes } = request.into_inner();
    let command = ExportUsers { filter, include_hashes };
    let mut export = transfer.begin_export(&call, &command).await.map_err(status::from_error)?;
    Ok(Response::new(producer::produce(place, |mut outlet| async move {
        while let Some(page) = transfer.next_page(&call, &mut export).await? {
            for message in pack(page.into_iter().map(user_record::encode)) {
                outlet.send(message).await?;
            }
        }
        Ok(())
    })))
}

/// As many rows in each message as fit.
fn pack(records: impl Iterator<Item = UserRecord>) -> impl Iterator<Item = ExportUsersResponse> {
    let mut records = records.peekable();
    std::iter::from_fn(move || {
        let mut response = ExportUsersResponse::default();
        let mut bytes = 0;
        while let Some(record) = records.next_if(|record| {
            bytes += framed_len(record);
            response.rows.is_empty() || bytes <= MAX_MESSAGE_BYTES
        }) {
            response.rows.push(record);
        }
        (!response.rows.is_empty()).then_some(response)
    })
}

/// The bytes of a row within its message: itself, its length and the number of the field.
fn framed_len(record: &UserRecord) -> usize {
    let length = record.encoded_len();
    1 + prost::length_delimiter_len(length) + length
}

/// Where a row has a field.
fn path(field: &str) -> String {
    match field {
        "user" | "password_hash" | "provisional" | "suspend_time" | "factors" | "rows" => field.to_owned(),
        _ => format!("user.{field}"),
    }
}

impl ResponseOf<BatchReport> for ImportUsersResponse {
    fn from_value(report: &BatchReport) -> Self {
        encode_report(report)
    }
}

fn encode_report(report: &BatchReport) -> ImportUsersResponse {
    let first_row = report.first_row;
    let number = |row: usize| i64::try_from(row).unwrap_or(i64::MAX);
    let count = |rows: usize| i32::try_from(rows).unwrap_or(i32::MAX);
    let refusals = report.refusals.iter().map(|RowRefusal { row, why }| {
        let (reason, field, description) = match why {
            WhyRefused::Invalid(violation) => {
                (ErrorReason::FieldInvalid, path(violation.field), violation.description.clone())
            }
            WhyRefused::EmailTaken => (ErrorReason::EmailTaken, path("email"), "is taken".to_owned()),
            WhyRefused::UsernameTaken => (ErrorReason::UsernameTaken, path("username"), "is taken".to_owned()),
            WhyRefused::CredentialExists => {
                (ErrorReason::CredentialExists, path("factors"), "have a passkey that somebody has".to_owned())
            }
        };
        ImportRefusal { row: number(first_row + row), reason: reason.into(), field, description }
    });
    ImportUsersResponse {
        first_row: number(first_row),
        accepted: count(report.accepted),
        unchanged: count(report.unchanged),
        refusals: refusals.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(bytes: usize) -> UserRecord {
        UserRecord { password_hash: std::iter::repeat_n('x', bytes).collect(), ..UserRecord::default() }
    }

    #[test]
    fn messages_hold_what_fits_and_lose_nothing() {
        for sizes in [vec![], vec![10; 3], vec![500; 400], vec![MAX_MESSAGE_BYTES / 2; 3], vec![60_000, 10, 6_000, 10]]
        {
            let messages: Vec<_> = pack(sizes.iter().map(|size| record(*size))).collect();
            assert!(messages.iter().all(|message| message.encoded_len() <= MAX_MESSAGE_BYTES));
            let packed: Vec<_> = messages.iter().flat_map(|message| &message.rows).collect();
            assert_eq!(packed.iter().map(|record| record.password_hash.len()).collect::<Vec<_>>(), sizes);
            for pair in messages.windows(2) {
                assert!(pair[0].encoded_len() + framed_len(&pair[1].rows[0]) > MAX_MESSAGE_BYTES, "one more would fit");
            }
        }
    }
}
