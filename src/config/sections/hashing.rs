//! The hashing of passwords with argon2id.

use crate::config::setting::Setting;
use crate::config::source::{InvalidSetting, Source};
use crate::config::value;
use crate::infrastructure::argon2::argon2_hasher::HashingSettings;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("hashing_memory_kib", "Memory of one argon2id computation in KiB.")
        .or("19456")
        .between("19456", "262144"),
    Setting::new("hashing_iterations", "Passes of one argon2id computation over its memory.")
        .or("2")
        .between("2", "16"),
    Setting::new("hashing_threads", "Threads that hash passwords, each with its own memory. 0: one for each CPU.")
        .or("0")
        .between("0", "256"),
    Setting::new("hashing_queue", "The most passwords that wait for a thread; further requests are refused at once.")
        .or("512")
        .between("1", "65536"),
];

/// Reads the section.
pub(in crate::config) fn read(source: &Source) -> Result<HashingSettings, InvalidSetting> {
    let threads = match source.limited("hashing_threads", value::number)? {
        0 => HashingSettings::default().threads,
        threads => threads,
    };
    Ok(HashingSettings {
        memory_kib: source.limited("hashing_memory_kib", value::number)?,
        iterations: source.limited("hashing_iterations", value::number)?,
        threads,
        queue: source.limited("hashing_queue", value::number)?,
    })
}
