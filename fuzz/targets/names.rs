//! Addresses, usernames and what else people and things are called: what is read is written as it is read.
#![no_main]

use ipse::domain::account::attributes::Attributes;
use ipse::domain::account::email::{EmailAddress, MAX_BYTES};
use ipse::domain::account::profile::{DisplayName, Locale};
use ipse::domain::account::username::Username;
use ipse::domain::id::UserId;
use ipse::domain::name::{Description, Name};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

fuzz_target!(|text: &str| {
    if let Ok(address) = EmailAddress::parse(text) {
        check_address(text, &address);
    }
    if let Ok(name) = Username::parse(text) {
        check_username(text, &name);
    }
    for prefix in prefixes(text) {
        assert!(EmailAddress::canonical_prefix(prefix).map_or(true, |found| found.is_ascii()));
    }
    assert!(
        DisplayName::parse(text).is_ok_and(|name| name.as_str() == text && !text.contains(['\n', '\r', '\0']))
            || DisplayName::parse(text).is_err()
    );
    assert!(Description::parse(text).is_err() || DisplayName::parse(text).is_ok() || text.chars().count() > 128);
    assert!(Name::parse(text).map_or(true, |name| Name::from_bytes(name.as_str().as_bytes()) == Some(name)));
    assert!(Locale::parse(text).map_or(true, |tag| tag.as_str() == text && text.is_ascii()));
    assert!(UserId::parse(text).map_or(true, |id| id.to_string() == text.to_ascii_lowercase()));
    if let Ok(object) = serde_json::from_str::<Map<String, Value>>(text) {
        check_attributes(&object);
    }
});

fn prefixes(text: &str) -> impl Iterator<Item = &str> {
    text.char_indices().map(|(end, _)| &text[..end]).take(MAX_BYTES)
}

fn check_address(text: &str, address: &EmailAddress) {
    let (written, canonical) = (address.written(), address.canonical());
    assert!(EmailAddress::parse(written).is_ok_and(|again| again == *address), "{written}");
    let again = EmailAddress::parse(canonical).expect("the canonical form is an address");
    assert_eq!((again.written(), again.canonical()), (canonical, canonical));
    assert!(written.eq_ignore_ascii_case(canonical) && canonical.len() <= MAX_BYTES);
    assert!(canonical.is_ascii() && !canonical.contains([' ', ',', '<', '>', '"', '(', ')', ';', '[', '\r', '\n']));
    assert_eq!(canonical.matches('@').count(), 1);
    assert!(canonical.starts_with(address.local_part()));
    assert!(Username::parse(text).is_err(), "nobody takes an address for a username");
    // What is typed from the left finds the address, where no letters become others.
    for prefix in prefixes(text).filter(|_| text.is_ascii()) {
        let found = EmailAddress::canonical_prefix(prefix).expect("the beginning of an address");
        assert!(canonical.starts_with(&found), "{prefix}");
    }
}

fn check_username(text: &str, name: &Username) {
    assert_eq!(name.as_str(), text.to_ascii_lowercase());
    assert_eq!(Username::parse(name.as_str()).as_ref(), Ok(name));
    for prefix in prefixes(text) {
        assert!(Username::canonical_prefix(prefix).is_ok_and(|found| name.as_str().starts_with(&found)));
    }
}

fn check_attributes(object: &Map<String, Value>) {
    let Ok(attributes) = Attributes::new(Value::Object(object.clone()).to_string()) else { return };
    let stored = Attributes::stored(attributes.as_json().to_owned());
    assert_eq!(Attributes::stored(stored.as_json().to_owned()), stored);
    assert!(serde_json::from_str::<Map<String, Value>>(stored.as_json()).is_ok(), "{}", stored.as_json());
}
