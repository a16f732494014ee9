use serde_json::{Value, json};

use super::super::firebase::HashConfig;
use super::super::{Hints, LeftOut, System};
use super::{attributes, hints, of, refused_with, seconds, user};
use crate::proto::UserState;

fn firebase() -> Value {
    json!({"localId": "bAbZ1x", "email": "ida@example.org", "emailVerified": true, "passwordHash": "aGFz-A_=",
        "salt": "c2FsdA==", "displayName": "Ida Berg", "photoUrl": "https://example.org/ida.png", "createdAt": "1600000000123",
        "lastSignedInAt": "1600000001000", "phoneNumber": "+491", "disabled": true, "customAttributes": "{\"admin\":true}",
        "providerUserInfo": [{"providerId": "google.com", "rawId": "1"}]})
}

#[test]
fn a_person_of_firebase() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let config = "base64_signer_key: c2s=, base64_salt_separator: Bw==, rounds: 8, mem_cost: 14";
    std::fs::write(file.path(), config).unwrap();
    let hash_config = Some(HashConfig::read(file.path()).unwrap());
    let mut left_out = LeftOut::default();
    let with_config = Hints { hash_config, ..hints() };
    let record = of(&firebase()).read(System::Firebase, &with_config, &mut left_out).unwrap();
    assert_eq!(record.password_hash, "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=c2s=$c2FsdA==$aGFz+A/=");
    let ida = user(&record);
    // Python: uuid.uuid5(uuid.NAMESPACE_URL, "firebase:bAbZ1x").
    assert_eq!(ida.id, "ccbdd704-9972-59bf-b3dc-a6059db84a53");
    assert_eq!((ida.display_name.as_str(), ida.email_verified, ida.state()), ("Ida Berg", true, UserState::Suspended));
    assert_eq!(
        (seconds(ida.create_time.as_ref()), seconds(ida.last_login_time.as_ref())),
        (1_600_000_000, 1_600_000_001)
    );
    assert_eq!(attributes(&record), json!({"phone_number": "+491", "picture": "https://example.org/ida.png"}));
    assert_eq!(left_out.lines()[1..], ["  customAttributes: 1 row", "  providerUserInfo: 1 row"]);

    let mut row = firebase();
    row["mfaInfo"] = json!([{"phoneInfo": "+491"}]);
    assert_eq!(refused_with(System::Firebase, &row, &with_config).0, "mfaInfo");
}
