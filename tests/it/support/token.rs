//! Access tokens, taken apart.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ipse::application::ports::Clock as _;
use serde_json::Value;

use super::world::World;

/// Header and claims of a token, whoever signed it.
pub(crate) fn read(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    let mut next = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
    (next(), next())
}

/// The payload of a token, as it stands in it.
pub(crate) fn payload(token: &str) -> String {
    let part = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    String::from_utf8(part).unwrap()
}

/// The time of the world as tokens carry it.
pub(crate) fn seconds(world: &World) -> i64 {
    world.clock.now().unix_timestamp()
}
