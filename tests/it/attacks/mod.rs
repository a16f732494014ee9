//! Known attacks on the verification of JSON Web Tokens: one list, run at each door that takes an access token.
//!
//! The doors are the verifier itself (`at_the_verifier`) and everything a caller can reach that asks it
//! (`at_the_service`). Where a token carries a genuine signature although only an attacker would make it, the test shows
//! that the check in question does not lean on the signature.

mod at_the_service;
mod at_the_verifier;
mod claims;
mod forms;
mod headers;
mod numbers;
mod signatures;

use crate::support::forge::{Forge, altered};

/// An attack by its name, and the tokens that try it.
type Attack = (&'static str, fn(&Forge) -> Vec<String>);

const LIST: [Attack; 30] = [
    ("the header names another algorithm, or none", headers::other_algorithms),
    ("the header names the algorithm or the key of another family", headers::mixed_families),
    ("the token is signed by a stranger's key", headers::strangers),
    ("an RSA key signs with another hash or padding", headers::other_rsa_schemes),
    ("the header names no key that is in use", headers::other_key_names),
    ("the header has members beyond the three", headers::extra_members),
    ("the token is of another type", headers::other_types),
    ("the token names a place to fetch a key from", headers::places_of_keys),
    ("the header is no strict JSON", headers::loose_json),
    ("a claim is missing", claims::missing),
    ("a claim is there twice", claims::doubled),
    ("a claim is of another type", claims::of_another_type),
    ("a time is out of range", claims::times),
    ("the issuer is another", claims::issuers),
    ("the audience is another", claims::audiences),
    ("the subject or the client is malformed", claims::parties),
    ("there are claims beyond those of an access token", claims::extra),
    ("the scope is malformed, or stands beside roles", claims::scopes),
    ("a person's claims are mixed with a service's", claims::mixed_principals),
    ("claims were changed after signing", claims::changed_after_signing),
    ("the claims are no strict JSON", claims::loose_json),
    ("the text is not in the compact form", forms::other_forms),
    ("the text is no token", forms::no_tokens),
    ("the parts are in the alphabet of ordinary base64", forms::ordinary_base64),
    ("the signature is in another spelling of base64", signatures::respelled),
    ("a public key is taken for a shared secret", signatures::shared_secrets),
    ("an ECDSA signature was never made with the key", signatures::p256),
    ("an Ed25519 signature was never made with the key", signatures::ed25519),
    ("an RSA signature was never made with the key", signatures::rsa),
    ("the signature is that of another message", signatures::of_another_message),
];

/// Tokens beside the plainest that have to be accepted, or nothing would be shown by refusing the others.
fn good_tokens(forge: &Forge) -> Vec<String> {
    let mut good: Vec<_> = forge.keys.iter().map(|key| forge.token_of(key)).collect();
    let header = forge.signer().header();
    for typ in ["at+JWT", "AT+JWT", "application/at+jwt", "Application/AT+JWT"] {
        good.push(forge.signer().sign(altered(&header, "at+jwt", typ), &forge.person));
    }
    let audience = claims::member(&forge.person, "aud");
    good.push(forge.sign(altered(&forge.person, &audience, &format!(r#""aud":"{}""#, claims::ISSUER))));
    good.push(forge.sign(&forge.service));
    good.push(signatures::twin(forge));
    good
}
