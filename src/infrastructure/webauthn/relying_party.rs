//! Whom passkeys are made for.

/// The service as authenticators and browsers see it: the relying party of WebAuthn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    /// The domain that passkeys are bound to: they work at it and below it.
    pub rp_id: String,
    /// What people know the service by.
    pub name: String,
    /// Where ceremonies may take place, each exactly as clients say it. Web origins outside the domain are related origins,
    /// which browsers take if the domain lists them.
    pub origins: Vec<String>,
}
