//! Writes CBOR as authenticators do.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use crate::infrastructure::webauthn::cbor::{Key, Value};

/// A value that owns what it holds, with the keys of maps as values.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    Integer(i128),
    Bytes(Vec<u8>),
    Text(String),
    Array(Vec<Self>),
    Map(Vec<(Self, Self)>),
    Bool(bool),
    Null,
}

impl Item {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// An entry of a map with a number for its key.
    pub(super) fn entry(key: i128, value: Self) -> (Self, Self) {
        (Self::Integer(key), value)
    }

    pub(super) fn write(&self) -> Vec<u8> {
        match self {
            Self::Integer(number) if *number < 0 => head(1, -1 - number),
            Self::Integer(number) => head(0, *number),
            Self::Bytes(bytes) => [head(2, length(bytes)), bytes.clone()].concat(),
            Self::Text(text) => [head(3, length(text.as_bytes())), text.as_bytes().to_vec()].concat(),
            Self::Array(items) => {
                items.iter().fold(head(4, length(items)), |array, item| [array, item.write()].concat())
            }
            Self::Map(entries) => entries
                .iter()
                .fold(head(5, length(entries)), |map, (key, value)| [map, key.write(), value.write()].concat()),
            Self::Bool(value) => vec![0xf4 + u8::from(*value)],
            Self::Null => vec![0xf6],
        }
    }

    /// A value that was read, as one to be written.
    pub(super) fn of(value: &Value<'_>) -> Self {
        match value {
            Value::Integer(number) => Self::Integer(*number),
            Value::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
            Value::Text(text) => Self::text(text),
            Value::Array(items) => Self::Array(items.iter().map(Self::of).collect()),
            Value::Map(map) => {
                Self::Map(map.entries().map(|(key, value)| (Self::of_key(*key), Self::of(value))).collect())
            }
            Value::Bool(value) => Self::Bool(*value),
            Value::Null => Self::Null,
        }
    }

    fn of_key(key: Key<'_>) -> Self {
        match key {
            Key::Integer(number) => Self::Integer(number),
            Key::Text(text) => Self::text(text),
        }
    }
}

fn length<T>(items: &[T]) -> i128 {
    i128::try_from(items.len()).unwrap()
}

/// The head of an item, in the shortest form.
fn head(kind: u8, argument: i128) -> Vec<u8> {
    let bytes = u64::try_from(argument).unwrap().to_be_bytes();
    let (short, shown) = match argument {
        0..24 => return vec![kind << 5 | bytes[7]],
        24..0x100 => (24, 1),
        0x100..0x1_0000 => (25, 2),
        0x1_0000..0x1_0000_0000 => (26, 4),
        _ => (27, 8),
    };
    [&[kind << 5 | short], &bytes[8 - shown..]].concat()
}

fn leaf() -> impl Strategy<Value = Item> {
    prop_oneof![
        (-(1_i128 << 64)..1 << 64).prop_map(Item::Integer),
        (-300..300_i128).prop_map(Item::Integer),
        vec(any::<u8>(), 0..300).prop_map(Item::Bytes),
        ".{0,40}".prop_map(Item::Text),
        any::<bool>().prop_map(Item::Bool),
        Just(Item::Null),
    ]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,5}", "-?[0-9]{1,4}"]
}

/// Any value that is accepted.
pub(super) fn item() -> impl Strategy<Value = Item> {
    leaf().prop_recursive(4, 64, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Item::Array),
            btree_map(key(), inner, 0..6).prop_map(|map| {
                let mut entries: Vec<(Item, Item)> = Vec::new();
                for (key, value) in map {
                    let key = key.parse().map_or(Item::Text(key), Item::Integer);
                    if entries.iter().all(|(present, _)| *present != key) {
                        entries.push((key, value));
                    }
                }
                Item::Map(entries)
            }),
        ]
    })
}
