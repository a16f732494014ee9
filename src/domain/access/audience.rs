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

    /// The audience to bind a session to; empty text stands for this server alone.
    pub fn choose(&self, requested: &str) -> Result<Option<String>, UnknownAudience> {
        if requested.is_empty() || requested == self.own {
            return Ok(None);
        }
        self.allowed.iter().find(|known| *known == requested).cloned().map(Some).ok_or(UnknownAudience)
    }

    /// The claim `aud` for a session bound to `chosen`. This server always stays among the audiences, so that the
    /// person's own account is reachable with every token.
    #[must_use]
    pub fn claim(&self, chosen: Option<&str>) -> Vec<String> {
        chosen.into_iter().map(str::to_owned).chain([self.own.clone()]).collect()
    }

    /// The claim `aud` for a token of a service: the chosen audience alone, so that nobody it is shown to can use it here.
    #[must_use]
    pub fn claim_of_service(&self, chosen: Option<String>) -> Vec<String> {
        vec![chosen.unwrap_or_else(|| self.own.clone())]
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
        assert_eq!(audiences.claim(Some("orders")), ["orders", "https://id.example"]);
        assert_eq!(audiences.claim_of_service(Some("orders".into())), ["orders"]);
        assert_eq!(audiences.claim_of_service(None), ["https://id.example"]);
    }
}
