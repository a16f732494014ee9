//! Rows in the JSON mapping of protobuf, which code that pbjson generates from the contract reads.

use prost::Message as _;
use serde_path_to_error::{Path, Segment};

use super::rows::Unreadable;
use crate::domain::account::attributes::{Attributes, UnfitAttributes};
use crate::proto::{ImportUsersRequest, UserRecord};

const ATTRIBUTES: &str = "user.attributes";

/// The messages of a row, each field of which knows whether it is set, so that `null` leaves it unset.
mod mapped {
    #![allow(
        dead_code,
        missing_docs,
        unreachable_pub,
        clippy::all,
        clippy::pedantic,
        clippy::allow_attributes,
        reason = "generated code"
    )]

    include!(concat!(env!("OUT_DIR"), "/rows/ipse.v1.rs"));
    include!(concat!(env!("OUT_DIR"), "/rows/ipse.v1.serde.rs"));
}

/// Reads a row, or says what is wrong with it.
pub(super) fn read(line: &[u8]) -> Result<UserRecord, Unreadable> {
    let record = parse(line.trim_ascii_end())?;
    // On the wire, both kinds of messages are the same. The row stands in a request, as it will before the server, which
    // would end the stream if it were nested too deeply.
    let request =
        mapped::ImportUsersRequest { rows: vec![record], ..mapped::ImportUsersRequest::default() }.encode_to_vec();
    let mut request = ImportUsersRequest::decode(request.as_slice())
        .map_err(|_| Unreadable { field: ATTRIBUTES.to_owned(), description: UnfitAttributes::TooDeep.to_string() })?;
    let record = request.rows.pop().unwrap_or_default();
    // The server names what is missing in the account.
    Ok(UserRecord { user: Some(record.user.unwrap_or_default()), ..record })
}

/// Whom a row is about that cannot be read, as far as it tells.
pub(super) fn key(line: &[u8]) -> String {
    let row: serde_json::Value = serde_json::from_slice(line).unwrap_or_default();
    let names = ["/user/email", "/user/username", "/user/id"].into_iter();
    let mut names = names.filter_map(|name| row.pointer(name).and_then(serde_json::Value::as_str));
    names.find(|name| !name.is_empty()).unwrap_or_default().to_owned()
}

fn parse(line: &[u8]) -> Result<mapped::UserRecord, Unreadable> {
    serde_json::from_slice(line).map_err(|error| {
        // Knowing the path costs time, so only what cannot be read is read again with it.
        let mut json = serde_json::Deserializer::from_slice(line);
        let again = serde_path_to_error::deserialize::<_, mapped::UserRecord>(&mut json);
        let field = again.err().map(|error| field(error.path())).unwrap_or_default();
        let row = if field.is_empty() { "the row " } else { "" };
        if let Some(unfit) = unfit_attributes(line, &error).filter(|_| field == ATTRIBUTES) {
            return Unreadable { field, description: unfit.to_string() };
        }
        // The caller tells the line in the file; the one in the error counts within the row.
        let error = error.to_string().replace(" at line 1 column ", " at column ");
        // What is generated for the names of an enum begins with the word that the library puts before it.
        let error = error.replace("expected expected ", "expected ");
        Unreadable { description: format!("{row}cannot be read: {error}"), field }
    })
}

/// Which limit attributes break that cannot be read for it.
fn unfit_attributes(line: &[u8], error: &serde_json::Error) -> Option<UnfitAttributes> {
    if error.to_string().starts_with("recursion limit exceeded") {
        return Some(UnfitAttributes::TooDeep);
    }
    let row: serde_json::Value = serde_json::from_slice(line).ok()?;
    Attributes::new(row.pointer("/user/attributes")?.to_string()).err()
}

/// The field at a path, as the contract names it; of attributes, the field that holds them all.
fn field(path: &Path) -> String {
    let mut names = Vec::new();
    for segment in path {
        let Segment::Map { key } = segment else { break };
        names.push(snake_case(key));
        if names.len() == 2 || key != "user" {
            break;
        }
    }
    names.join(".")
}

fn snake_case(name: &str) -> String {
    let mut snake_case = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake_case.push('_');
        }
        snake_case.push(letter.to_ascii_lowercase());
    }
    snake_case
}

#[cfg(test)]
mod tests {
    use prost_types::Timestamp;

    use super::*;
    use crate::presentation::cli::users::output;
    use crate::presentation::json;
    use crate::proto::{User, UserState};

