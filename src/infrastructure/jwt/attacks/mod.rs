//! SignInCandidate attacks on the verification of JSON Web Tokens, each as one line of a table. Where a token carries a genuine
//! signature although only an attacker would make it, the test shows that the check in question does not lean on it.

mod claims;
mod form;
mod header;
mod signature;

use super::forge::{Forge, PAYLOAD, altered, claims};
use crate::application::ports::TokenRejected;

const INVALID: TokenRejected = TokenRejected::Invalid;

#[test]
fn good_tokens_are_accepted() {
    let forge = Forge::new();
    for key in forge.keys() {
        assert_eq!(forge.verdict(&Forge::token_of(key)), Ok(claims()), "{:?}", key.key.algorithm);
    }
    let header = Forge::header(&forge.ed25519);
    for accepted in ["at+jwt", "at+JWT", "AT+JWT", "application/at+jwt", "Application/AT+JWT"] {
        let token = forge.signed(altered(&header, "at+jwt", accepted), PAYLOAD);
        assert_eq!(forge.verdict(&token), Ok(claims()), "{accepted}");
    }
    let lone_audience = altered(PAYLOAD, r#"["orders","api"]"#, r#""api""#);
    assert_eq!(forge.verdict(&forge.signed(header, lone_audience)).unwrap().audience, ["api"]);
}
