//! The text form of proofs: `kind=microseconds since 1970`, with commas between.

use crate::domain::Timestamp;
use crate::domain::session::authentication::{Proof, ProofKind};

/// The text of these proofs.
pub(super) fn write_proofs<'p>(proofs: impl IntoIterator<Item = &'p Proof>) -> String {
    let write = |proof: &Proof| format!("{}={}", proof.kind.as_str(), proof.time.unix_timestamp_nanos() / 1000);
    proofs.into_iter().map(write).collect::<Vec<_>>().join(",")
}

/// The proofs of this text; of an empty one none.
pub(super) fn read_proofs(text: &str) -> Option<Vec<Proof>> {
    let read = |proof: &str| {
        let (kind, microseconds) = proof.split_once('=')?;
        let time = Timestamp::from_unix_timestamp_nanos(microseconds.parse::<i128>().ok()? * 1000).ok()?;
        Some(Proof { kind: ProofKind::parse(kind)?, time })
    };
    if text.is_empty() { Some(Vec::new()) } else { text.split(',').map(read).collect() }
}