    const LINE: &str = concat!(
        r#"{"user":{"id":"01890a5d-ac96-774b-bcce-b302099a8057","email":"a@b.de","emailVerified":true,"username":"abc","#,
        r#""displayName":"A \"B\" 😀","state":"USER_STATE_SUSPENDED","stateReason":"why","attributes":{"a":[1,null]},"#,
        r#""locale":"de","passwordChangeRequired":true,"createTime":"2026-03-01T12:00:00Z","#,
        r#""updateTime":"2026-03-01T12:00:00.123456Z","lastLoginTime":"1969-12-31T23:59:59.500Z","#,
        r#""deleteTime":"2026-03-01T12:00:00Z","purgeTime":"2026-04-01T12:00:00Z"},"passwordHash":"$2b$10$x","#,
        r#""suspendTime":"2026-03-01T12:00:00Z","provisional":true,"factors":["#,
        r#"{"otpauthUri":"otpauth://totp/x?secret=AA","displayName":"phone","createTime":"2026-03-01T12:00:00Z","#,
        r#""lastUsedTime":"2026-03-01T12:00:00Z","disabled":true},"#,
        r#"{"passkey":{"credentialId":"AQI=","publicKey":"AQ==","userHandle":"Ag==","rpId":"b.de","signCount":"7","#,
        r#""aaguid":"01890a5d-ac96-774b-bcce-b302099a8057","transports":["usb","nfc"],"backupEligible":true,"#,
        r#""backedUp":true,"userVerifying":true}},{"recoveryCodes":{"hashes":["$argon2id$x","$argon2id$y"]}}]}"#
    );

    fn write(record: UserRecord) -> String {
        String::from_utf8(output::write(record).unwrap()).unwrap()
    }

    fn user(line: &str) -> User {
        read(line.as_bytes()).unwrap().user.unwrap()
    }

    /// The field and the description of what is wrong.
    fn wrong(line: &str) -> (String, String) {
        let Unreadable { field, description } = read(line.as_bytes()).expect_err(line);
        (field, description)
    }

    #[test]
    fn a_row_is_written_as_it_is_read() {
        let record = read(LINE.as_bytes()).unwrap();
        assert_eq!(write(record), LINE);
        let least = r#"{"user":{"email":"a@b.de"}}"#;
        assert_eq!(write(read(least.as_bytes()).unwrap()), least);
    }

