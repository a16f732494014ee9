//! Between stored second factors and records of them: secrets are sealed on the way in and opened on the way out.

use std::collections::{HashMap, HashSet};

use super::UserTransfer;
use crate::application::error::{Error, Result};
use crate::application::ports::{SealedPlace, Transaction};
use crate::domain::Timestamp;
use crate::domain::account::user_record::UserRecord;
use crate::domain::credential::factor::{Factor, FactorMethod, FactorState};
use crate::domain::credential::factor_record::{FactorRecord, RecordedMethod, Seed};
use crate::domain::credential::password::PasswordHash;
use crate::domain::id::{FactorId, UserId};

impl UserTransfer {
    /// The factors of these people. Those that are being enrolled are none yet.
    pub(super) async fn factors_of(
        &self,
        tx: &dyn Transaction,
        people: &[UserId],
    ) -> Result<HashMap<UserId, Vec<FactorRecord>>> {
        let mut records: HashMap<UserId, Vec<FactorRecord>> = HashMap::new();
        if people.is_empty() {
            return Ok(records);
        }
        let factors = tx.factors().list_factors_of(people).await?;
        let sets: Vec<FactorId> =
            factors.iter().filter(|factor| !factor.is_primary()).map(|factor| factor.id).collect();
        let mut hashes: HashMap<FactorId, Vec<PasswordHash>> = HashMap::new();
        if !sets.is_empty() {
            for (id, hash) in tx.factors().list_recovery_codes(&sets).await? {
                hashes.entry(id).or_default().push(hash);
            }
        }
        for factor in factors {
            let hashes = hashes.remove(&factor.id).unwrap_or_default();
            records.entry(factor.user_id).or_default().push(self.record(factor, hashes)?);
        }
        Ok(records)
    }

    fn record(&self, factor: Factor, hashes: Vec<PasswordHash>) -> Result<FactorRecord> {
        let is_disabled = factor.state() == FactorState::Disabled;
        let method = match factor.method {
            FactorMethod::Totp { sealed_secret, .. } => {
                RecordedMethod::Totp(Seed::new(self.sealer.open(&SealedPlace::Factor(factor.id), &sealed_secret)?))
            }
            FactorMethod::Passkey(passkey) => RecordedMethod::Passkey(passkey),
            FactorMethod::RecoveryCodes { .. } => RecordedMethod::RecoveryCodes(hashes),
        };
        Ok(FactorRecord {
            display_name: factor.display_name,
            method,
            is_disabled,
            create_time: Some(factor.create_time),
            last_used_time: factor.last_used_time,
        })
    }

    /// Whether a record has second factors of which none works here: passkeys are good for the domain that they were made for
    /// alone. Beside a factor that works they are kept as they are.
    pub(super) fn locks_out(&self, record: &UserRecord) -> bool {
        let works = |factor: &&FactorRecord| factor.passkey().is_none_or(|passkey| self.passkeys.works_here(passkey));
        let mut primary = record.factors.iter().filter(|factor| factor.is_primary()).peekable();
        primary.peek().is_some() && !primary.any(|factor| works(&factor))
    }

    /// Stores the factors of the people of a batch who are stored now.
    pub(super) async fn store_factors(
        &self,
        tx: &dyn Transaction,
        people: impl Iterator<Item = &UserRecord>,
        now: Timestamp,
    ) -> Result<()> {
        let records = people.flat_map(|person| person.factors.iter().map(|factor| (person.user.id, factor)));
        let records: Vec<(UserId, &FactorRecord)> = records.collect();
        let new_id = |_| Ok(FactorId::new(now, &self.entropy.bytes()?));
        let mut ids = (0..records.len()).map(new_id).collect::<Result<Vec<_>>>()?;
        // Factors that were enrolled at the same time are listed in the order of their ids.
        ids.sort_unstable();
        let (mut factors, mut codes) = (Vec::with_capacity(records.len()), Vec::new());
        for (id, (user_id, record)) in ids.into_iter().zip(records) {
            let method = match &record.method {
                RecordedMethod::Totp(seed) => FactorMethod::Totp {
                    sealed_secret: self.sealer.seal(&SealedPlace::Factor(id), seed.expose())?,
                    last_step: record.last_step(),
                },
                RecordedMethod::Passkey(passkey) => FactorMethod::Passkey(passkey.clone()),
                RecordedMethod::RecoveryCodes(hashes) => {
                    codes.extend(hashes.iter().map(|hash| (id, hash.clone())));
                    FactorMethod::RecoveryCodes { remaining: u32::try_from(hashes.len()).unwrap_or(u32::MAX) }
                }
            };
            factors.push(record.to_factor((id, user_id), method, now));
        }
        if factors.is_empty() || tx.factors().insert_factors(&factors, &codes).await? == factors.len() {
            return Ok(());
        }
        Err(Error::Contention("somebody else registered the passkey of a row meanwhile".into()))
    }
}

/// The people of a batch with a passkey that somebody has who is stored, or a row before theirs.
pub(super) async fn with_taken_passkeys(
    tx: &dyn Transaction,
    rows: &[&(usize, UserRecord)],
) -> Result<HashSet<UserId>> {
    let ids: Vec<&[u8]> = rows.iter().flat_map(|(_, record)| credentials(record)).collect();
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let mut taken = tx.factors().find_taken_credentials(&ids).await?;
    let mut people = HashSet::new();
    for (_, record) in rows {
        if credentials(record).any(|id| taken.contains(id)) {
            people.insert(record.user.id);
        }
        taken.extend(credentials(record).map(<[u8]>::to_vec));
    }
    Ok(people)
}

fn credentials(record: &UserRecord) -> impl Iterator<Item = &[u8]> {
    record.factors.iter().filter_map(FactorRecord::passkey).map(|passkey| passkey.credential_id.as_slice())
}
