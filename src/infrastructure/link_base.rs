//! Where the links in mail lead.

use url::Url;

use crate::domain::secret::Secret;

/// The text cannot be the base of links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an https URL without user, query and fragment")]
pub struct InvalidLinkBase;

/// The address of the web pages that take mailed tokens. It comes from settings alone: one taken from a request's host
/// would let a stranger have tokens mailed in links to a host of his.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkBase(String);

impl LinkBase {
    /// Reads an https URL; a slash at its end makes no difference.
    pub fn parse(text: &str) -> Result<Self, InvalidLinkBase> {
        let url = Url::parse(text).map_err(|_| InvalidLinkBase)?;
        let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        if url.scheme() != "https" || !bare || url.fragment().is_some() {
            return Err(InvalidLinkBase);
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// The link to a page, with the token in the fragment: browsers send that to no server, so that no access log,
    /// proxy or `Referer` header ever holds it. The page's script reads it and calls the RPC.
    #[must_use]
    pub fn link(&self, page: &str, token: &Secret) -> String {
        format!("{}/{page}#token={}", self.0, token.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_base_page_and_token_in_the_fragment() {
        for (base, link) in [
            ("https://example.com", "https://example.com/verify-email#token=t-_0"),
            ("https://example.com/", "https://example.com/verify-email#token=t-_0"),
            ("https://example.com:8443/app/", "https://example.com:8443/app/verify-email#token=t-_0"),
            ("https://bücher.example", "https://xn--bcher-kva.example/verify-email#token=t-_0"),
        ] {
            assert_eq!(LinkBase::parse(base).unwrap().link("verify-email", &Secret::new("t-_0")), link);
        }
    }

    #[test]
    fn anything_but_a_plain_https_url_is_refused() {
        for text in [
            "",
            "example.com",
            "/app",
            "https://",
            "http://example.com",
            "javascript:alert(1)",
            "https://user@example.com",
            "https://:password@example.com",
            "https://example.com/?next=1",
            "https://example.com/#",
        ] {
            assert_eq!(LinkBase::parse(text), Err(InvalidLinkBase), "{text}");
        }
    }
}
