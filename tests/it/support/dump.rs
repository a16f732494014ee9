//! All that a database holds, as its thief would read it.

use std::fs;

use super::database::Backend;
use super::world::World;

/// All that is in the database, as bytes; columns of bytes of PostgreSQL as hexadecimal digits.
pub(crate) async fn dump(world: &World) -> Vec<u8> {
    match world.database.backend {
        Backend::Sqlite => {
            let files = fs::read_dir(world.database.directory().unwrap()).unwrap();
            files.flat_map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
        }
        Backend::Postgres => {
            let mut outsider = world.database.outsider().await;
            let tables = "SELECT tablename AS value FROM pg_tables WHERE schemaname = 'public'";
            let mut rows = Vec::new();
            for table in outsider.values(tables).await {
                rows.extend(outsider.values(&format!("SELECT CAST(t AS text) AS value FROM {table} t")).await);
            }
            rows.join("\n").into_bytes()
        }
    }
}

/// Whether the bytes are there, as they are or as hexadecimal digits.
pub(crate) fn contains(dump: &[u8], secret: &[u8]) -> bool {
    let digit = |half| b"0123456789abcdef"[usize::from(half)];
    let digits: Vec<u8> = secret.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(digit).collect();
    let has = |needle: &[u8]| dump.windows(needle.len()).any(|bytes| bytes == needle);
    has(secret) || has(&digits)
}
