//! Whose people a document holds: told by what only one system writes of a person.

use serde_json::{Map, Value};

use super::super::{Format, Source};
use super::System;

/// The members of a person by which a system is known.
const SIGNS: [(System, &[&str]); 5] = [
    (
        System::Keycloak,
        &["createdTimestamp", "requiredActions", "serviceAccountClientId", "disableableCredentialTypes"],
    ),
    (System::Firebase, &["localId"]),
    (System::Auth0, &["user_id", "_tmp_is_unique", "custom_password_hash", "user_metadata", "logins_count"]),
    (System::Supabase, &["encrypted_password", "raw_user_meta_data", "raw_app_meta_data", "instance_id"]),
    (System::Kratos, &["traits", "schema_id"]),
];

/// Judges a document by its first element: what is wrong with all of it, as a predicate, if it is evidently not what the user
/// says. An element that cannot be read tells nothing.
pub(in crate::presentation::cli::users) fn judge(source: Source, first: &[u8]) -> Result<(), String> {
    let Ok(first) = serde_json::from_slice::<Map<String, Value>>(first) else { return Ok(()) };
    let is_realm = first.contains_key("realm") && !first.contains_key("username");
    if is_realm && source == Source::Foreign(System::Keycloak) {
        return Err("holds a list of realms of Keycloak: export one realm at a time (--realm NAME)".to_owned());
    }
    if is_realm {
        return Err("holds a realm of Keycloak: say --format keycloak".to_owned());
    }
    if first.get("users").is_some_and(Value::is_array) {
        let what = "holds people in a list \"users\", as Keycloak and Firebase give them out: say --format keycloak or firebase";
        return Err(what.to_owned());
    }
    if first.get("user").is_some_and(Value::is_object) {
        let is_own = source == Source::Own(Format::Ndjson);
        return if is_own { Ok(()) } else { Err("holds rows as Ipse exports them: say --format ndjson".to_owned()) };
    }
    let found: Vec<System> = SIGNS
        .into_iter()
        .filter(|(_, signs)| signs.iter().any(|sign| first.contains_key(*sign)))
        .map(|(system, _)| system)
        .collect();
    match found[..] {
        [other, ..] if !found.iter().any(|system| source == Source::Foreign(*system)) => {
            let (name, word) = named(other);
            Err(format!("holds people of {name}: say --format {word}"))
        }
        _ => Ok(()),
    }
}

/// What people call a system, and what the option does.
const fn named(system: System) -> (&'static str, &'static str) {
    match system {
        System::Keycloak => ("Keycloak", "keycloak"),
        System::Firebase => ("Firebase", "firebase"),
        System::Auth0 => ("Auth0", "auth0"),
        System::Cognito => ("Cognito", "cognito"),
        System::Supabase => ("Supabase", "supabase"),
        System::Kratos => ("Kratos", "kratos"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_of_another_system_is_named() {
        let people = [
            (Source::Own(Format::Ndjson), json!({"user": {"email": "a@b.de"}}), "ndjson"),
            (Source::Foreign(System::Keycloak), json!({"username": "a", "createdTimestamp": 1}), "keycloak"),
            (Source::Foreign(System::Firebase), json!({"localId": "x", "email": "a@b.de"}), "firebase"),
            (Source::Foreign(System::Auth0), json!({"user_id": "auth0|1", "email": "a@b.de"}), "auth0"),
            (Source::Foreign(System::Supabase), json!({"id": "1", "encrypted_password": ""}), "supabase"),
            (Source::Foreign(System::Kratos), json!({"id": "1", "traits": {}}), "kratos"),
        ];
        for (source, _, _) in &people {
            for (of, person, word) in &people {
                let verdict = judge(*source, person.to_string().as_bytes());
                match verdict {
                    Ok(()) => assert_eq!(source, of, "{person}"),
                    Err(what) => assert!(source != of && what.ends_with(&format!("--format {word}")), "{what}"),
                }
            }
            for vague in [r#"{"email":"a@b.de"}"#, "{", "[]", ""] {
                assert_eq!(judge(*source, vague.as_bytes()), Ok(()), "{vague}");
            }
        }
    }

    #[test]
    fn documents_are_no_people() {
        let keycloak = Source::Foreign(System::Keycloak);
        let realm = json!({"realm": "shop", "users": []}).to_string();
        assert!(judge(keycloak, realm.as_bytes()).unwrap_err().contains("one realm at a time"));
        for source in [Source::Own(Format::Ndjson), Source::Foreign(System::Auth0)] {
            assert!(judge(source, realm.as_bytes()).unwrap_err().ends_with("say --format keycloak"));
            let list = br#"{"kind":"x","users":[]}"#;
            assert!(judge(source, list).unwrap_err().contains("--format keycloak or firebase"));
        }
    }
}
