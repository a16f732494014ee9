//! Second factors written in the JSON mapping of protobuf: bytes in base64, 64-bit numbers as texts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::presentation::cli::users::words::write_time;
use crate::proto::factor_record::Method;
use crate::proto::{FactorRecord, PasskeyRecord, RecoveryCodesRecord};

/// A factor, with its members in the order of the contract.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonFactor {
    #[serde(skip_serializing_if = "Option::is_none")]
    otpauth_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passkey: Option<JsonPasskey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_codes: Option<JsonCodes>,
    #[serde(skip_serializing_if = "String::is_empty")]
    display_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    create_time: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    last_used_time: String,
    #[serde(skip_serializing_if = "is_false")]
    disabled: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonPasskey {
    credential_id: String,
    public_key: String,
    user_handle: String,
    rp_id: String,
    #[serde(skip_serializing_if = "is_zero")]
    sign_count: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    aaguid: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    transports: Vec<String>,
    #[serde(skip_serializing_if = "is_false")]
    backup_eligible: bool,
    #[serde(skip_serializing_if = "is_false")]
    backed_up: bool,
    #[serde(skip_serializing_if = "is_false")]
    user_verifying: bool,
}

#[derive(Serialize)]
struct JsonCodes {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<String>,
}

impl From<FactorRecord> for JsonFactor {
    fn from(record: FactorRecord) -> Self {
        let (mut otpauth_uri, mut passkey, mut recovery_codes) = (None, None, None);
        match record.method {
            Some(Method::OtpauthUri(uri)) => otpauth_uri = Some(uri),
            Some(Method::Passkey(record)) => passkey = Some(JsonPasskey::from(record)),
            Some(Method::RecoveryCodes(RecoveryCodesRecord { hashes })) => recovery_codes = Some(JsonCodes { hashes }),
            None => {}
        }
        Self {
            otpauth_uri,
            passkey,
            recovery_codes,
            display_name: record.display_name,
            create_time: write_time(record.create_time.as_ref()),
            last_used_time: write_time(record.last_used_time.as_ref()),
            disabled: record.disabled,
        }
    }
}

impl From<PasskeyRecord> for JsonPasskey {
    fn from(record: PasskeyRecord) -> Self {
        Self {
            credential_id: STANDARD.encode(record.credential_id),
            public_key: STANDARD.encode(record.public_key),
            user_handle: STANDARD.encode(record.user_handle),
            rp_id: record.rp_id,
            sign_count: record.sign_count.to_string(),
            aaguid: record.aaguid,
            transports: record.transports,
            backup_eligible: record.backup_eligible,
            backed_up: record.backed_up,
            user_verifying: record.user_verifying,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(count: &str) -> bool {
    count == "0"
}
