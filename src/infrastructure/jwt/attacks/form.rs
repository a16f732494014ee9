//! Other texts for the same token, and texts that are none.

use proptest::prelude::*;

use super::INVALID;
use crate::infrastructure::jwt::forge::{Forge, PAYLOAD, altered};

#[test]
fn json_is_read_strictly() {
    let forge = Forge::new();
    let header = Forge::header(&forge.ed25519);
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let forms = |text: &str, values: &str| {
        [
            vec![],
            b"null".to_vec(),
            b"{}".to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            utf16(text),
            format!("{text}{text}").into_bytes(),
            format!("{text}\0").into_bytes(),
            format!(" {text}").into_bytes(),
            format!("[{text}]").into_bytes(),
            values.as_bytes().to_vec(),
            altered(text, "}", ",}").into_bytes(),
            altered(text, "}", r#","x":"\ud800"}"#).into_bytes(),
            altered(text, "{", "{/**/").into_bytes(),
            [text.as_bytes(), b"\xff"].concat(),
            format!("{}{}", "[".repeat(2500), "]".repeat(2500)).into_bytes(),
            altered(text, "}", &format!(r#","x":{}{}}}"#, "[".repeat(2000), "]".repeat(2000))).into_bytes(),
        ]
    };
    let values = format!(r#"["EdDSA","at+jwt","{}"]"#, forge.ed25519.key.kid);
    for forged in forms(&header, &values) {
        assert_eq!(forge.verdict(&forge.signed(&forged, PAYLOAD)), Err(INVALID), "{forged:?}");
    }
    let good: serde_json::Value = serde_json::from_str(PAYLOAD).unwrap();
    let order = ["iss", "sub", "aud", "exp", "iat", "jti", "sid", "auth_time", "acr", "amr", "client_id"];
    let values = serde_json::to_string(&order.map(|name| &good[name])).unwrap();
    for forged in forms(PAYLOAD, &values) {
        assert_eq!(forge.verdict(&forge.signed(&header, &forged)), Err(INVALID), "{forged:?}");
    }
}

#[test]
fn the_compact_form_is_the_only_one() {
    let forge = Forge::new();
    let token = forge.signed(Forge::header(&forge.ed25519), PAYLOAD);
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    let stray_bits = format!("{}{}", &token[..token.len() - 1], sibling(token.chars().last().unwrap()));
    for forged in [
        String::new(),
        ".".into(),
        "..".into(),
        "....".into(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{header}.{payload}.{payload}.{signature}"),
        format!("{header}.{payload}.{payload}.{payload}.{signature}"),
        format!("{token}="),
        format!("{token}=="),
        format!("{header}=.{payload}.{signature}"),
        format!("{token} "),
        format!("{token}\n"),
        format!(" {token}"),
        format!("{header}. {payload}.{signature}"),
        format!("{token}\0"),
        format!("Bearer {token}"),
        token.replace('.', "%2E"),
        stray_bits,
        format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#),
        format!(r#"{{"payload":"{payload}","signatures":[{{"protected":"{header}","signature":"{signature}"}}]}}"#),
    ] {
        assert_eq!(forge.verdict(&forged), Err(INVALID), "{forged}");
    }
}

#[test]
fn the_alphabet_of_ordinary_base64_is_refused() {
    let forge = Forge::new();
    for (url_safe, ordinary) in [("-", "+"), ("_", "/")] {
        let (signed, signature) = std::iter::repeat_with(|| forge.signed_with_p256(PAYLOAD))
            .filter_map(|token| token.rsplit_once('.').map(|(signed, end)| (signed.to_owned(), end.to_owned())))
            .find(|(_, signature)| signature.contains(url_safe))
            .unwrap();
        let respelled = format!("{signed}.{}", altered(&signature, url_safe, ordinary));
        assert_eq!(forge.verdict(&respelled), Err(INVALID), "{respelled}");
    }
}

/// A character whose first two bits are the same, so that a lax decoder sees the same bytes at the end of 64.
fn sibling(last: char) -> char {
    match last {
        'A' => 'B',
        'Q' => 'R',
        'g' => 'h',
        'w' => 'x',
        other => panic!("not the last character of 64 bytes: {other}"),
    }
}

#[test]
fn tokens_over_8_kib_are_not_looked_at() {
    let forge = Forge::new();
    let header = Forge::header(&forge.ed25519);
    let token = |filler: usize| forge.signed(&header, altered(PAYLOAD, "urn:ipse:aal:1", &"a".repeat(filler)));
    let (mut within, mut beyond) = (0, 0);
    for filler in 5600..5720 {
        let token = token(filler);
        assert_eq!(forge.verdict(&token).is_ok(), token.len() <= 8192, "{}", token.len());
        if token.len() <= 8192 { within += 1 } else { beyond += 1 }
    }
    assert!(within > 0 && beyond > 0, "the limit lies between");
    assert_eq!(forge.verdict(&token(1 << 20)), Err(INVALID));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_mutation_of_a_token_verifies(
        place in any::<prop::sample::Index>(),
        with in "[A-Za-z0-9_.=+/ \u{e9}-]",
        kind in 0..4,
        signer in 0..3_usize,
    ) {
        thread_local!(static FORGE: Forge = Forge::new());
        FORGE.with(|forge| {
            let token = Forge::token_of(forge.keys()[signer]);
            let place = place.index(token.len());
            let (before, after) = token.split_at(place);
            let mutated = match kind {
                0 => format!("{before}{with}{}", &after[1..]),
                1 => format!("{before}{with}{after}"),
                2 => format!("{before}{}", &after[1..]),
                _ => before.to_owned(),
            };
            prop_assert_eq!(forge.verdict(&mutated).is_ok(), mutated == token, "{}", mutated);
            Ok(())
        })?;
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}(\\.[A-Za-z0-9_-]{0,90}){0,4}") {
        thread_local!(static FORGE: Forge = Forge::new());
        prop_assert_eq!(FORGE.with(|forge| forge.verdict(&text)), Err(INVALID));
    }
}
