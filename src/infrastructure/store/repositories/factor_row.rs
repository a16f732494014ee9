use diesel::prelude::*;

use super::backend::columns::{DbId, DbTime};
use super::backend::schema::{factor_enrolments, factors};
use crate::application::ports::StoreResult;
use crate::domain::credential::factor::{Enrolment, EnrolmentMethod, Factor, FactorKind, FactorMethod, FactorName};
use crate::domain::credential::passkey::Passkey;
use crate::domain::id::{FactorId, SessionId, UserId};
use crate::infrastructure::store::error::meaning;

/// Those of secrets are only there in factors of an authenticator app, those after them only in passkeys.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = factors)]
pub(super) struct FactorRow {
    pub(super) id: DbId,
    pub(super) user_id: DbId,
    pub(super) kind: String,
    pub(super) display_name: String,
    pub(super) failures: i32,
    pub(super) create_time: DbTime,
    pub(super) last_used_time: Option<DbTime>,
    pub(super) revision: i64,
    pub(super) sealed_secret: Option<Vec<u8>>,
    pub(super) last_step: Option<i64>,
    pub(super) credential_id: Option<Vec<u8>>,
    pub(super) public_key: Option<Vec<u8>>,
    pub(super) user_handle: Option<Vec<u8>>,
    pub(super) rp_id: Option<String>,
    pub(super) sign_count: Option<i64>,
    pub(super) aaguid: Option<DbId>,
    pub(super) transports: Option<String>,
    pub(super) backup_eligible: Option<bool>,
    pub(super) backed_up: Option<bool>,
    pub(super) user_verified: Option<bool>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = factor_enrolments, treat_none_as_null = true)]
pub(super) struct EnrolmentRow {
    id: DbId,
    user_id: DbId,
    session_id: DbId,
    kind: String,
    display_name: String,
    sealed_secret: Option<Vec<u8>>,
    challenge: Option<Vec<u8>>,
    user_handle: Option<Vec<u8>>,
    failures: i32,
    create_time: DbTime,
    expire_time: DbTime,
}

impl From<&Factor> for FactorRow {
    fn from(factor: &Factor) -> Self {
        let (sealed_secret, last_step) = match &factor.method {
            FactorMethod::Totp { sealed_secret, last_step } => (Some(sealed_secret.clone()), *last_step),
            FactorMethod::Passkey(_) | FactorMethod::RecoveryCodes { .. } => (None, None),
        };
        let passkey = factor.passkey();
        Self {
            id: DbId(*factor.id.as_uuid()),
            user_id: DbId(*factor.user_id.as_uuid()),
            kind: factor.kind().as_str().to_owned(),
            display_name: factor.display_name.as_str().to_owned(),
            failures: factor.failures,
            create_time: DbTime(factor.create_time),
            last_used_time: factor.last_used_time.map(DbTime),
            revision: factor.revision,
            sealed_secret,
            last_step,
            credential_id: passkey.map(|passkey| passkey.credential_id.clone()),
            public_key: passkey.map(|passkey| passkey.public_key.clone()),
            user_handle: passkey.map(|passkey| passkey.user_handle.clone()),
            rp_id: passkey.map(|passkey| passkey.rp_id.clone()),
            sign_count: passkey.map(|passkey| passkey.sign_count.into()),
            aaguid: passkey.map(|passkey| DbId(passkey.aaguid)),
            transports: passkey.map(|passkey| passkey.transports.join(",")),
            backup_eligible: passkey.map(|passkey| passkey.backup_eligible),
            backed_up: passkey.map(|passkey| passkey.backed_up),
            user_verified: passkey.map(|passkey| passkey.user_verified),
        }
    }
}

