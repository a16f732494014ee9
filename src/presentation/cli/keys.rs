//! `ipse keys`: signing keys, the root secret and the master key, on the machine of the server.

use clap::Subcommand;
use time::format_description::well_known::Rfc3339;

use super::Origin;
use crate::application::keys::{ListedKey, Rewrapped};
use crate::domain::Timestamp;
use crate::domain::token::signing_key::{SigningAlgorithm, SigningKeyState};

/// What `ipse keys` does.
#[derive(Debug, Subcommand)]
pub enum KeysAction {
    /// List the signing keys that verifiers are told of
    List(Origin),
    /// Make a signing key that takes the place of the present one in 15 minutes
    Rotate {
        /// The algorithm of the new key, instead of that of the settings
        #[arg(long, value_name = "ES256|EdDSA|RS256", value_parser = SigningAlgorithm::parse)]
        algorithm: Option<SigningAlgorithm>,
        #[command(flatten)]
        #[expect(missing_docs, reason = "the doc comment would become the help of the whole command")]
        origin: Origin,
    },
    /// Make a root secret that takes the place of the present one in 5 minutes
    ///
    /// Refresh tokens, page tokens and digests of repeatable requests are made under keys that derive from it. What was
    /// made under the present one stays good for as long as a session lives, so that nobody has to sign in again.
    RotateRoot(Origin),
    /// Seal everything anew, under the current master key, that is sealed under one of the others that are given
    Rewrap(Origin),
}

/// Not everything is sealed under the current master key.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0} sealed values are left under other master keys: run it again once every server seals under the new one; values \
     that do not open are named in the log"
)]
pub struct KeysLeft(u64);

/// The keys as a table with a header.
#[must_use]
pub fn key_table(keys: &[ListedKey]) -> Vec<String> {
    let header = ["KID", "ALGORITHM", "STATE", "CREATED", "ACTIVE FROM", "ACTIVE UNTIL"].map(str::to_owned);
    let rows = keys.iter().map(|(key, state)| {
        let until = key.retire_time.map_or_else(|| "-".to_owned(), time);
        let (from, made) = (time(key.activate_time), time(key.create_time));
        [key.kid.clone(), key.algorithm.name().to_owned(), state_name(*state).to_owned(), made, from, until]
    });
    let row = |[kid, algorithm, state, made, from, until]: [String; 6]| {
        format!("{kid:43}  {algorithm:9}  {state:9}  {made:20}  {from:20}  {until}")
    };
    [header].into_iter().chain(rows).map(row).collect()
}

/// What to print about a key that was just made.
#[must_use]
pub fn new_key((key, _): &ListedKey) -> Vec<String> {
    vec![format!(
        "the key {} ({}) is published and signs from {}",
        key.kid,
        key.algorithm.name(),
        time(key.activate_time)
    )]
}

/// What to print about a root secret that was just made.
#[must_use]
pub fn new_root_secret(in_use_from: Timestamp) -> Vec<String> {
    vec![format!("the new root secret is in use from {}; nobody has to sign in again", time(in_use_from))]
}

/// What to print about a change of the master key.
pub fn rewrapped(tables: &[Rewrapped]) -> Result<Vec<String>, KeysLeft> {
    let left = tables.iter().map(|table| table.left).sum();
    if left > 0 {
        return Err(KeysLeft(left));
    }
    let line = |Rewrapped { table, resealed, .. }: &Rewrapped| format!("{table}: {resealed} sealed anew");
    let end = "nothing is left under other master keys: they can be taken out of IPSE_OTHER_MASTER_KEYS".to_owned();
    Ok(tables.iter().map(line).chain([end]).collect())
}

fn state_name(state: SigningKeyState) -> &'static str {
    match state {
        SigningKeyState::Published => "published",
        SigningKeyState::Active => "active",
        SigningKeyState::Retiring => "retiring",
        SigningKeyState::Retired => "retired",
    }
}

/// In whole seconds, as tables are read by people.
fn time(time: Timestamp) -> String {
    time.truncate_to_second().format(&Rfc3339).unwrap_or_default()
}
