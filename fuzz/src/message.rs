//! Messages of the contract, made of the bytes of a fuzzer: most fields hold what callers send, some what nobody would.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

use crate::Input;

/// The contract as it describes itself.
pub static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| DescriptorPool::decode(ipse::proto::DESCRIPTORS).unwrap());

/// How many messages may lie in each other.
const DEPTH: usize = 5;
/// Texts that mean something to some field.
const TEXTS: [&str; 32] = [
    "",
    "*",
    "id",
    "email",
    "username",
    "display_name",
    "locale",
    "attributes",
    "name",
    "description",
    "permissions",
    "create_time desc",
    "state = ACTIVE AND email = \"a*\"",
    "type = authn_* AND outcome != SUCCESS",
    "orders",
    "users.read",
    "users.*",
    "roles.write",
    "root@example.com",
    "A.b+c@Bücher.example",
    "de-CH",
    "alice",
    "support",
    "the long way home of root",
    "123456",
    "none",
    "00000000-0000-7000-8000-000000000000",
    "\0",
    "a\nb",
    "\u{202e}",
    "$2b$04$abcdefghijklmnopqrstuuoJZ6aHQ.rrrVvJ1iCJC1D4Iv0TbCy3K",
    "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
];
const INTEGERS: [i64; 12] =
    [0, 1, -1, 2, 50, 1000, 86_400, 1_700_000_000, i32::MAX as i64, i32::MIN as i64, i64::MAX, i64::MIN];

/// Makes messages.
pub struct Maker<'i, 'a> {
    pub input: &'i mut Input<'a>,
    /// Texts that the service gave out.
    pub known: &'i BTreeSet<String>,
}

impl Maker<'_, '_> {
    /// A message with some of its fields.
    pub fn message(&mut self, descriptor: &MessageDescriptor, depth: usize) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        for field in descriptor.fields().filter(|_| depth < DEPTH) {
            if self.input.0.is_empty() {
                break;
            }
            if self.input.byte() % 4 == 0 {
                continue;
            }
            let count = if field.is_list() || field.is_map() { self.input.byte() % 4 } else { 1 };
            let value = if let Kind::Message(entry) = field.kind()
                && field.is_map()
            {
                let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
                Value::Map(
                    (0..count)
                        .filter_map(|_| Some((map_key(self.value(&key, depth))?, self.value(&value, depth))))
                        .collect(),
                )
            } else if field.is_list() {
                Value::List((0..count).map(|_| self.value(&field, depth)).collect())
            } else {
                self.value(&field, depth)
            };
            message.set_field(&field, value);
        }
        message
    }

    fn value(&mut self, field: &FieldDescriptor, depth: usize) -> Value {
        match field.kind() {
            Kind::Message(inner) => Value::Message(self.message(&inner, depth + 1)),
            Kind::Enum(_) => Value::EnumNumber(self.input.byte().into()),
            Kind::Bool => Value::Bool(self.input.byte() % 2 == 1),
            Kind::String => Value::String(self.string()),
            Kind::Bytes => Value::Bytes(self.string().into_bytes().into()),
            Kind::Double => Value::F64(f64::from_bits(self.integer().cast_unsigned())),
            Kind::Float => Value::F32(self.integer() as f32),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(self.integer() as i32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(self.integer()),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(self.integer() as u32),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(self.integer().cast_unsigned()),
        }
    }

    fn integer(&mut self) -> i64 {
        let byte = self.input.byte();
        if byte % 2 == 0 { *self.input.choose(&INTEGERS) } else { i64::from(byte / 2) }
    }

    /// One that is known, one that means something, one of either with a byte changed, or another.
    fn string(&mut self) -> String {
        let (byte, place) = (self.input.byte(), usize::from(self.input.byte()));
        let known = || self.known.iter().nth(place % self.known.len().max(1)).cloned().unwrap_or_default();
        let mut text = match byte % 8 {
            0..=2 => known(),
            3..=5 => TEXTS[place % TEXTS.len()].to_owned(),
            6 => String::from_utf8_lossy(self.input.take(place)).into_owned(),
            _ => TEXTS[place % TEXTS.len()].repeat(place),
        };
        if byte >= 192 && !text.is_empty() {
            let place = usize::from(self.input.byte()) % text.chars().count();
            text = text
                .chars()
                .enumerate()
                .map(|(at, c)| if at == place { char::from(self.input.byte()) } else { c })
                .collect();
        }
        text
    }
}

fn map_key(value: Value) -> Option<MapKey> {
    value.as_str().map(|text| MapKey::String(text.to_owned()))
}

/// All texts in a message, and those that are page tokens.
pub fn texts(message: &DynamicMessage, into: &mut Vec<(String, String)>) {
    for (field, value) in message.fields() {
        texts_of(field.name(), value, into);
    }
}

fn texts_of(name: &str, value: &Value, into: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => into.push((name.to_owned(), text.clone())),
        Value::Message(message) => texts(message, into),
        Value::List(values) => values.iter().for_each(|value| texts_of(name, value, into)),
        _ => {}
    }
}

/// The descriptor's own message, if these bytes are one.
pub fn read(descriptor: MessageDescriptor, bytes: &[u8]) -> Option<DynamicMessage> {
    DynamicMessage::decode(descriptor, bytes).ok()
}
