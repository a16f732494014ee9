//! Second factors in rows of imports and exports: contract to command, and domain to contract.

use crate::application::error::Violation;
use crate::application::transfer::{ExportedFactor, ImportFactor, ImportMethod, ImportPasskey};
use crate::domain::credential::factor_record::RecordedMethod;
use crate::domain::credential::passkey::Passkey;
use crate::domain::secret::Secret;
use crate::presentation::grpc::decode::time;
use crate::presentation::grpc::encode;
use crate::proto;
use crate::proto::factor_record::Method;

/// Decodes a factor, or tells what cannot even be decoded.
pub(super) fn decode(record: proto::FactorRecord) -> Result<ImportFactor, Violation> {
    let method = match record.method {
        None => ImportMethod::Unstated,
        Some(Method::OtpauthUri(uri)) => ImportMethod::OtpauthUri(Secret::new(uri)),
        Some(Method::Passkey(passkey)) => ImportMethod::Passkey(Box::new(decode_passkey(passkey))),
        Some(Method::RecoveryCodes(codes)) => {
            ImportMethod::RecoveryCodes(codes.hashes.into_iter().map(Secret::new).collect())
        }
    };
    Ok(ImportFactor {
        display_name: record.display_name,
        method,
        is_disabled: record.disabled,
        create_time: time("factors", record.create_time)?,
        last_used_time: time("factors", record.last_used_time)?,
    })
}

/// Encodes a factor.
pub(super) fn encode(ExportedFactor { record, otpauth_uri }: &ExportedFactor) -> proto::FactorRecord {
    let method = match &record.method {
        RecordedMethod::Totp(_) => otpauth_uri.as_ref().map(|uri| Method::OtpauthUri(uri.expose().to_owned())),
        RecordedMethod::Passkey(passkey) => Some(Method::Passkey(encode_passkey(passkey))),
        RecordedMethod::RecoveryCodes(hashes) => Some(Method::RecoveryCodes(proto::RecoveryCodesRecord {
            hashes: hashes.iter().map(|hash| hash.as_str().to_owned()).collect(),
        })),
    };
    proto::FactorRecord {
        method,
        display_name: record.display_name.as_str().to_owned(),
        create_time: record.create_time.map(encode::time),
        last_used_time: record.last_used_time.map(encode::time),
        disabled: record.is_disabled,
    }
}

fn decode_passkey(passkey: proto::PasskeyRecord) -> ImportPasskey {
    ImportPasskey {
        credential_id: passkey.credential_id,
        public_key: passkey.public_key,
        user_handle: passkey.user_handle,
        rp_id: passkey.rp_id,
        sign_count: passkey.sign_count,
        aaguid: passkey.aaguid,
        transports: passkey.transports,
        backup_eligible: passkey.backup_eligible,
        backed_up: passkey.backed_up,
        user_verified: passkey.user_verifying,
    }
}

fn encode_passkey(passkey: &Passkey) -> proto::PasskeyRecord {
    proto::PasskeyRecord {
        credential_id: passkey.credential_id.clone(),
        public_key: passkey.public_key.clone(),
        user_handle: passkey.user_handle.clone(),
        rp_id: passkey.rp_id.clone(),
        sign_count: passkey.sign_count.into(),
        aaguid: passkey.aaguid.hyphenated().to_string(),
        transports: passkey.transports.clone(),
        backup_eligible: passkey.backup_eligible,
        backed_up: passkey.backed_up,
        user_verifying: passkey.user_verified,
    }
}
