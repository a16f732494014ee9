//! Tokens that this service would never make, most of them with a genuine signature. Those that no header can carry are
//! tested beside the code that reads tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::Value;

use crate::support::token::{self, Forge};

/// SignInCandidate attacks on the verification of tokens, as changes of a genuine one.
pub(super) fn on(forge: &Forge, genuine: &str) -> Vec<String> {
    let (header, claims) = token::read(genuine);
    let (header, claims) = (header.to_string(), claims.to_string());
    let mut forged = headers(forge, &header, &claims);
    forged.extend(payloads(forge, &header, &claims));
    forged.extend(signatures(forge, genuine, &header, &claims));
    forged.extend(forms(genuine));
    forged
}

/// Tokens that name a place to get the key from, or something else.
pub(super) fn that_name(forge: &Forge, genuine: &str, url: &str) -> Vec<String> {
    let (header, claims) = token::read(genuine);
    let (header, claims) = (header.to_string(), claims.to_string());
    let kid = forge.public["kid"].as_str().unwrap();
    let issuer = token::read(genuine).1["iss"].to_string();
    let mut forged: Vec<_> = ["jku", "x5u", "iss", "kid", "url", "jwks_uri"]
        .iter()
        .map(|name| altered(&header, "}", &format!(r#","{name}":"{url}"}}"#)))
        .chain([altered(&header, kid, url)])
        .map(|header| forge.sign_text(&header, &claims))
        .collect();
    let (elsewhere, more) = (altered(&claims, &issuer, &format!("\"{url}\"")), format!(r#","jku":"{url}"}}"#));
    forged.extend([elsewhere, altered(&claims, "}", &more)].map(|claims| forge.sign_text(&header, &claims)));
    forged
}

/// The header tries to choose the algorithm, the key or the reading.
fn headers(forge: &Forge, header: &str, claims: &str) -> Vec<String> {
    let mut headers = Vec::new();
    let kid = forge.public["kid"].as_str().unwrap();
    for algorithm in [
        r#""none""#,
        r#""noNE""#,
        r#""None""#,
        r#""NONE""#,
        r#""""#,
        "null",
        "5",
        r#"["ES256"]"#,
        r#""es256""#,
        r#""ES256K""#,
        r#""ES384""#,
        r#""EdDSA""#,
        r#""RS256""#,
        r#""PS256""#,
        r#""HS256""#,
        r#""dir""#,
        r#""RSA1_5""#,
        r#""PBES2-HS256+A128KW""#,
    ] {
        headers.push(altered(header, r#""ES256""#, algorithm));
    }
    headers.push(altered(header, r#""alg":"ES256","#, ""));
    for typ in [r#""JWT""#, r#""id+jwt""#, r#""logout+jwt""#, r#""""#, "null", r#"["at+jwt"]"#] {
        headers.push(altered(header, r#""at+jwt""#, typ));
    }
    for name in ["../../x", "/dev/null", "' OR 1=1--", "", "k", &"k".repeat(4000), "\u{e9}"] {
        headers.push(altered(header, kid, name));
    }
    for member in [
        r#""jku":"https://attacker.example/jwks.json""#,
        r#""x5u":"https://attacker.example/cert.pem""#,
        r#""x5c":["MIIB"]"#,
        &format!(r#""jwk":{}"#, forge.public),
        r#""crit":["x"]"#,
        r#""crit":[]"#,
        r#""b64":false"#,
        r#""cty":"JWT""#,
        r#""zip":"DEF""#,
        r#""p2c":2147483647"#,
        r#""alg":"ES256""#,
    ] {
        headers.push(altered(header, "}", &format!(",{member}}}")));
    }
    let mut tokens: Vec<_> = headers.iter().map(|header| forge.sign_text(header, claims)).collect();
    // Without any signature, too.
    tokens.extend(headers[..4].iter().map(|header| {
        let token = forge.sign_text(header, claims);
        format!("{}.", token.rsplit_once('.').unwrap().0)
    }));
    tokens
}

/// The claims are not those of a token for this service at this time.
fn payloads(forge: &Forge, header: &str, claims: &str) -> Vec<String> {
    let good: Value = serde_json::from_str(claims).unwrap();
    let mut payloads = Vec::new();
    for (name, value) in good.as_object().unwrap() {
        let member = format!(r#""{name}":{value}"#);
        payloads.push(altered(claims, &member, &format!("{member},{member}")));
        // Roles that would make a token too long are left out.
        if name == "roles" {
            continue;
        }
        payloads.push(altered(claims, &member, &format!(r#""{name}":null"#)));
        let mut without = good.clone();
        without.as_object_mut().unwrap().remove(name);
        payloads.push(without.to_string());
    }
    let (issued, expires) = (good["iat"].as_i64().unwrap(), good["exp"].as_i64().unwrap());
    for (name, value) in [
        ("exp", format!("\"{expires}\"")),
        ("exp", format!("{expires}.5")),
        ("exp", "1e400".to_owned()),
        ("exp", "-1".to_owned()),
        ("exp", (issued + 3601).to_string()),
        ("iat", (issued + 61).to_string()),
        ("iss", r#""https://id.example/""#.to_owned()),
        ("iss", r#""https://ID.example""#.to_owned()),
        ("iss", r#"["https://id.example"]"#.to_owned()),
        ("aud", r#""orders""#.to_owned()),
        ("aud", "[]".to_owned()),
        ("aud", r#""https://id""#.to_owned()),
        ("client_id", r#""other""#.to_owned()),
    ] {
        payloads.push(altered(claims, &format!(r#""{name}":{}"#, good[name]), &format!(r#""{name}":{value}"#)));
    }
    payloads.push(altered(claims, "}", &format!(r#","nbf":{}}}"#, issued + 61)));
    payloads.extend([format!("\u{feff}{claims}"), format!("{claims} x"), format!("[{claims}]"), "{}".to_owned()]);
    payloads.push(altered(claims, "}", &format!(r#","x":{}{}}}"#, "[".repeat(1500), "]".repeat(1500))));
    payloads.iter().map(|claims| forge.sign_text(header, claims)).collect()
}

/// The signature was never made with the private key.
fn signatures(forge: &Forge, genuine: &str, header: &str, claims: &str) -> Vec<String> {
    let (signed, signature) = genuine.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let (r, s) = bytes.split_at(32);
    let integer = |number: &[u8]| [&[0x02, 0x21, 0x00][..], number].concat();
    let mut forged: Vec<_> = [
        vec![],
        vec![0; 64],
        vec![0; 63],
        [r, &[0; 32]].concat(),
        [s, r].concat(),
        bytes[..63].to_vec(),
        [&bytes[..], &[0]].concat(),
        [&[0x30, 0x46][..], &integer(r), &integer(s)].concat(),
    ]
    .iter()
    .map(|signature| format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    .collect();
    let x = forge.public["x"].as_str().unwrap();
    let raw = URL_SAFE_NO_PAD.decode(x).unwrap();
    let symmetric = altered(header, r#""ES256""#, r#""HS256""#);
    for secret in [&raw[..], x.as_bytes(), forge.public.to_string().as_bytes(), b""] {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(&symmetric), URL_SAFE_NO_PAD.encode(claims));
        let signature = crypto::sign(signed.as_bytes(), &EncodingKey::from_secret(secret), Algorithm::HS256).unwrap();
        forged.push(format!("{signed}.{signature}"));
    }
    forged
}

/// The text is not in the one form.
fn forms(genuine: &str) -> Vec<String> {
    let parts: Vec<&str> = genuine.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    vec![
        ".".to_owned(),
        "..".to_owned(),
        format!("{header}.{payload}"),
        format!("{header}..{signature}"),
        format!("{genuine}."),
        format!(".{genuine}"),
        format!("{header}.{payload}.{payload}.{payload}.{signature}"),
        format!("{genuine}="),
        format!("{header}=.{payload}.{signature}"),
        genuine.replace('.', "%2E"),
        format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#),
        "a".repeat(7000),
    ]
}

/// The text with one passage replaced, which has to be there.
fn altered(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not in {text}");
    text.replacen(from, to, 1)
}
