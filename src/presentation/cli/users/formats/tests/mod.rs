//! What becomes of people of each system.

mod auth0;
mod cognito;
mod firebase;
mod keycloak;
mod kratos;
mod supabase;

use serde_json::json;

use super::*;
use crate::proto::User;

fn hints() -> Hints {
    Hints { passkey_domain: Some("id.example".to_owned()), now: 1_772_366_400, ..Hints::default() }
}

/// What becomes of an element, and what is left out of it.
fn read(system: System, element: &Value) -> (UserRecord, Vec<String>) {
    let mut left_out = LeftOut::default();
    let record = of(element).read(system, &hints(), &mut left_out);
    (record.unwrap_or_else(|why| panic!("{why:?}: {element}")), left_out.lines())
}

fn of(element: &Value) -> Element {
    Element::of_json(element.to_string().as_bytes()).unwrap()
}

fn user(record: &UserRecord) -> &User {
    record.user.as_ref().unwrap()
}

fn attributes(record: &UserRecord) -> Value {
    let attributes = user(record).attributes.clone();
    attributes.map_or(Value::Null, |attributes| crate::presentation::json::write(attributes).unwrap().parse().unwrap())
}

/// The field at fault and what is said of it.
fn refused(system: System, element: &Value) -> (String, String) {
    refused_with(system, element, &hints())
}

fn refused_with(system: System, element: &Value, hints: &Hints) -> (String, String) {
    let why = of(element).read(system, hints, &mut LeftOut::default()).unwrap_err();
    (why.field, why.description)
}

fn seconds(time: Option<&prost_types::Timestamp>) -> i64 {
    time.map_or(0, |time| time.seconds)
}

#[test]
fn accounts_that_are_nobodys_are_refused() {
    let mut row = keycloak::person(&[]);
    row["serviceAccountClientId"] = "billing".into();
    assert_eq!(refused(System::Keycloak, &row).0, "serviceAccountClientId");
    let (_, description) = refused(System::Keycloak, &json!({"realm": "shop", "users": []}));
    assert!(description.contains("one realm at a time"), "{description}");
    for element in ["[1]", "\"ida@example.org\"", "null"] {
        assert_eq!(Element::of_json(element.as_bytes()).err().as_deref(), Some("the row is not a JSON object"));
    }
    assert!(Element::of_json(b"{\"email\":").is_err());
}

#[test]
fn fields_of_another_kind_are_told_with_their_place() {
    for (system, element, field) in [
        (System::Keycloak, json!({"emailVerified": "true"}), "emailVerified"),
        (System::Keycloak, json!({"createdTimestamp": "x"}), "createdTimestamp"),
        (System::Keycloak, json!({"credentials": {}}), "credentials"),
        (System::Keycloak, json!({"credentials": [1]}), "credentials[0]"),
        (System::Keycloak, json!({"attributes": []}), "attributes"),
        (System::Keycloak, json!({"credentials": [{"type": "password", "secretData": "{"}]}), "credentials.secretData"),
        (System::Firebase, json!({"createdAt": "12x"}), "createdAt"),
        (System::Firebase, json!({"email": ["a"]}), "email"),
        (System::Kratos, json!({"traits": "x"}), "traits"),
        (System::Supabase, json!({"raw_user_meta_data": 1}), "raw_user_meta_data"),
    ] {
        assert_eq!(refused(system, &element).0, field, "{element}");
    }
}

#[test]
fn the_key_of_a_row_is_found_where_it_cannot_be_read() {
    for (element, expected) in [
        (json!({"id": "1", "email": "a@b.de"}), "a@b.de"),
        (json!({"traits": {"username": "ida"}}), "ida"),
        (json!({"localId": "x"}), "x"),
        (json!({"_id": {"$oid": "5d"}}), "5d"),
        (json!({"cognito:username": "ida"}), "ida"),
        (json!({"email": 1}), ""),
    ] {
        assert_eq!(of(&element).key(), expected);
    }
}

#[test]
fn what_attributes_would_lose_is_refused() {
    let deep = |depth: usize| serde_json::from_str::<Value>(&("[".repeat(depth) + &"]".repeat(depth))).unwrap();
    for (value, what) in [
        (json!(9_007_199_254_740_993_i64), "2^53"),
        (json!(-9_007_199_254_740_993_i64), "2^53"),
        (json!([{"a": u64::MAX}]), "2^53"),
        (deep(17), "nested"),
        (deep(100), "nested"),
    ] {
        let (field, description) = refused(System::Auth0, &json!({"user_metadata": {"a": value}}));
        assert!(field == "user.attributes" && description.contains(what), "{description}");
    }
    for value in [json!(9_007_199_254_740_992_i64), json!(1e300), deep(15)] {
        read(System::Auth0, &json!({"user_metadata": {"a": value}}));
    }
}
