//! Access tokens as requests carry them.

use crate::application::access::caller::Bearer;
use crate::domain::secret::Secret;

/// The access token among the values of `authorization`: exactly one, of the scheme `Bearer` (RFC 6750). The white space
/// around a value is none of its own (RFC 9110, section 5.5), and any number of spaces may follow the scheme (11.4).
pub(super) fn from_values<'v>(mut values: impl Iterator<Item = &'v [u8]>) -> Bearer {
    let (Some(value), None) = (values.next(), values.next()) else {
        return Bearer::Missing;
    };
    let text = str::from_utf8(value).ok().filter(|text| text.is_ascii()).map(|text| text.trim_matches([' ', '\t']));
    match text.and_then(|text| text.split_once(' ')) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Bearer::Token(Secret::new(token.trim_start_matches(' ')))
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
        for values in
            [&[][..], &["Bearer"], &["Bearer "], &["Bearer   "], &["Basic a"], &["a.b.c"], &["Bearer a", "Bearer b"]]
        {
            assert_eq!(read(values), None, "{values:?}");
        }
        for value in ["Bearer  a.b.c", "Bearer a.b.c ", " Bearer     a.b.c  ", "\tbearer a.b.c\t"] {
            assert_eq!(read(&[value]).as_deref(), Some("a.b.c"), "{value:?}");
        }
        for value in ["Bearer\ta.b.c", "Bearer\u{a0}a.b.c", "Bearera.b.c", "Bearer, a.b.c"] {
            assert_eq!(read(&[value]), None, "{value:?}");
        }
        for (joined, token) in [("Bearer a,Bearer b", "a,Bearer b"), ("Bearer  a b", "a b"), ("Bearer \ta", "\ta")] {
            assert_eq!(read(&[joined]).as_deref(), Some(token), "no token of ours, and told so");
        }
    }
}
