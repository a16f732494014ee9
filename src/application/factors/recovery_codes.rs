//! Sets of recovery codes: made outside of any transaction, as each code takes a slow hash.

use zeroize::Zeroizing;

use super::Factors;
use crate::application::call::Call;
use crate::application::error::{Error, Refusal, Result};
use crate::application::ports::Transaction;
use crate::domain::credential::factor::{Factor, FactorKind, FactorMethod, FactorName};
use crate::domain::credential::password::PasswordHash;
use crate::domain::credential::recovery_code::{self, CODES, ENTROPY_BYTES};
use crate::domain::id::{FactorId, UserId};
use crate::domain::secret::Secret;

/// A set that nobody has yet.
pub(super) struct NewCodes {
    /// As their owner sees them, once.
    pub(super) shown: Vec<Secret>,
    hashes: Vec<PasswordHash>,
}

impl Factors {
    /// A new set. All its hashes have one salt, so that checking a code takes one hash.
    pub(super) async fn new_codes(&self) -> Result<NewCodes> {
        let entropy = Zeroizing::new(self.entropy.bytes::<ENTROPY_BYTES>()?);
        let (mut shown, mut hashes) = (Vec::with_capacity(CODES), Vec::<PasswordHash>::with_capacity(CODES));
        for code in recovery_code::set(&entropy) {
            let password = code.to_password().map_err(|error| Error::Internal(Box::new(error)))?;
            hashes.push(match hashes.first() {
                None => self.hasher.hash(&password).await?,
                Some(first) => self.hasher.hash_like(&password, first).await?,
            });
            shown.push(code.show());
        }
        Ok(NewCodes { shown, hashes })
    }

    /// A new set for the caller's first factor; nothing for a further one.
    pub(super) async fn codes_of_first_factor(&self, call: &Call) -> Result<Option<NewCodes>> {
        let user = self.store.read().await?.users().find_user(call.person()?.user_id).await?;
        let user = user.ok_or(Refusal::TokenInvalid)?;
        if user.mfa_enabled { Ok(None) } else { self.new_codes().await.map(Some) }
    }

    /// Stores a set in the place of any that the person has.
    pub(super) async fn replace_codes(
        &self,
        tx: &dyn Transaction,
        user_id: UserId,
        codes: &NewCodes,
        call: &Call,
    ) -> Result<()> {
        for factor in tx.factors().list_factors(user_id).await? {
            if factor.kind() == FactorKind::RecoveryCodes {
                tx.factors().delete_factor(user_id, factor.id).await?;
            }
        }
        let id = FactorId::new(call.now, &self.entropy.bytes()?);
        let method = FactorMethod::RecoveryCodes { remaining: u32::try_from(CODES).unwrap_or(u32::MAX) };
        let factor = Factor::new((id, user_id), FactorName::default(), method, call.now);
        tx.factors().insert_factor(&factor).await?;
        tx.factors().put_recovery_codes(id, &codes.hashes).await?;
        Ok(())
    }
}
