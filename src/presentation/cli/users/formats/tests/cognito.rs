use csv::StringRecord;
use serde_json::json;

use super::super::{Columns, LeftOut, System};
use super::{attributes, hints, user};
use crate::proto::UserState;

#[test]
fn a_person_of_cognito() {
    let header = Columns::read(&StringRecord::from(vec![
        "name",
        "given_name",
        "family_name",
        "email",
        "email_verified",
        "locale",
        "birthdate",
        "phone_number_verified",
        "custom:plan",
        "cognito:mfa_enabled",
        "cognito:username",
        "enabled",
    ]));
    let header = header.unwrap();
    let read = |record: [&str; 12]| {
        let element = header.element(&StringRecord::from(record.to_vec())).unwrap();
        element.read(System::Cognito, &hints(), &mut LeftOut::default())
    };
    let record =
        read(["", "Ida", "Berg", "ida@example.org", "TRUE", "de", "1990-01-01", "false", "gold", "FALSE", "ida", ""]);
    let record = record.unwrap();
    let ida = user(&record);
    assert_eq!((ida.email.as_str(), ida.email_verified, ida.username.as_str()), ("ida@example.org", true, "ida"));
    assert_eq!((ida.display_name.as_str(), ida.locale.as_str(), ida.state), ("Ida Berg", "de", 0));
    let expected = json!({"birthdate": "1990-01-01", "phone_number_verified": "false", "custom:plan": "gold",
        "given_name": "Ida", "family_name": "Berg"});
    assert_eq!((attributes(&record), record.password_hash.as_str()), (expected, ""));

    let by_address = read(["", "", "", "ida@example.org", "", "", "", "", "", "", "IDA@example.org", "False"]).unwrap();
    assert_eq!((user(&by_address).username.as_str(), user(&by_address).state()), ("", UserState::Suspended));
    let by_id =
        read(["", "", "", "ida@example.org", "", "", "", "", "", "", "0F3E6C86-58F5-4A13-9C35-2F6F4F1D2A11", ""]);
    assert_eq!(user(&by_id.unwrap()).id, "0f3e6c86-58f5-4a13-9c35-2f6f4f1d2a11");
    let factor = read(["", "", "", "ida@example.org", "true", "", "", "", "", "true", "ida", ""]).unwrap_err();
    assert_eq!(factor.field, "cognito:mfa_enabled");
    let neither = read(["", "", "", "ida@example.org", "yes", "", "", "", "", "", "ida", ""]).unwrap_err();
    assert_eq!(neither.field, "email_verified");
}

#[test]
fn a_table_of_cognito_names_whom_it_is_about() {
    for (names, what) in [
        (vec!["email"], "does not name cognito:username"),
        (vec!["cognito:username", "name"], "does not name email"),
        (vec!["cognito:username", "email", " email"], "names \"email\" twice"),
    ] {
        assert_eq!(Columns::read(&StringRecord::from(names)).err().as_deref(), Some(what));
    }
    let columns = Columns::read(&StringRecord::from(vec!["email", "cognito:username"])).unwrap();
    assert!(columns.element(&StringRecord::from(vec!["a@b.de"])).is_err());
}
