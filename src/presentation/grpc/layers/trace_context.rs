//! The trace that a call is part of (W3C Trace Context, section 3.2).

use http::HeaderMap;

const HEADER: &str = "traceparent";

/// The trace id that the caller gave; nothing if there is none or it does not have the form of the standard.
pub(in crate::presentation::grpc) fn trace_id(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(HEADER).iter();
    let (value, None) = (values.next()?.to_str().ok()?, values.next()) else {
        return None;
    };
    let (version, rest) = field(value, 2)?;
    let (trace_id, rest) = field(rest.strip_prefix('-')?, 32)?;
    let (parent_id, rest) = field(rest.strip_prefix('-')?, 16)?;
    let (_flags, rest) = field(rest.strip_prefix('-')?, 2)?;
    // Later versions may append fields.
    let is_whole = rest.is_empty() || (version != "00" && rest.starts_with('-'));
    let is_zero = |id: &str| id.bytes().all(|b| b == b'0');
    (is_whole && version != "ff" && !is_zero(trace_id) && !is_zero(parent_id)).then_some(trace_id)
}

/// A field of this many lower-case hexadecimal digits, and what follows it.
fn field(text: &str, length: usize) -> Option<(&str, &str)> {
    let (field, rest) = text.split_at_checked(length)?;
    field.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')).then_some((field, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn read(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, value.parse().unwrap());
        }
        trace_id(&headers).map(str::to_owned)
    }

    #[test]
    fn the_trace_id_of_a_valid_header_is_taken() {
        for value in [
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-brings",
        ] {
            assert_eq!(read(&[value]).as_deref(), Some(TRACE), "{value}");
        }
    }

    #[test]
    fn anything_else_is_ignored() {
        for value in [
            "",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.more",
            "00-0af7651916cd43dd8448eb211c80319cb7ad6b7169203331-01",
            " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(read(&[value]), None, "{value}");
        }
        let valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(read(&[valid, valid]), None);
        assert_eq!(read(&[]), None);
    }
}
