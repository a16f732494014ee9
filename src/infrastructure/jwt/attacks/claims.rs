//! Claims that are missing, doubled, of another type or out of range.

use super::INVALID;
use crate::application::ports::TokenRejected;
use crate::infrastructure::jwt::forge::{Forge, PAYLOAD, SERVICE_PAYLOAD, altered, at, claims, service_claims};

#[test]
fn each_claim_is_present_once_in_its_type_and_in_range() {
    let forge = Forge::new();
    let header = Forge::header(&forge.ed25519);
    let refused = |payload: &str| {
        assert_eq!(forge.verdict(&forge.signed(&header, payload)), Err(INVALID), "{payload}");
    };
    let good: serde_json::Value = serde_json::from_str(PAYLOAD).unwrap();
    for (name, value) in good.as_object().unwrap() {
        // Roles that would make a token too long are left out.
        let may_be_absent = name == "roles";
        let mut absent = good.clone();
        absent.as_object_mut().unwrap().remove(name);
        if !may_be_absent {
            refused(&absent.to_string());
        }
        let member = format!(r#""{name}":{value}"#);
        refused(&altered(PAYLOAD, &member, &format!("{member},{member}")));
        for wrong in ["null", "{}", "[[]]", "[7]", "true", "1.5", "1e400", r#""x""#, r#""\ud800""#] {
            // Any text is a level: only this server writes one.
            if (name != "acr" || wrong != r#""x""#) && (!may_be_absent || wrong != "null") {
                refused(&altered(PAYLOAD, &member, &format!(r#""{name}":{wrong}"#)));
            }
        }
    }
    for (from, to) in [
        ("1700000900", r#""1700000900""#),
        ("1700000900", "1700000900.0"),
        ("1700000900", "17000009e2"),
        ("1700000900", "9223372036854775807"),
        ("1700000900", "9223372036854775808"),
        ("1700000900", "-9223372036854775808"),
        ("1700000900", "1700003601"),
        ("1700000900", "1700000000"),
        (r#""iat":1700000000"#, r#""iat":1700000161"#),
        (r#""iat":1700000000"#, r#""iat":-1"#),
        (r#""exp":1700000900"#, r#""exp":-1"#),
        ("https://id.example", "https://id.example/"),
        ("https://id.example", "https://ID.example"),
        ("https://id.example", "https://other.example"),
        (r#""https://id.example""#, r#"["https://id.example"]"#),
        (r#"["orders","api"]"#, "[]"),
        (r#"["orders","api"]"#, r#"["orders"]"#),
        (r#"["orders","api"]"#, r#""orders""#),
        (r#"["orders","api"]"#, r#""ap""#),
        (r#"["orders","api"]"#, r#""api2""#),
        (r#"["orders","api"]"#, r#""API""#),
        (r#"["orders","api"]"#, r#""orders api""#),
        ("01890a5d-ac96-774b-bcce-b302099a8057", ""),
        ("01890a5d-ac96-774b-bcce-b302099a8057", "u1"),
        ("01890a5d-ac96-774b-bcce-b302099a8057", "01890a5dac96774bbcceb302099a8057"),
        (r#""client_id":"ipse""#, r#""client_id":"other""#),
        (r#""acr""#, r#""nbf":1700000161,"acr""#),
        (r#""acr""#, r#""email":"a@b.de","acr""#),
        (r#""roles""#, r#""scope":"orders.read","roles""#),
        (r#""roles":["support"]"#, r#""scope":"""#),
        (r#""roles":["support"]"#, r#""scope":"orders.read  orders.write""#),
        (r#""client_id":"ipse""#, r#""client_id":"01890a5d-ac96-774b-bcce-b302099a8057""#),
    ] {
        refused(&altered(PAYLOAD, from, to));
    }
}

/// What tells people from services must not be mixed, or one could pass for the other.
#[test]
fn a_token_is_a_persons_or_a_services() {
    let forge = Forge::new();
    let header = Forge::header(&forge.ed25519);
    let verdict = |payload: &str| forge.verdict(&forge.signed(&header, payload));
    assert_eq!(verdict(SERVICE_PAYLOAD), Ok(service_claims()));
    for (from, to) in [
        (r#""scope""#, r#""acr":"urn:ipse:aal:1","scope""#),
        (r#""scope""#, r#""auth_time":1699999500,"amr":["pwd"],"acr":"urn:ipse:aal:1","scope""#),
        (r#""client_id":"01890a5d-ac96-774b-bcce-b302099a8057""#, r#""client_id":"ipse""#),
        (
            r#""client_id":"01890a5d-ac96-774b-bcce-b302099a8057""#,
            r#""client_id":"01890a5d-ac96-774b-bcce-b302099a8058""#,
        ),
    ] {
        assert_eq!(verdict(&altered(SERVICE_PAYLOAD, from, to)), Err(INVALID), "{to}");
    }
}

#[test]
fn expiry_has_no_leeway_and_is_told_only_of_genuine_tokens() {
    let forge = Forge::new();
    let header = Forge::header(&forge.ed25519);
    let token = forge.signed(&header, PAYLOAD);
    let last = at(900) - time::Duration::MICROSECOND;
    assert_eq!(forge.verdict_at(&token, last), Ok(claims()));
    for second in [900, 961, 1_000_000] {
        assert_eq!(forge.verdict_at(&token, at(second)), Err(TokenRejected::Expired));
    }
    assert_eq!(forge.verdict_at(&token, at(-60)), Ok(claims()), "a clock that is 60 s behind");
    assert_eq!(forge.verdict_at(&token, at(-61)), Err(INVALID));
    let other = forge.signed(&header, "{}");
    let ((signed, _), (_, signature)) = (token.rsplit_once('.').unwrap(), other.rsplit_once('.').unwrap());
    for forged in [
        format!("{signed}.{signature}"),
        forge.signed(&header, altered(PAYLOAD, "id.example", "id.examplf")),
        forge.signed(&header, altered(PAYLOAD, r#""api""#, r#""apj""#)),
        forge.signed(altered(&header, "at+jwt", "JWT"), PAYLOAD),
    ] {
        assert_eq!(forge.verdict_at(&forged, at(1000)), Err(INVALID), "{forged}");
    }
}
