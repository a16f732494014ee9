//! The services that access tokens are for.

/// The audience is not one this server issues tokens for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the audience is not configured")]
pub struct UnknownAudience;

/// The audiences of this server: its own, which is the issuer, and those an operator allows (RFC 9700, section 2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audiences {
    own: String,
    allowed: Vec<String>,
}

impl Audiences {
    /// The server's own audience and the allowed others.
    #[must_use]
    pub fn new(own: String, allowed: Vec<String>) -> Self {
        Self { own, allowed }
    }

    /// The audience that this server itself accepts.
    #[must_use]
    pub fn own(&self) -> &str {
        &self.own
    }

    /// The audience that a token is to be for; none, as for empty text, stands for this server.
    pub fn choose(&self, requested: &str) -> Result<Option<String>, UnknownAudience> {
        if requested.is_empty() || requested == self.own {
            return Ok(None);
        }
        self.allowed.iter().find(|audience| *audience == requested).cloned().map(Some).ok_or(UnknownAudience)
    }

    /// The claim `aud` of a token: the chosen audience alone, so that nobody it is shown to can use it here.
    #[must_use]
    pub fn claim(&self, chosen: Option<&str>) -> Vec<String> {
        vec![chosen.unwrap_or(&self.own).to_owned()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_configured_audiences_are_served() {
        let audiences = Audiences::new("https://id.example".into(), vec!["orders".into()]);
        assert_eq!(audiences.choose(""), Ok(None));
        assert_eq!(audiences.choose("https://id.example"), Ok(None));
        assert_eq!(audiences.choose("orders"), Ok(Some("orders".into())));
        assert_eq!(audiences.choose("order"), Err(UnknownAudience));
        assert_eq!(audiences.claim(Some("orders")), ["orders"]);
        assert_eq!(audiences.claim(None), ["https://id.example"]);
    }
}
