use serde_json::{Value, json};

use super::super::{Hints, LeftOut, System};
use super::{attributes, hints, of, read, refused, refused_with, seconds, user};
use crate::proto::factor_record::Method;
use crate::proto::{FactorRecord, PasskeyRecord, UserState};

fn credential(kind: &str, secret: &Value, data: &Value) -> Value {
    json!({"id": "x", "type": kind, "userLabel": "mine", "createdDate": 1_700_000_000_000_i64,
           "secretData": secret.to_string(), "credentialData": data.to_string()})
}

pub(super) fn person(credentials: &[Value]) -> Value {
    json!({"id": "0f3e6c86-58f5-4a13-9c35-2f6f4f1d2a11", "username": "ida", "email": "ida@example.org",
           "emailVerified": true, "enabled": true, "createdTimestamp": 1_600_000_000_123_i64, "firstName": "Ida",
           "lastName": "Berg", "attributes": {"locale": ["de"], "phone": ["+49 1"]}, "credentials": credentials,
           "requiredActions": [], "realmRoles": ["default"], "groups": [], "notBefore": 0, "totp": false})
}

const PBKDF2: &str = r#"{"hashIterations":27500,"algorithm":"pbkdf2-sha256","additionalParameters":{}}"#;

#[test]
fn a_person_of_keycloak() {
    let secret = json!({"value": "3MhZKw==", "salt": "AAEC", "additionalParameters": {}});
    let (record, left_out) =
        read(System::Keycloak, &person(&[credential("password", &secret, &PBKDF2.parse().unwrap())]));
    assert_eq!(record.password_hash, "$pbkdf2-sha256$27500$AAEC$3MhZKw==");
    let ida = user(&record);
    assert_eq!(ida.id, "0f3e6c86-58f5-4a13-9c35-2f6f4f1d2a11");
    assert_eq!((ida.email.as_str(), ida.username.as_str(), ida.locale.as_str()), ("ida@example.org", "ida", "de"));
    assert_eq!((ida.display_name.as_str(), ida.email_verified, ida.state), ("Ida Berg", true, 0));
    assert_eq!(seconds(ida.create_time.as_ref()), 1_600_000_000);
    assert_eq!(attributes(&record), json!({"phone": ["+49 1"], "given_name": "Ida", "family_name": "Berg"}));
    assert_eq!(left_out[1..], ["  realmRoles: 1 row"]);
}

#[test]
fn states_and_actions_of_keycloak() {
    let mut row = person(&[]);
    row["enabled"] = false.into();
    row["username"] = "IDA@example.org".into();
    row["requiredActions"] = json!(["UPDATE_PASSWORD", "VERIFY_EMAIL"]);
    let (record, left_out) = read(System::Keycloak, &row);
    assert_eq!(user(&record).state(), UserState::Suspended);
    assert_eq!((user(&record).username.as_str(), user(&record).password_change_required), ("", true));
    assert_eq!(left_out[1..], ["  realmRoles: 1 row"]);
    row["requiredActions"] = json!(["CONFIGURE_TOTP"]);
    row["federatedIdentities"] = json!([{"identityProvider": "google"}]);
    let (_, left_out) = read(System::Keycloak, &row);
    assert_eq!(left_out[1..], ["  federatedIdentities: 1 row", "  realmRoles: 1 row", "  requiredActions: 1 row"]);
}

#[test]
fn hashes_of_keycloak() {
    let argon2 = json!({"hashIterations": 5, "algorithm": "argon2", "additionalParameters": {"hashLength": ["32"],
        "memory": ["7168"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]}});
    let of = |algorithm: &str| json!({"hashIterations": 7, "algorithm": algorithm});
    for (data, value, hash) in [
        (argon2, "aGFzaA==", "$argon2id$v=19$m=7168,t=5,p=1$c2FsdA$aGFzaA"),
        (of("pbkdf2"), "aGFzaA==", "$pbkdf2$7$c2FsdA==$aGFzaA=="),
        (of("pbkdf2-sha512"), "aGFzaA==", "$pbkdf2-sha512$7$c2FsdA==$aGFzaA=="),
        (of("bcrypt"), "$2a$10$x", "$2a$10$x"),
    ] {
        let row = person(&[credential("password", &json!({"value": value, "salt": "c2FsdA=="}), &data)]);
        assert_eq!(read(System::Keycloak, &row).0.password_hash, hash);
    }
    // Before Keycloak 8.
    let old = json!({"type": "password", "hashedSaltedValue": "aGFzaA==", "salt": "c2FsdA==", "hashIterations": 27500,
                     "counter": 0, "algorithm": "pbkdf2-sha256", "digits": 0, "period": 0, "config": {}});
    let (record, left_out) = read(System::Keycloak, &person(&[old]));
    assert_eq!((record.password_hash.as_str(), left_out.len()), ("$pbkdf2-sha256$27500$c2FsdA==$aGFzaA==", 2));
    for (secret, data, field) in [
        (json!({"value": "x", "salt": "x"}), of("sha-512"), "credentials.credentialData.algorithm"),
        (json!({"salt": "x"}), of("pbkdf2"), "credentials.credentialData.algorithm"),
    ] {
        assert_eq!(refused(System::Keycloak, &person(&[credential("password", &secret, &data)])).0, field);
    }
    let plain = json!({"type": "password", "value": "secret"});
    assert_eq!(refused(System::Keycloak, &person(&[plain])).0, "credentials.value");
}

