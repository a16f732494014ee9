//! Access tokens as requests carry them.

use crate::application::access::caller::Bearer;
use crate::domain::secret::Secret;

/// The access token among the values of `authorization`: exactly one, of the scheme `Bearer` (RFC 6750).
pub(super) fn from_values<'v>(mut values: impl Iterator<Item = &'v [u8]>) -> Bearer {
    let (Some(value), None) = (values.next(), values.next()) else {
        return Bearer::Missing;
    };
    match str::from_utf8(value).ok().filter(|text| text.is_ascii()).and_then(|text| text.split_once(' ')) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() => {
            Bearer::Token(Secret::new(token))
        }
        _ => Bearer::Missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_bearer_value_is_a_token() {
        let read = |values: &[&str]| match from_values(values.iter().map(|value| value.as_bytes())) {
            Bearer::Token(token) => Some(token.expose().to_owned()),
            Bearer::Missing => None,
        };
        assert_eq!(read(&["Bearer a.b.c"]).as_deref(), Some("a.b.c"));
        assert_eq!(read(&["bEARER a.b.c"]).as_deref(), Some("a.b.c"));
        for values in [&[][..], &["Bearer"], &["Bearer "], &["Basic a"], &["a.b.c"], &["Bearer a", "Bearer b"]] {
            assert_eq!(read(values), None, "{values:?}");
        }
    }
}
