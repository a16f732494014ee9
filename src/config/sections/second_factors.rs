//! Second factors: who must have one, how long it counts, and how support takes one away.

use time::Duration;

use crate::config::setting::Setting;
use crate::config::source::{InvalidSetting, Source};
use crate::domain::session::authentication::{Aal2Lifetimes, MfaPolicy};

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new(
        "mfa",
        "Who must have a second factor beside those whose role demands it: optional for nobody else, administrators, or \
         required for everybody. Who must and has none can enrol one after the sign-in, and do nothing else.",
    )
    .or("administrators")
    .or_in_dev("optional"),
    Setting::new(
        "aal2_lifetime",
        "How long a second factor counts, whatever happens; after that the session continues at the level of one factor.",
    )
    .or("24h")
    .between("5m", "24h"),
    Setting::new(
        "aal2_idle",
        "How long a second factor counts without a refresh of the session; at most aal2_lifetime, and that if it is shorter \
         than the default.",
    )
    .or("1h")
    .between("5m", "1h"),
    Setting::new(
        "factor_reset_delay",
        "How long the removal of somebody's second factors by support waits. They are told, and may stop it.",
    )
    .or("24h")
    .or_in_dev("0s")
    .between("0s", "72h"),
];

/// Reads who must have a second factor.
pub(super) fn read_policy(source: &Source) -> Result<MfaPolicy, InvalidSetting> {
    source.required("mfa", |text| match text {
        "optional" => Ok(MfaPolicy::Optional),
        "administrators" => Ok(MfaPolicy::Administrators),
        "required" => Ok(MfaPolicy::Required),
        _ => Err("must be optional, administrators or required"),
    })
}

/// Reads how long a second factor counts.
pub(super) fn read_lifetimes(source: &Source) -> Result<Aal2Lifetimes, InvalidSetting> {
    let lifetime = source.span("aal2_lifetime")?;
    let mut idle = source.span("aal2_idle")?;
    if idle > lifetime {
        if source.has("aal2_idle")? {
            return Err(source.refuse("aal2_idle", "must be at most IPSE_AAL2_LIFETIME"));
        }
        idle = lifetime;
    }
    Ok(Aal2Lifetimes { lifetime, idle })
}

/// Reads how long the removal of second factors by support waits.
pub(super) fn read_reset_delay(source: &Source) -> Result<Duration, InvalidSetting> {
    source.span("factor_reset_delay")
}
