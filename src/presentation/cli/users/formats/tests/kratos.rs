use serde_json::{Value, json};

use super::super::System;
use super::{attributes, read, refused, user};
use crate::proto::UserState;
use crate::proto::factor_record::Method;

fn kratos() -> Value {
    json!({"id": "0f3e6c86-58f5-4a13-9c35-2f6f4f1d2a11", "schema_id": "default", "schema_url": "u", "state": "active",
        "state_changed_at": "2020-09-13T12:26:40Z", "traits": {"email": "ida@example.org", "username": "ida",
        "name": {"first": "Ida", "last": "Berg"}, "colour": "red"}, "verifiable_addresses": [{"id": "x",
        "value": "ida@example.org", "verified": true, "via": "email", "status": "completed"}], "recovery_addresses":
        [{"id": "y", "value": "ida@example.org", "via": "email"}], "metadata_public": null, "metadata_admin": {"plan": "gold"},
        "created_at": "2020-09-13T12:26:40.5Z", "updated_at": "2020-09-13T12:26:40Z", "credentials": {"password": {"type":
        "password", "identifiers": ["ida"], "config": {"hashed_password": "$argon2id$x"}, "version": 0},
        "oidc": {"type": "oidc", "config": {"providers": []}}}})
}

#[test]
fn people_of_kratos() {
    let (record, left_out) = read(System::Kratos, &kratos());
    let ida = user(&record);
    assert_eq!((record.password_hash.as_str(), ida.email_verified, ida.state), ("$argon2id$x", true, 0));
    assert_eq!(
        (ida.display_name.as_str(), ida.username.as_str(), ida.email.as_str()),
        ("Ida Berg", "ida", "ida@example.org")
    );
    assert_eq!(attributes(&record), json!({"colour": "red", "given_name": "Ida", "family_name": "Berg"}));
    assert_eq!(left_out[1..], ["  credentials.oidc: 1 row", "  metadata_admin: 1 row"]);

    let mut row = kratos();
    row["state"] = "inactive".into();
    row["traits"] = json!({"name": "Ida B.", "nick": "i"});
    row["verifiable_addresses"][0]["verified"] = false.into();
    let (record, _) = read(System::Kratos, &row);
    assert_eq!((user(&record).state(), user(&record).display_name.as_str()), (UserState::Suspended, "Ida B."));
    assert_eq!((user(&record).email.as_str(), user(&record).email_verified), ("ida@example.org", false));
}

#[test]
fn second_factors_of_kratos() {
    let mut row = kratos();
    let key = json!({"id": "AQI=", "public_key": "pQ==", "attestation_type": "none", "authenticator": {"aaguid":
        "AAAAAAAAAAAAAAAAAAAAAA==", "sign_count": 7, "clone_warning": false}, "display_name": "key", "added_at":
        "2020-09-13T12:26:40Z", "is_passwordless": false, "flags": {"user_present": true, "user_verified": true,
        "backup_eligible": true, "backup_state": false}, "transport": ["usb"]});
    row["credentials"]["totp"] = json!({"type": "totp", "config": {"totp_url": "otpauth://totp/x?secret=GEZDGNBV"}});
    row["credentials"]["webauthn"] =
        json!({"type": "webauthn", "config": {"user_handle": "AAEC", "credentials": [key]}});
    row["credentials"]["lookup_secret"] =
        json!({"type": "lookup_secret", "config": {"recovery_codes": [{"code": "x"}]}});
    let (record, left_out) = read(System::Kratos, &row);
    assert_eq!(record.factors[0].method, Some(Method::OtpauthUri("otpauth://totp/x?secret=GEZDGNBV".to_owned())));
    let Some(Method::Passkey(passkey)) = &record.factors[1].method else { panic!("no passkey") };
    assert_eq!((passkey.credential_id.as_slice(), passkey.user_handle.as_slice()), (&[1, 2][..], &[0, 1, 2][..]));
    assert!(passkey.backup_eligible && passkey.user_verifying && !passkey.backed_up);
    assert_eq!((passkey.sign_count, record.factors[1].display_name.as_str()), (7, "key"));
    assert_eq!(left_out[1], "  credentials.lookup_secret: 1 row");

    for kind in ["totp", "webauthn", "passkey"] {
        let mut row = kratos();
        row["credentials"][kind] = json!({"type": kind, "identifiers": ["ida"], "version": 0});
        let (field, description) = refused(System::Kratos, &row);
        assert_eq!(field, format!("credentials.{kind}"));
        assert!(description.contains("include_credential"), "{description}");
    }
}
