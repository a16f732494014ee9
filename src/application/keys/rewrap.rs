use super::Keys;
use crate::application::error::Result;
use crate::application::ports::SealedPlace;

/// How many values one transaction seals anew, so that no writer waits long.
const BATCH: i64 = 100;

/// Is told of each batch how many values were looked at.
type Progress<'p> = &'p mut (dyn FnMut(u64) + Send);

/// What became of the sealed values of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewrapped {
    /// The table.
    pub table: &'static str,
    /// How many values were sealed anew under the current master key.
    pub resealed: u64,
    /// How many are sealed under another one all the same: they do not open, or some server has sealed them meanwhile.
    pub left: u64,
}

impl Keys {
    /// Seals everything anew, under the current master key, that is sealed under another one. Servers may run meanwhile. What
    /// was done stays done if it breaks off.
    pub async fn rewrap(&self, progress: Progress<'_>) -> Result<Vec<Rewrapped>> {
        let mut tables = Vec::new();
        for beginning in SealedPlace::beginnings() {
            let table = beginning.table();
            let resealed = self.walk(beginning, true, progress).await?;
            tables.push(Rewrapped { table, resealed, left: 0 });
        }
        for (beginning, table) in SealedPlace::beginnings().into_iter().zip(&mut tables) {
            table.left = self.walk(beginning, false, progress).await?;
        }
        Ok(tables)
    }

    /// Walks through a table, from a place on: how many values of other master keys there were, or were sealed anew.
    async fn walk(&self, mut place: SealedPlace, reseal: bool, progress: Progress<'_>) -> Result<u64> {
        let mut count = 0;
        loop {
            let mut rows = self.store.read().await?.sealed_rows().list_sealed(&place, BATCH).await?;
            let Some((last, _)) = rows.last() else { return Ok(count) };
            place = last.clone();
            progress(rows.len() as u64);
            rows.retain(|(_, sealed)| !self.sealer.is_current(sealed));
            count += if reseal { self.reseal(&rows).await? } else { rows.len() as u64 };
        }
    }

    async fn reseal(&self, rows: &[(SealedPlace, Vec<u8>)]) -> Result<u64> {
        let anew = rows.iter().filter_map(|(place, old)| {
            let sealed = self.sealer.open(place, old).and_then(|plain| self.sealer.seal(place, &plain));
            let sealed = sealed.inspect_err(|error| tracing::error!(%place, %error, "a sealed value is left as it is"));
            sealed.ok().map(|new| (place, old, new))
        });
        let anew: Vec<_> = anew.collect();
        if anew.is_empty() {
            return Ok(0);
        }
        let mut resealed = 0;
        let tx = self.store.write().await?;
        for (place, old, new) in anew {
            resealed += u64::from(tx.sealed_rows().replace_sealed(place, old, &new).await?);
        }
        tx.commit().await?;
        Ok(resealed)
    }
}
