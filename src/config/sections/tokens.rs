//! How long sessions and tokens live.

use time::Duration;

use super::second_factors;
use crate::config::setting::Setting;
use crate::config::source::{InvalidSetting, Source};
use crate::domain::session::SessionLifetimes;
use crate::domain::token::action_token::ActionTokenLifetimes;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("access_token_lifetime", "How long an access token is valid.").or("15m").between("1m", "60m"),
    Setting::new("session_lifetime", "How long after the sign-in a session ends whatever happens.")
        .or("30d")
        .between("5m", "365d"),
    Setting::new(
        "session_idle_lifetime",
        "How long after its last refresh a session ends; at most session_lifetime, and that if it is shorter than the \
         default.",
    )
    .or("14d")
    .between("5m", "365d"),
    Setting::new(
        "refresh_grace",
        "How long a replaced refresh token yields its successor again, for clients that lost the answer.",
    )
    .or("10s")
    .between("0s", "60s"),
    Setting::new("verification_lifetime", "How long the token that proves an e-mail address is valid.")
        .or("8h")
        .between("1m", "24h"),
    Setting::new("reset_lifetime", "How long the token that resets a password is valid.").or("1h").between("1m", "24h"),
    Setting::new("invitation_lifetime", "How long an invitation to choose the first password is valid.")
        .or("24h")
        .between("1h", "7d"),
];

/// Reads how long an access token lives.
pub(super) fn read_access_token_lifetime(source: &Source) -> Result<Duration, InvalidSetting> {
    source.span("access_token_lifetime")
}

/// Reads how long sessions live.
pub(super) fn read_sessions(source: &Source) -> Result<SessionLifetimes, InvalidSetting> {
    let absolute = source.span("session_lifetime")?;
    let mut idle = source.span("session_idle_lifetime")?;
    if idle > absolute {
        if source.has("session_idle_lifetime")? {
            return Err(source.refuse("session_idle_lifetime", "must be at most IPSE_SESSION_LIFETIME"));
        }
        idle = absolute;
    }
    let aal2 = second_factors::read_lifetimes(source)?;
    Ok(SessionLifetimes { absolute, idle, refresh_grace: source.span("refresh_grace")?, aal2 })
}

/// Reads how long mailed tokens live.
pub(super) fn read_action_tokens(source: &Source) -> Result<ActionTokenLifetimes, InvalidSetting> {
    Ok(ActionTokenLifetimes {
        verification: source.span("verification_lifetime")?,
        reset: source.span("reset_lifetime")?,
        invitation: source.span("invitation_lifetime")?,
    })
}
