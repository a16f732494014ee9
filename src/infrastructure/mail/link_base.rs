//! Where the links in mail lead.

use crate::domain::secret::Secret;

/// The address of the web pages that take mailed tokens. It comes from settings alone: one taken from a request's host
/// would let a stranger have tokens mailed in links to a host of his.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkBase(String);

impl LinkBase {
    /// Takes a URL without query and fragment, and without a slash at its end.
    #[must_use]
    pub fn new(url: String) -> Self {
        Self(url)
    }

    /// The URL without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The link to a page, with the token in the fragment: browsers send that to no server, so that no access log,
    /// proxy or `Referer` header ever holds it. The page's script reads it and sends it in the RPC.
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
        let base = LinkBase::new("https://example.com:8443/app".to_owned());
        assert_eq!(
            base.link("verify-email", &Secret::new("t-_0")),
            "https://example.com:8443/app/verify-email#token=t-_0"
        );
    }
}