impl FactorRow {
    /// The factor that the row tells of, with so many recovery codes.
    pub(super) fn into_factor(mut self, codes: i64) -> StoreResult<Factor> {
        let method = match meaning(FactorKind::parse(&self.kind), "factors.kind")? {
            FactorKind::Totp => FactorMethod::Totp {
                sealed_secret: meaning(self.sealed_secret.take(), "factors.sealed_secret")?,
                last_step: self.last_step,
            },
            FactorKind::Passkey => {
                FactorMethod::Passkey(meaning(self.take_passkey(), "the columns of a passkey in factors")?)
            }
            FactorKind::RecoveryCodes => {
                FactorMethod::RecoveryCodes { remaining: meaning(codes.try_into().ok(), "recovery_codes")? }
            }
        };
        Ok(Factor {
            id: FactorId::from_uuid(self.id.0),
            user_id: UserId::from_uuid(self.user_id.0),
            display_name: meaning(FactorName::parse(&self.display_name).ok(), "factors.display_name")?,
            method,
            failures: self.failures,
            create_time: self.create_time.0,
            last_used_time: self.last_used_time.map(|time| time.0),
            revision: self.revision,
        })
    }

    fn take_passkey(&mut self) -> Option<Passkey> {
        let transports = self.transports.take()?;
        Some(Passkey {
            credential_id: self.credential_id.take()?,
            public_key: self.public_key.take()?,
            user_handle: self.user_handle.take()?,
            rp_id: self.rp_id.take()?,
            sign_count: self.sign_count?.try_into().ok()?,
            aaguid: self.aaguid?.0,
            transports: transports.split(',').filter(|text| !text.is_empty()).map(str::to_owned).collect(),
            backup_eligible: self.backup_eligible?,
            backed_up: self.backed_up?,
            user_verified: self.user_verified?,
        })
    }
}

impl From<&Enrolment> for EnrolmentRow {
    fn from(enrolment: &Enrolment) -> Self {
        let (sealed_secret, challenge, user_handle) = match &enrolment.method {
            EnrolmentMethod::Totp { sealed_secret } => (Some(sealed_secret.clone()), None, None),
            EnrolmentMethod::Passkey { challenge, user_handle } => {
                (None, Some(challenge.to_vec()), Some(user_handle.clone()))
            }
        };
        Self {
            id: DbId(*enrolment.id.as_uuid()),
            user_id: DbId(*enrolment.user_id.as_uuid()),
            session_id: DbId(*enrolment.session_id.as_uuid()),
            kind: enrolment.method.kind().as_str().to_owned(),
            display_name: enrolment.display_name.as_str().to_owned(),
            sealed_secret,
            challenge,
            user_handle,
            failures: enrolment.failures,
            create_time: DbTime(enrolment.create_time),
            expire_time: DbTime(enrolment.expire_time),
        }
    }
}

impl EnrolmentRow {
    /// The enrolment that the row tells of.
    pub(super) fn into_enrolment(self) -> StoreResult<Enrolment> {
        let method = match FactorKind::parse(&self.kind) {
            Some(FactorKind::Totp) => {
                EnrolmentMethod::Totp { sealed_secret: meaning(self.sealed_secret, "factor_enrolments.sealed_secret")? }
            }
            Some(FactorKind::Passkey) => EnrolmentMethod::Passkey {
                challenge: meaning(
                    self.challenge.and_then(|bytes| bytes.try_into().ok()),
                    "factor_enrolments.challenge",
                )?,
                user_handle: meaning(self.user_handle, "factor_enrolments.user_handle")?,
            },
            Some(FactorKind::RecoveryCodes) | None => return meaning(None, "factor_enrolments.kind"),
        };
        Ok(Enrolment {
            id: FactorId::from_uuid(self.id.0),
            user_id: UserId::from_uuid(self.user_id.0),
            session_id: SessionId::from_uuid(self.session_id.0),
            display_name: meaning(FactorName::parse(&self.display_name).ok(), "factor_enrolments.display_name")?,
            method,
            failures: self.failures,
            create_time: self.create_time.0,
            expire_time: self.expire_time.0,
        })
    }
}
