use proptest::prelude::*;

use super::decode;
use super::writer::{Item, item};
use crate::infrastructure::webauthn::cbor::{Key, Value};

#[test]
fn the_examples_of_rfc_8949_that_authenticators_may_write_are_read() {
    for (hex, value) in [
        ("00", Item::Integer(0)),
        ("17", Item::Integer(23)),
        ("1818", Item::Integer(24)),
        ("1903e8", Item::Integer(1000)),
        ("1a000f4240", Item::Integer(1_000_000)),
        ("1bffffffffffffffff", Item::Integer(i128::from(u64::MAX))),
        ("20", Item::Integer(-1)),
        ("3903e7", Item::Integer(-1000)),
        ("3bffffffffffffffff", Item::Integer(-1 - i128::from(u64::MAX))),
        ("f4", Item::Bool(false)),
        ("f5", Item::Bool(true)),
        ("f6", Item::Null),
        ("40", Item::Bytes(vec![])),
        ("4401020304", Item::Bytes(vec![1, 2, 3, 4])),
        ("60", Item::text("")),
        ("62225c", Item::text("\"\\")),
        ("64f0908591", Item::text("\u{10151}")),
        ("80", Item::Array(vec![])),
        ("820102", Item::Array(vec![Item::Integer(1), Item::Integer(2)])),
        ("a0", Item::Map(vec![])),
        ("a2036161016162", Item::Map(vec![Item::entry(3, Item::text("a")), Item::entry(1, Item::text("b"))])),
    ] {
        let bytes = decode(hex);
        assert_eq!(Value::read(&bytes).as_ref().map(Item::of), Some(value), "{hex}");
    }
}

#[test]
fn what_authenticators_do_not_write_is_refused() {
    for (hex, why) in [
        ("", "nothing"),
        ("1817", "not the shortest form"),
        ("190018", "not the shortest form"),
        ("1900ff", "not the shortest form"),
        ("1a0000ffff", "not the shortest form"),
        ("1b00000000ffffffff", "not the shortest form"),
        ("380a", "not the shortest form"),
        ("580101", "not the shortest form of a length"),
        ("1c", "reserved"),
        ("1f", "no length"),
        ("5f420102ff", "indefinite length"),
        ("7f6161ff", "indefinite length"),
        ("9f01ff", "indefinite length"),
        ("bf0101ff", "indefinite length"),
        ("ff", "break"),
        ("c11a514b67b0", "tag"),
        ("c0", "tag"),
        ("f93c00", "float"),
        ("fa47c35000", "float"),
        ("fb3ff199999999999a", "float"),
        ("f7", "undefined"),
        ("f0", "simple value"),
        ("f8ff", "simple value"),
        ("61ff", "not UTF-8"),
        ("63eda080", "half of a surrogate pair"),
        ("4101ff", "something behind it"),
        ("0000", "something behind it"),
        ("a201010102", "a key twice"),
        ("a2616101616102", "a key twice"),
        ("a1410101", "a key of bytes"),
        ("a1f501", "a key that is true"),
        ("a18001", "a key that is an array"),
        ("a1a001", "a key that is a map"),
        ("8181818180", "five levels"),
        ("a101a101a101a101a0", "five levels"),
        ("9841", "too many items"),
        ("b841", "too many items"),
        ("9bffffffffffffffff", "too many items"),
        ("5bffffffffffffffff", "longer than the input"),
        ("7bffffffffffffffff00", "longer than the input"),
    ] {
        assert_eq!(Value::read(&decode(hex)), None, "{hex}: {why}");
    }
    for hex in ["81818180", "a101a101a101a0"] {
        assert!(Value::read(&decode(hex)).is_some(), "{hex}: four levels");
    }
    let zeros = |items| [vec![0x98, items], vec![0; items.into()]].concat();
    assert_eq!((Value::read(&zeros(64)).is_some(), Value::read(&zeros(65))), (true, None));
}

#[test]
fn a_map_has_exactly_what_is_asked_for() {
    let bytes = decode("a2616101616202");
    let value = Value::read(&bytes).unwrap();
    let map = value.map().unwrap();
    let found = map.exactly([Key::Text("b"), Key::Text("a")]);
    assert_eq!(found, Some([&Value::Integer(2), &Value::Integer(1)]));
    assert_eq!(map.exactly([Key::Text("a")]), None);
    assert_eq!(map.exactly(["a", "b", "c"].map(Key::Text)), None);
    assert_eq!(map.exactly([Key::Text("a"), Key::Integer(1)]), None);
}

/// How many arrays and maps lie in each other.
fn depth(item: &Item) -> usize {
    match item {
        Item::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Item::Map(entries) => 1 + entries.iter().map(|(_, value)| depth(value)).max().unwrap_or_default(),
        _ => 0,
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read(item in item()) {
        let bytes = item.write();
        let read = Value::read(&bytes);
        prop_assert_eq!(read.as_ref().map(Item::of), (depth(&item) <= 4).then_some(item));
    }

    #[test]
    fn a_value_has_one_text_and_no_part_of_one_is_a_value(item in item(), place: prop::sample::Index, byte: u8) {
        let mut bytes = item.write();
        prop_assert_eq!(Value::read(&bytes[..place.index(bytes.len())]), None);
        let longer = [&bytes[..], &[byte]].concat();
        prop_assert_eq!(Value::read(&longer), None);
        if let Some((first, rest)) = Value::read_first(&longer) {
            prop_assert_eq!((Item::of(&first), rest), (item, &[byte][..]));
        }
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Some(other) = Value::read(&bytes) {
            prop_assert_eq!(Item::of(&other).write(), bytes);
        }
    }

    #[test]
    fn whatever_is_read_has_one_text(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Some((value, rest)) = Value::read_first(&bytes) {
            prop_assert_eq!([&Item::of(&value).write(), rest].concat(), bytes);
        }
    }
}