fn usual_app() -> Value {
    json!({"subType": "totp", "digits": 6, "counter": 0, "period": 30, "algorithm": "HmacSHA1"})
}

#[test]
fn second_factors_of_keycloak() {
    let app = |data: Value, value: &str| credential("otp", &json!({ "value": value }), &data);
    let usual = usual_app();
    let mut base32 = usual.clone();
    base32["secretEncoding"] = "BASE32".into();
    let key = json!({"aaguid": "00000000-0000-0000-0000-000000000000", "credentialId": "-_8", "counter": 7,
        "credentialPublicKey": "pQ==", "attestationStatementFormat": "none", "transports": ["INTERNAL"]});
    let others = [
        credential("password-history", &json!({}), &json!({})),
        credential("recovery-authn-codes", &json!({}), &json!({})),
    ];
    let row = person(
        &[
            vec![
                app(usual.clone(), "12345678901234567890"),
                app(base32, "GEZDGNBVGY3TQOJQ"),
                credential("webauthn", &json!({}), &key),
            ],
            others.to_vec(),
        ]
        .concat(),
    );
    let (record, left_out) = read(System::Keycloak, &row);
    let named = |method| FactorRecord {
        method: Some(method),
        display_name: "mine".to_owned(),
        create_time: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 }),
        ..FactorRecord::default()
    };
    let uri = |secret: &str| named(Method::OtpauthUri(format!("otpauth://totp/imported?secret={secret}")));
    assert_eq!(record.factors[0], uri("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
    assert_eq!(record.factors[1], uri("GEZDGNBVGY3TQOJQ"));
    assert_eq!(
        record.factors[2],
        named(Method::Passkey(PasskeyRecord {
            credential_id: vec![0xfb, 0xff],
            public_key: vec![0xa5],
            user_handle: b"0f3e6c86-58f5-4a13-9c35-2f6f4f1d2a11".to_vec(),
            rp_id: "id.example".to_owned(),
            sign_count: 7,
            aaguid: "00000000-0000-0000-0000-000000000000".to_owned(),
            transports: vec!["internal".to_owned()],
            ..PasskeyRecord::default()
        }))
    );
    assert_eq!(
        left_out[1..3],
        ["  credentials of type password-history: 1 row", "  credentials of type recovery-authn-codes: 1 row"]
    );

    let nowhere = Hints { passkey_domain: None, ..hints() };
    let (_, description) = refused_with(System::Keycloak, &row, &nowhere);
    assert!(description.contains("--passkey-domain"), "{description}");
}

#[test]
fn second_factors_that_cannot_come_along() {
    let secret = json!({"value": "12345678901234567890"});
    for (name, value) in
        [("digits", json!(8)), ("period", json!(60)), ("algorithm", json!("HmacSHA256")), ("subType", json!("hotp"))]
    {
        let mut data = usual_app();
        data[name] = value;
        let (field, description) = refused(System::Keycloak, &person(&[credential("otp", &secret, &data)]));
        assert_eq!(field, format!("credentials.credentialData.{name}"));
        assert!(description.contains("--without-factors"), "{description}");
    }
    assert_eq!(refused(System::Keycloak, &person(&[credential("sms", &json!({}), &json!({}))])).0, "credentials.type");
}

#[test]
fn people_may_leave_passwords_and_factors_behind() {
    let weak = credential("password", &json!({"value": "x", "salt": "x"}), &json!({"algorithm": "md5"}));
    let row = person(&[weak, credential("sms", &json!({}), &json!({}))]);
    let hints = Hints { without_passwords: true, without_factors: true, ..hints() };
    let mut left_out = LeftOut::default();
    let record = of(&row).read(System::Keycloak, &hints, &mut left_out).unwrap();
    assert_eq!((record.password_hash.as_str(), record.factors.len()), ("", 0));
    assert_eq!(left_out.lines()[1..3], ["  credentials of type password: 1 row", "  credentials of type sms: 1 row"]);
}
