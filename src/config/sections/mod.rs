//! The sections: each with its table of settings and the reading of them into what the owner of the values takes.

pub(super) mod accounts;
pub(super) mod audit;
pub mod command_line;
pub mod data_folder;
pub mod database;
pub(super) mod hashing;
mod issuer;
mod limits;
pub mod listener;
pub mod log;
pub(super) mod mail;
pub(super) mod master_keys;
pub(super) mod relying_party;
mod second_factors;
pub(super) mod signing_keys;
mod tls;
mod tokens;
pub(super) mod traces;

use super::setting::Setting;

/// All sections, in the order in which they are listed.
const SECTIONS: [&[Setting]; 18] = [
    database::SETTINGS,
    listener::SETTINGS,
    tls::SETTINGS,
    limits::SETTINGS,
    master_keys::SETTINGS,
    issuer::SETTINGS,
    signing_keys::SETTINGS,
    tokens::SETTINGS,
    accounts::SETTINGS,
    second_factors::SETTINGS,
    relying_party::SETTINGS,
    audit::SETTINGS,
    hashing::SETTINGS,
    mail::SETTINGS,
    data_folder::SETTINGS,
    log::SETTINGS,
    traces::SETTINGS,
    command_line::SETTINGS,
];

/// Every setting, in the order in which they are listed.
pub fn settings() -> impl Iterator<Item = &'static Setting> + Clone {
    SECTIONS.into_iter().flatten()
}
