//! The forms of answers. None tells what program sends it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// An answer, whole.
pub(super) type Answer = Response<String>;

/// How long documents may be kept without asking again: much less than the lead of a new key over its first signature.
const CACHE: &str = "public, max-age=300";

/// A line of text, of this moment.
pub(super) fn text(status: StatusCode, line: &str) -> Answer {
    let mut answer = fresh("text/plain; charset=utf-8", line.to_owned());
    *answer.status_mut() = status;
    answer
}

/// Content that is true at this moment only.
pub(super) fn fresh(content_type: &'static str, body: String) -> Answer {
    with(body, &[(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-store")])
}

/// A request with another method than GET and HEAD.
pub(super) fn method_not_allowed() -> Answer {
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are served\n");
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    answer
}

/// A public document, which caches may keep and pages of any origin may read. Its body is left out for those who have
/// it already (RFC 9110, section 13.1.2).
pub(super) fn document(content_type: &'static str, content: &Value, request: &HeaderMap) -> Answer {
    let body = content.to_string();
    let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(&body)));
    let is_known = knows(request, &etag);
    let mut answer = with(
        if is_known { String::new() } else { body },
        &[(CONTENT_TYPE, content_type), (CACHE_CONTROL, CACHE), (ACCESS_CONTROL_ALLOW_ORIGIN, "*")],
    );
    if is_known {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        answer.headers_mut().remove(CONTENT_TYPE);
    }
    if let Ok(etag) = HeaderValue::try_from(etag) {
        answer.headers_mut().insert(ETAG, etag);
    }
    answer
}

/// Whether the caller has what this tag names. The tags are compared weakly, as asked for here.
fn knows(request: &HeaderMap, etag: &str) -> bool {
    let values = request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

fn with(body: String, headers: &[(HeaderName, &'static str)]) -> Answer {
    let mut answer = Response::new(body);
    for (name, value) in headers.iter().chain(&[(X_CONTENT_TYPE_OPTIONS, "nosniff")]) {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(values: &[&str]) -> Answer {
        let mut request = HeaderMap::new();
        for value in values {
            request.append(IF_NONE_MATCH, value.parse().unwrap());
        }
        document("application/json", &json!({"a": 1}), &request)
    }

    #[test]
    fn who_has_a_document_gets_no_second_copy() {
        let first = asked(&[]);
        let etag = first.headers()[ETAG].to_str().unwrap();
        assert_eq!((first.status(), first.body().as_str()), (StatusCode::OK, "{\"a\":1}"));
        for condition in [etag, "*", &format!("W/{etag}"), &format!("\"x\" ,{etag}")] {
            let second = asked(&[condition]);
            assert_eq!((second.status(), second.body().as_str()), (StatusCode::NOT_MODIFIED, ""), "{condition}");
            assert_eq!(second.headers()[ETAG], etag);
            assert_eq!(second.headers()[CACHE_CONTROL], CACHE);
        }
        assert_eq!(asked(&["\"x\"", etag]).status(), StatusCode::NOT_MODIFIED);
        for other in ["", "\"x\"", etag.trim_matches('"'), &etag.to_lowercase(), "\u{e9}"] {
            assert_eq!(asked(&[other]).status(), StatusCode::OK, "{other}");
        }
    }

    #[test]
    fn another_document_has_another_tag() {
        let tag = |value: Value| document("application/json", &value, &HeaderMap::new()).headers()[ETAG].clone();
        assert_ne!(tag(json!({"keys": []})), tag(json!({"keys": [1]})));
        assert!(!tag(json!({})).to_str().unwrap().starts_with("W/"), "a strong tag");
    }
}
