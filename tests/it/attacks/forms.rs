//! Other texts for the same token, and texts that are none.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ipse::domain::token::signing_key::SigningAlgorithm;

use crate::support::forge::{Forge, altered, with_member};

/// Spellings of a JSON object that a lax reader takes for it, and things that are no object.
pub(super) fn loose_json(text: &str, values: &str) -> Vec<Vec<u8>> {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    vec![
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
        with_member(text, r#""x":"\ud800""#).into_bytes(),
        altered(text, "{", "{/**/").into_bytes(),
        [text.as_bytes(), b"\xff"].concat(),
        nested(2500).into_bytes(),
        with_member(text, &format!(r#""x":{}"#, nested(1500))).into_bytes(),
        with_member(text, &format!(r#""x":{}"#, nested(2000))).into_bytes(),
    ]
}

pub(super) fn other_forms(forge: &Forge) -> Vec<String> {
    let token = forge.genuine();
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    vec![
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{token}.x.y"),
        format!("{header}.{payload}.{payload}.{signature}"),
        format!("{header}.{payload}.{payload}.{payload}.{signature}"),
        format!("{token}="),
        format!("{token}=="),
        format!("{header}=.{payload}.{signature}"),
        format!("{token} x"),
        format!("{token}\n"),
        format!("\t{token}"),
        format!("{token}\t."),
        format!("{header}. {payload}.{signature}"),
        format!("{token}\0"),
        format!("Bearer {token}"),
        token.replace('.', "%2E"),
        token.replace('.', " "),
        format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#),
        format!(r#"{{"payload":"{payload}","signatures":[{{"protected":"{header}","signature":"{signature}"}}]}}"#),
    ]
}

pub(super) fn no_tokens(forge: &Forge) -> Vec<String> {
    let token = forge.genuine();
    let (header, signature) = (token.split_once('.').unwrap().0, token.rsplit_once('.').unwrap().1);
    let empty = URL_SAFE_NO_PAD.encode("{}");
    let mut texts = vec![
        header.to_owned(),
        format!("{empty}.{empty}.{signature}"),
        r#"{"payload":"x","signatures":[]}"#.to_owned(),
        "a".repeat(7000),
        "a".repeat(8193),
        "a".repeat(1 << 16),
    ];
    texts.extend(["", ".", "..", "...", "....", "x", "a.b.c", "\u{e9}.b.c"].map(str::to_owned));
    texts
}

pub(super) fn ordinary_base64(forge: &Forge) -> Vec<String> {
    let key = forge.key(SigningAlgorithm::Es256);
    let respelled = |(url_safe, ordinary)| {
        let token = std::iter::repeat_with(|| forge.token_of(key));
        let (signed, signature) = token
            .filter_map(|token| token.rsplit_once('.').map(|(signed, end)| (signed.to_owned(), end.to_owned())))
            .find(|(_, signature)| signature.contains(url_safe))
            .unwrap();
        format!("{signed}.{}", altered(&signature, url_safe, ordinary))
    };
    [("-", "+"), ("_", "/")].map(respelled).to_vec()
}
