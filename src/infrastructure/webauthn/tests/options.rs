use super::*;

fn wanted<'a>(user_handle: &'a [u8], exclude: &'a [Passkey]) -> NewPasskey<'a> {
    NewPasskey {
        challenge: &[0xfb; 32],
        user_handle,
        user_name: "ada@example.org",
        user_display_name: "Ada \"the\" Löwe",
        exclude,
        user_verification: UserVerification::Required,
    }
}

fn passkeys() -> [Passkey; 2] {
    let passkey = Passkey { credential_id: vec![1, 2], ..Vector::named("none-es256").passkey() };
    let transports = vec!["hybrid".to_owned(), "internal".to_owned()];
    [Passkey { transports, ..passkey.clone() }, Passkey { credential_id: vec![3], ..passkey }]
}

#[test]
fn browsers_are_asked_for_a_passkey() {
    let options = webauthn().creation_options(&wanted(PERSON, &passkeys())).unwrap();
    let expected = concat!(
        r#"{"rp":{"id":"example.org","name":"Example"},"#,
        r#""user":{"id":"cGVyc29uIDE","name":"ada@example.org","displayName":"Ada \"the\" Löwe"},"#,
        r#""challenge":"-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s","#,
        r#""pubKeyCredParams":[{"type":"public-key","alg":-8},{"type":"public-key","alg":-7},"#,
        r#"{"type":"public-key","alg":-257}],"timeout":300000,"#,
        r#""excludeCredentials":[{"type":"public-key","id":"AQI","transports":["hybrid","internal"]},"#,
        r#"{"type":"public-key","id":"Aw"}],"#,
        r#""authenticatorSelection":{"residentKey":"required","requireResidentKey":true,"userVerification":"required"},"#,
        r#""attestation":"none","extensions":{"credProps":true}}"#
    );
    assert_eq!(options, expected);
    for handle in [&[][..], &[1; 65]] {
        assert!(webauthn().creation_options(&wanted(handle, &[])).is_err());
    }
    assert!(webauthn().creation_options(&wanted(&[1; 64], &[])).is_ok());
}

#[test]
fn browsers_are_asked_for_a_signature() {
    let request = |allow: &[Passkey], wanted| webauthn().request_options(&[0xfb; 32], allow, wanted).unwrap();
    let expected = concat!(
        r#"{"challenge":"-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s","timeout":300000,"rpId":"example.org","#,
        r#""allowCredentials":[{"type":"public-key","id":"AQI","transports":["hybrid","internal"]},"#,
        r#"{"type":"public-key","id":"Aw"}],"userVerification":"preferred"}"#
    );
    assert_eq!(request(&passkeys(), UserVerification::Preferred), expected);
    let anybody = request(&[], UserVerification::Discouraged);
    assert!(anybody.ends_with(r#""allowCredentials":[],"userVerification":"discouraged"}"#), "{anybody}");
}
