//! `ipse backup`: a copy of the database, on the machine of the server.

use std::path::Path;

use indicatif::HumanBytes;

/// What to print about a backup that was made: sizes in bytes, that of the database with its log.
#[must_use]
pub fn backed_up(target: &Path, database_size: u64, backup_size: u64) -> Vec<String> {
    vec![
        format!(
            "backed up {} of database into {}: {} ({backup_size} bytes)",
            HumanBytes(database_size),
            target.display(),
            HumanBytes(backup_size),
        ),
        "keep the master key too, and apart from it: without the key the backup cannot be used".to_owned(),
    ]
}