    #[test]
    fn what_the_server_alone_sets_is_not_written() {
        let set = r#"{"user":{"email":"a@b.de","mfaEnabled":true,"etag":"\"7\""}}"#;
        assert_eq!(write(read(set.as_bytes()).unwrap()), r#"{"user":{"email":"a@b.de"}}"#);
    }

    #[test]
    fn both_names_of_a_field_are_read_and_others_are_not() {
        let names = r#"{"user":{"email_verified":true,"mfaEnabled":true,"etag":"\"7\""},"password_hash":"x"}"#;
        let record = read(names.as_bytes()).unwrap();
        assert!(record.user.unwrap().email_verified && record.password_hash == "x");
        for line in
            ["", "[1]", "{\"user\":1}", "{\"users\":{}}", "{\"user\":{\"roles\":[]}}", "{\"user\":{}}}", "\u{e9}"]
        {
            assert!(read(line.as_bytes()).is_err(), "{line}");
        }
    }

    #[test]
    fn null_leaves_a_field_unset() {
        let line: serde_json::Value = serde_json::from_str(LINE).unwrap();
        let full = read(LINE.as_bytes()).unwrap();
        let members = |place: &serde_json::Value| place.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        for (place, without) in [("", &line), ("user", &line["user"])] {
            for name in members(without) {
                let (mut null, mut absent) = (line.clone(), line.clone());
                let [in_null, in_absent] = [&mut null, &mut absent].map(|line| match place {
                    "" => line,
                    _ => &mut line[place],
                });
                in_null[name.as_str()] = serde_json::Value::Null;
                in_absent.as_object_mut().unwrap().remove(&name);
                let [null, absent] = [null, absent].map(|line| read(line.to_string().as_bytes()));
                assert_eq!(null, absent, "{name}");
                assert_ne!(null, Ok(full.clone()), "{name}");
            }
        }
        assert_eq!(user(r#"{"user":null}"#), User::default());
    }

    #[test]
    fn states_have_names_and_numbers() {
        for state in ["2", r#""USER_STATE_ACTIVE""#] {
            assert_eq!(user(&format!(r#"{{"user":{{"state":{state}}}}}"#)).state(), UserState::Active);
        }
        for state in ["9", "-1", "1e99", "true", r#""USER_STATE_GONE""#, r#""ACTIVE""#, r#""""#] {
            let (field, description) = wrong(&format!(r#"{{"user":{{"state":{state}}}}}"#));
            assert_eq!(field, "user.state", "{state}");
            assert!(!description.contains("expected expected"), "{description}");
        }
    }

    #[test]
    fn times_are_those_of_rfc_3339() {
        let time = |text: &str| user(&format!(r#"{{"user":{{"createTime":"{text}"}}}}"#)).create_time.unwrap();
        let noon = Timestamp { seconds: 1_772_366_400, nanos: 0 };
        assert_eq!(time("2026-03-01T12:00:00Z"), noon);
        assert_eq!(time("2026-03-01T13:30:00.5+01:30"), Timestamp { nanos: 500_000_000, ..noon });
        assert_eq!(time("0001-01-01T00:00:00Z").seconds, -62_135_596_800);
        assert_eq!(time("9999-12-31T23:59:59.999999999Z"), Timestamp { seconds: 253_402_300_799, nanos: 999_999_999 });
        for text in ["yesterday", "2026-03-01", "2026-03-01T12:00:00", ""] {
            assert_eq!(wrong(&format!(r#"{{"user":{{"createTime":"{text}"}}}}"#)).0, "user.create_time", "{text}");
        }
    }

    #[test]
    fn attributes_are_any_object() {
        let attributes = r#"{"fields":{"a":[null,true]},"n":-1.5,"t":"\u0000"}"#;
        let read = user(&format!(r#"{{"user":{{"attributes":{attributes}}}}}"#)).attributes.unwrap();
        assert_eq!(json::write(read).unwrap(), attributes);
        for attributes in ["[]", "1", "\"{}\"", "{\"fields\":{\"a\":}}", "{\"a\":1e999}"] {
            let line = format!(r#"{{"user":{{"attributes":{attributes}}}}}"#);
            assert_eq!(wrong(&line).0, "user.attributes", "{line}");
        }
    }

    /// More than this cannot be sent: the message would be nested more deeply than any reader of protobuf allows.
    #[test]
    fn attributes_that_are_nested_too_deeply_are_refused() {
        let line = |depth| {
            let brackets = |bracket| std::iter::repeat_n(bracket, depth).collect::<String>();
            let (open, close) = (brackets('['), brackets(']'));
            format!(r#"{{"user":{{"attributes":{{"a":{open}{close}}}}}}}"#)
        };
        assert!(read(line(20).as_bytes()).is_ok());
        for depth in [60, 1_000] {
            let (field, description) = wrong(&line(depth));
            assert!(field == "user.attributes" && description.contains("at most 8 levels"), "{field} {description}");
        }
    }

    #[test]
    fn numbers_that_would_be_rounded_are_refused_by_their_rule() {
        for number in ["9007199254740993", "-9007199254740992", "491700000000000001", "18446744073709551615"] {
            let (field, description) = wrong(&format!(r#"{{"user":{{"attributes":{{"a":[{number}]}}}}}}"#));
            assert!(
                field == "user.attributes" && description.contains("write them as texts"),
                "{number}: {description}"
            );
        }
        assert!(read(br#"{"user":{"attributes":{"a":[9007199254740991,-9007199254740991]}}}"#).is_ok());
    }

    #[test]
    fn fields_that_are_there_twice_are_refused() {
        for (line, field) in [
            (r#"{"user":{"email":"a","email":"a"}}"#, "user"),
            (r#"{"user":{"emailVerified":true,"email_verified":true}}"#, "user"),
            (r#"{"user":{"username":"a","username":null}}"#, "user"),
            (r#"{"user":{"state":1,"state":"USER_STATE_PENDING"}}"#, "user"),
            (r#"{"user":{},"user":{}}"#, ""),
            (r#"{"passwordHash":"a","password_hash":"a"}"#, ""),
        ] {
            let (found, description) = wrong(line);
            assert_eq!(found, field, "{line}");
            assert!(description.contains("duplicate field `"), "{description}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (line, field, description) in [
            (r#"{"user":{"email":1}}"#, "user.email", "invalid type: integer `1`, expected a string at column 18"),
            (r#"{"user":{"email_verified":"yes"}}"#, "user.email_verified", "expected a boolean at column 31"),
            (r#"{"user":{"lastLoginTime":7}}"#, "user.last_login_time", "expected a date string"),
            (r#"{"passwordHash":{}}"#, "password_hash", "invalid type: map, expected a string at column 16"),
            (r#"{"user":{"roles":[]}}"#, "user.roles", "cannot be read: unknown field `roles`"),
            (r#"{"roles":[]}"#, "roles", "cannot be read: unknown field `roles`"),
            ("{\"user\":{}\r\n", "", "the row cannot be read: EOF while parsing an object at column 10"),
            ("{} {}", "", "the row cannot be read: trailing characters at column 4"),
            ("[1]", "", "the row cannot be read: invalid type: sequence"),
        ] {
            let (found, told) = wrong(line);
            assert_eq!(found, field, "{line}");
            assert!(told.contains(description), "{line}: {told}");
        }
    }

    /// What systems write that follow the JSON mapping to the letter.
    #[test]
    fn rows_of_other_systems_are_read() {
        for line in [
            r#"{"user":{"email":"n1@example.org","username":null}}"#,
            r#"{"user":{"email":"n2@example.org","emailVerified":null}}"#,
            r#"{"user":{"email":"n3@example.org"},"passwordHash":null}"#,
            r#"{"user":{"email":"n4@example.org","createTime":null}}"#,
        ] {
            let email = user(line).email;
            let expected = User { email: email.clone(), ..User::default() };
            let expected = UserRecord { user: Some(expected), ..UserRecord::default() };
            assert_eq!(read(line.as_bytes()), Ok(expected));
        }
        let active = user(r#"{"user":{"email":"n5@example.org","emailVerified":true,"state":2}}"#);
        assert!(active.email_verified && active.state() == UserState::Active);
    }
}
