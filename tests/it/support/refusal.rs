//! What an error says, and the form that every error has.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use ipse::proto::ErrorReason;
use tonic::{Code, Status};
use tonic_types::{ErrorDetail, StatusExt as _};

use super::descriptors;

/// An error in the form of the contract.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: ErrorReason,
    pub(crate) metadata: HashMap<String, String>,
    /// The fields that are not acceptable.
    pub(crate) fields: Vec<String>,
    pub(crate) retry_after: Option<Duration>,
    /// The type and name of an object that there is not.
    pub(crate) resource: Option<(String, String)>,
    /// Of what there may be no more.
    pub(crate) quota: Option<String>,
}

/// Why the call was refused.
#[track_caller]
pub(crate) fn reason<T>(result: Result<T, Status>) -> ErrorReason {
    refusal(result).reason
}

/// All that the refusal of the call says.
#[track_caller]
pub(crate) fn refusal<T>(result: Result<T, Status>) -> Refusal {
    Refusal::of(&result.err().expect("the call should have been refused"))
}

impl Refusal {
    /// Reads an error, which has to have the one form: exactly one `ErrorInfo` of this service with the request's id,
    /// no detail twice, the code that the contract states for the reason, and room left in the trailers.
    #[track_caller]
    pub(crate) fn of(status: &Status) -> Self {
        let mut read = Self {
            reason: ErrorReason::Unspecified,
            metadata: HashMap::new(),
            fields: vec![],
            retry_after: None,
            resource: None,
            quota: None,
        };
        let mut kinds = HashSet::new();
        for detail in status.check_error_details_vec().expect("the details are well formed") {
            assert!(kinds.insert(std::mem::discriminant(&detail)), "a detail comes twice: {status:?}");
            read.take(detail);
        }
        assert_ne!(read.reason, ErrorReason::Unspecified, "no ErrorInfo: {status:?}");
        assert_eq!(status.code(), descriptors::code_of(read.reason), "{status:?}");
        assert!(!read.metadata["request_id"].is_empty());
        assert!(read.metadata.keys().all(|key| is_metadata_key(key)), "{:?}", read.metadata);
        assert!(status.message().len() + status.details().len() < 6 * 1024, "base64 makes it a third longer");
        read
    }

    fn take(&mut self, detail: ErrorDetail) {
        match detail {
            ErrorDetail::ErrorInfo(info) => {
                assert_eq!(info.domain, "ipse.v1");
                let name = format!("ERROR_REASON_{}", info.reason);
                self.reason = ErrorReason::from_str_name(&name).expect("a reason of the contract");
                self.metadata = info.metadata;
            }
            ErrorDetail::BadRequest(request) => {
                assert!(request.field_violations.iter().all(|violation| !violation.description.is_empty()));
                self.fields = request.field_violations.into_iter().map(|violation| violation.field).collect();
            }
            ErrorDetail::RetryInfo(info) => self.retry_after = info.retry_delay,
            ErrorDetail::ResourceInfo(info) => self.resource = Some((info.resource_type, info.resource_name)),
            ErrorDetail::QuotaFailure(failure) => {
                self.quota = failure.violations.into_iter().next().map(|violation| violation.description);
            }
            other => panic!("an unexpected detail: {other:?}"),
        }
    }
}

/// The form of AIP-193.
fn is_metadata_key(key: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    (2..=64).contains(&key.len()) && key.starts_with(|c: char| c.is_ascii_lowercase()) && key.bytes().all(plain)
}

/// The code of an error that is not one of this service.
pub(crate) fn bare_code<T>(result: Result<T, Status>) -> Code {
    let status = result.err().expect("the call should have been refused");
    assert!(status.details().is_empty(), "{status:?}");
    status.code()
}
