//! The time a call may take.

use std::time::Duration;

use http::HeaderMap;

/// The metadata `grpc-timeout` does not have the form of the gRPC specification.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::presentation::grpc) struct MalformedTimeout;

/// The smaller of the client's and the server's limit.
pub(in crate::presentation::grpc) fn from_headers(
    headers: &HeaderMap,
    server_limit: Duration,
) -> Result<Duration, MalformedTimeout> {
    let Some(value) = headers.get("grpc-timeout") else {
        return Ok(server_limit);
    };
    let client_limit = value.to_str().ok().and_then(parse).ok_or(MalformedTimeout)?;
    Ok(client_limit.min(server_limit))
}

/// At most eight digits and a unit.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_limit_counts_and_malformed_ones_are_refused() {
        let limit = Duration::from_secs(10);
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", value.parse().unwrap());
            from_headers(&headers, limit)
        };
        assert_eq!(from_headers(&HeaderMap::new(), limit), Ok(limit));
        assert_eq!(with("50m"), Ok(Duration::from_millis(50)));
        assert_eq!(with("99999999H"), Ok(limit));
        assert_eq!(with("1n"), Ok(Duration::from_nanos(1)));
        for value in ["", "5", "m", "5x", "-5m", "5.0S", "123456789S", " 5S", "5S ", "+5S"] {
            assert_eq!(with(value), Err(MalformedTimeout), "{value}");
        }
    }
}
