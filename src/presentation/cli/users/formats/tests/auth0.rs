use serde_json::{Value, json};

use super::super::System;
use super::{attributes, read, refused, seconds, user};
use crate::proto::UserState;

#[test]
fn people_of_auth0() {
    let hashes = json!({"_id": {"$oid": "5dea9f9c82dd7c0e76e4ec93"}, "email": "ida@example.org", "email_verified": true,
        "passwordHash": "$2b$10$x", "password_set_date": {"$date": "2019-12-06T18:36:12.412Z"}, "tenant": "t", "connection": "c",
        "_tmp_is_unique": true});
    let (record, left_out) = read(System::Auth0, &hashes);
    assert_eq!((record.password_hash.as_str(), user(&record).email_verified, left_out.len()), ("$2b$10$x", true, 0));
    let user_id = json!({"user_id": "auth0|5dea9f9c82dd7c0e76e4ec93", "email": "ida@example.org"});
    assert_eq!(user(&read(System::Auth0, &user_id).0).id, user(&record).id, "an id is the same in both exports");

    let identified = json!({"_id": {"$oid": "1"}, "alt_id": "euclid", "passwordHash": "$2b$10$x",
        "identifiers": [{"type": "email", "value": "ida@example.org", "verified": true}, {"type": "phone", "value": "+491"}]});
    let (record, left_out) = read(System::Auth0, &identified);
    assert_eq!((user(&record).email.as_str(), user(&record).email_verified), ("ida@example.org", true));
    assert_eq!(left_out[1..], ["  identifiers: 1 row"]);

    let users = json!({"user_id": "auth0|1", "email": "ida@example.org", "name": "ida@example.org", "given_name": "Ida",
        "family_name": "Berg", "username": "ida", "blocked": true, "created_at": "2020-09-13T12:26:40.000Z",
        "last_login": "2020-09-13T12:26:41.000Z", "user_metadata": {"colour": "red"}, "app_metadata": {"plan": "gold"}});
    let (record, left_out) = read(System::Auth0, &users);
    let ida = user(&record);
    assert_eq!(
        (ida.display_name.as_str(), ida.username.as_str(), ida.state()),
        ("Ida Berg", "ida", UserState::Suspended)
    );
    assert_eq!(seconds(ida.create_time.as_ref()), 1_600_000_000);
    assert_eq!(attributes(&record), json!({"colour": "red", "given_name": "Ida", "family_name": "Berg"}));
    assert_eq!(left_out[1..], ["  app_metadata: 1 row"]);
}

#[test]
fn custom_hashes_of_auth0() {
    let row = |custom: Value| json!({"email": "ida@example.org", "custom_password_hash": custom});
    let phc = "$pbkdf2-sha256$i=1200,l=64$AAEC$AAEC";
    for (custom, hash) in [
        (json!({"algorithm": "pbkdf2", "hash": {"value": phc, "encoding": "utf8"}}), phc),
        (json!({"algorithm": "bcrypt", "hash": {"value": "$2b$10$x"}}), "$2b$10$x"),
        (
            json!({"algorithm": "scrypt", "hash": {"value": "00ff", "encoding": "hex"}, "keylen": 2, "cost": 1024,
                "blockSize": 4, "parallelization": 2, "salt": {"value": "abc", "encoding": "utf8"}, "password": {"encoding": "utf8"}}),
            "$scrypt$ln=1024,r=4,p=2$YWJj$AP8",
        ),
        (
            json!({"algorithm": "scrypt", "hash": {"value": "AP8=", "encoding": "base64"}, "salt": {"value": "YWJj", "encoding": "base64"}}),
            "$scrypt$ln=16384,r=8,p=1$YWJj$AP8",
        ),
    ] {
        let (record, left_out) = read(System::Auth0, &row(custom));
        assert_eq!((record.password_hash.as_str(), left_out.len()), (hash, 0));
    }
    for algorithm in ["md5", "sha1", "sha512", "hmac", "ldap"] {
        let (field, description) =
            refused(System::Auth0, &row(json!({"algorithm": algorithm, "hash": {"value": "x"}})));
        assert_eq!(field, "custom_password_hash.algorithm");
        assert!(description.contains("too weak"), "{description}");
    }
    for odd in ["0", "0g", "é"] {
        let custom = json!({"algorithm": "scrypt", "hash": {"value": odd, "encoding": "hex"}});
        assert_eq!(refused(System::Auth0, &row(custom)).0, "custom_password_hash.hash");
    }
    let factors = json!({"email": "ida@example.org", "mfa_factors": [{"totp": {"secret": "GEZDGNBVGY3TQOJQ"}}]});
    assert_eq!(read(System::Auth0, &factors).0.factors.len(), 1);
    let factors = json!({"email": "ida@example.org", "mfa_factors": [{"phone": {"value": "+491"}}]});
    assert_eq!(refused(System::Auth0, &factors).0, "mfa_factors");
    assert_eq!(refused(System::Auth0, &json!({"multifactor": ["guardian"]})).0, "multifactor");
}
