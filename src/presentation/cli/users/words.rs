//! Times as RFC 3339 and states by their names: what both formats write, and what CSV reads.

use prost_types::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::proto::UserState;

const STATE: &str = "USER_STATE_";

/// Reads a time; nothing is no time.
pub(super) fn read_time(name: &str, text: &str) -> Result<Option<Timestamp>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let time = OffsetDateTime::parse(text, &Rfc3339);
    let time = time.map_err(|_| format!("{name} must be a time such as 2026-03-01T12:00:00Z"))?;
    Ok(Some(Timestamp { seconds: time.unix_timestamp(), nanos: time.nanosecond().cast_signed() }))
}

/// Writes a time with as many digits as it needs: none, 3, 6 or 9, as the JSON mapping of protobuf has it.
pub(super) fn write_time(time: Option<&Timestamp>) -> String {
    let of = |time: &Timestamp| {
        let whole = OffsetDateTime::from_unix_timestamp(time.seconds).ok()?.format(&Rfc3339).ok()?;
        let whole = whole.strip_suffix('Z')?;
        Some(match time.nanos {
            0 => format!("{whole}Z"),
            nanos if nanos % 1_000_000 == 0 => format!("{whole}.{:03}Z", nanos / 1_000_000),
            nanos if nanos % 1_000 == 0 => format!("{whole}.{:06}Z", nanos / 1_000),
            nanos => format!("{whole}.{nanos:09}Z"),
        })
    };
    time.and_then(of).unwrap_or_default()
}

/// Reads a state, with or without the prefix of the contract; nothing leaves it open.
pub(super) fn read_state(text: &str) -> Result<i32, String> {
    if text.is_empty() {
        return Ok(UserState::Unspecified.into());
    }
    let name = text.strip_prefix(STATE).unwrap_or(text);
    let state = UserState::from_str_name(&format!("{STATE}{name}"));
    state.map(i32::from).ok_or_else(|| "state must be one of PENDING, ACTIVE, SUSPENDED and DELETED".to_owned())
}

/// Writes a state.
pub(super) fn write_state(state: UserState) -> &'static str {
    if state == UserState::Unspecified { "" } else { state.as_str_name() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_digits_they_need() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2026-03-01T12:00:00.500Z",
            "2026-03-01T12:00:00.000001Z",
            "9999-12-31T23:59:59.999999999Z",
            "0001-01-01T00:00:00Z",
        ] {
            assert_eq!(write_time(read_time("t", text).unwrap().as_ref()), text);
        }
        assert_eq!(
            write_time(read_time("t", "2026-03-01T13:00:00.5+01:00").unwrap().as_ref()),
            "2026-03-01T12:00:00.500Z"
        );
        assert_eq!((read_time("t", ""), write_time(None)), (Ok(None), String::new()));
        assert!(read_time("t", "yesterday").is_err());
    }

    #[test]
    fn states_have_two_names() {
        for state in [UserState::Unspecified, UserState::Pending, UserState::Active, UserState::Suspended] {
            assert_eq!(read_state(write_state(state)), Ok(state.into()));
        }
        assert_eq!(read_state("DELETED"), Ok(UserState::Deleted.into()));
        assert!(read_state("deleted").is_err());
    }
}
