//! Times as other systems write them.

use prost_types::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A time in milliseconds since 1970.
pub(super) fn of_millis(millis: i64) -> Timestamp {
    let nanos = i32::try_from(millis.rem_euclid(1000) * 1_000_000).unwrap_or_default();
    Timestamp { seconds: millis.div_euclid(1000), nanos }
}

/// A time of RFC 3339, or as PostgreSQL writes it: with a space before the hours, and an offset without minutes.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let mut text = text.replacen(' ', "T", 1);
    if let [.., b'+' | b'-', b'0'..=b'9', b'0'..=b'9'] = text.as_bytes() {
        text.push_str(":00");
    }
    let time = OffsetDateTime::parse(&text, &Rfc3339).ok()?;
    Some(Timestamp { seconds: time.unix_timestamp(), nanos: time.nanosecond().cast_signed() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_other_systems_are_read() {
        let noon = Timestamp { seconds: 1_772_366_400, nanos: 0 };
        for (text, nanos) in [
            ("2026-03-01T12:00:00Z", 0),
            ("2026-03-01T12:00:00+00:00", 0),
            ("2026-03-01 12:00:00+00", 0),
            ("2026-03-01 13:30:00.25+01:30", 250_000_000),
            ("2026-03-01T12:00:00.123456789Z", 123_456_789),
        ] {
            assert_eq!(read(text), Some(Timestamp { nanos, ..noon }), "{text}");
        }
        for text in ["", "2026-03-01", "2026-03-01 12:00:00", "infinity", "1772366400", "+00"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(of_millis(1_772_366_400_250), Timestamp { nanos: 250_000_000, ..noon });
        assert_eq!(of_millis(-1), Timestamp { seconds: -1, nanos: 999_000_000 });
    }
}
