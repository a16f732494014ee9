//! Second factors, and whom passkeys are made for.

use super::*;

#[test]
fn second_factors_are_asked_of_those_who_have_one_or_of_everybody() {
    let mfa = |text: &str| Case::production().set("IPSE_MFA", text);
    assert_eq!(mfa("required").load().policy.mfa, MfaPolicy::Required);
    assert_eq!(mfa("optional").load().policy.mfa, MfaPolicy::Optional);
    for text in ["", "true", "Required", "required "] {
        assert_eq!(mfa(text).error(), "IPSE_MFA: must be optional, administrators or required");
    }
    let short = mfa("required").set("IPSE_PASSWORD_MIN_LENGTH", "8").load().warnings(now());
    assert!(!short.iter().any(|warning| warning.contains("NIST")), "{short:?}");
}

#[test]
fn an_idle_time_fits_into_the_life_of_a_second_factor() {
    let short = Case::production().set("IPSE_AAL2_LIFETIME", "30m");
    assert_eq!(short.load().policy.sessions.aal2.idle, time::Duration::minutes(30));
    let longer = Case::production().set("IPSE_AAL2_LIFETIME", "30m").set("IPSE_AAL2_IDLE", "31m");
    assert_eq!(longer.error(), "IPSE_AAL2_IDLE: must be at most IPSE_AAL2_LIFETIME");
}

#[test]
fn passkeys_are_for_the_issuer_unless_told_otherwise() {
    let party = |case: Case| case.load().relying_party;
    let bare = party(Case::production().set("IPSE_ISSUER", "https://id.example.com:8443/tenants/one"));
    assert_eq!(bare.rp_id, "id.example.com");
    assert_eq!(bare.name, "id.example.com:8443/tenants/one");
    assert_eq!(bare.origins, ["https://id.example.com:8443"]);

    let parent =
        Case::production().set("IPSE_ISSUER", "https://id.example.com").set("IPSE_WEBAUTHN_RP_ID", "example.com");
    let parent = party(parent.set("IPSE_WEBAUTHN_ORIGINS", "https://app.example.com, https://example.org"));
    assert_eq!(parent.rp_id, "example.com");
    assert_eq!(parent.origins, ["https://app.example.com", "https://example.org"]);

    let numbered = party(Case::production().set("IPSE_ISSUER", "https://192.0.2.1"));
    assert_eq!(numbered.rp_id, "192.0.2.1", "there are no passkeys for it, and it starts as before");
}

#[test]
fn origins_that_do_not_go_with_the_domain_are_refused() {
    let astray = "does not go together: no web origin is at IPSE_WEBAUTHN_RP_ID or below it";
    let other = Case::production().set("IPSE_WEBAUTHN_RP_ID", "other.example");
    assert_eq!(other.error(), format!("IPSE_WEBAUTHN_RP_ID: {astray}"));
    let origins = |text: &str| Case::production().set("IPSE_WEBAUTHN_ORIGINS", text);
    assert_eq!(origins("https://app.example.com").error(), format!("IPSE_WEBAUTHN_ORIGINS: {astray}"));
    let local = origins("https://id.example,http://localhost:3000").error();
    assert!(local.starts_with("IPSE_WEBAUTHN_ORIGINS: does not go with an origin on localhost"), "{local}");
    for text in ["", "https://id.example/", "http://id.example"] {
        assert!(origins(text).error().starts_with("IPSE_WEBAUTHN_ORIGINS: must be origins such as"), "{text}");
    }
    let number = Case::production().set("IPSE_WEBAUTHN_RP_ID", "192.0.2.1").error();
    assert!(number.starts_with("IPSE_WEBAUTHN_RP_ID: must be a domain"), "{number}");
}
