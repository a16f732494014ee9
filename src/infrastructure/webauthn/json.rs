//! Strict JSON: nothing after it, and in no object two members of the same name, which two readers could read in two ways.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A value. Numbers are not asked for, so that it does not matter which.
#[derive(Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number,
    Text(String),
    Array(Vec<Self>),
    Object(Object),
}

/// The members of an object.
#[derive(Debug, PartialEq)]
pub(super) struct Object(BTreeMap<String, Json>);

impl Object {
    /// Reads a text that is an object, if it is not longer than so many bytes.
    pub(super) fn read(text: &[u8], longest: usize) -> Option<Self> {
        if text.len() > longest {
            return None;
        }
        match serde_json::from_slice(text) {
            Ok(Json::Object(object)) => Some(object),
            _ => None,
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        self.0.get(name)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Json::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// What a member holds in base64url, without padding and without stray bits in the last character.
    pub(super) fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(self.text(name)?).ok()
    }

    pub(super) fn take_object(&mut self, name: &str) -> Option<Self> {
        match self.0.remove(name) {
            Some(Json::Object(object)) => Some(object),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value without repeated members")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Json, E> {
        Ok(Json::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Number)
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element()? {
            array.push(item);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object = BTreeMap::new();
        while let Some((name, value)) = members.next_entry::<String, _>()? {
            if object.insert(name, value).is_some() {
                return Err(de::Error::custom("a member is repeated"));
            }
        }
        Ok(Json::Object(Object(object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Option<Object> {
        Object::read(text, text.len())
    }

    #[test]
    fn members_are_found_by_name_and_kind() {
        let text = br#" {"t":"AQI","n":null,"i":-1,"u":1,"f":1.5,"b":true,"a":[1,"x"],"o":{"t":"\u00e9"}} "#;
        let mut object = read(text).unwrap();
        assert_eq!((object.text("t"), object.bytes("t")), (Some("AQI"), Some(vec![1, 2])));
        assert_eq!((object.get("n"), object.get("b")), (Some(&Json::Null), Some(&Json::Bool(true))));
        for number in ["i", "u", "f"] {
            assert_eq!(object.get(number), Some(&Json::Number));
        }
        assert_eq!(object.get("a"), Some(&Json::Array(vec![Json::Number, Json::Text("x".into())])));
        assert_eq!(object.take_object("o").unwrap().text("t"), Some("\u{e9}"));
        assert_eq!((object.text("n"), object.bytes("a"), object.get("o")), (None, None, None));
        assert_eq!(object.take_object("t"), None);
        assert_eq!((Object::read(text, text.len() - 1), Object::read(b"{", 1)), (None, None));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_not_read() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":2,"\u0061":3}"#,
            r#"{"a":{"b":1,"b":1}}"#,
            r#"{"a":[{"b":1,"b":1}]}"#,
            r#"{"a":1}x"#,
            r#"{"a":1}{}"#,
            r#"{"a":1,}"#,
            r#"{"a":NaN}"#,
            r#"{"a":1e400}"#,
            r#"{"a":"\ud800"}"#,
            "\u{feff}{}",
            "[]",
            r#"["a"]"#,
            "1",
            "null",
            "",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(read(b"{\"a\":\"\xff\"}"), None);
        assert_eq!(read(b"{\"x\":\"\xc0\x80\"}"), None);
    }

    #[test]
    fn depth_has_a_limit() {
        let run = |bracket, depth| std::iter::repeat_n(bracket, depth).collect::<String>();
        let nested = |depth| format!("{{\"a\":{}{}}}", run('[', depth), run(']', depth));
        assert!(read(nested(100).as_bytes()).is_some());
        assert_eq!(read(nested(8_000).as_bytes()), None);
    }

    #[test]
    fn bytes_have_one_text() {
        for text in ["AQI=", "AQJ", "AQ I", "A", "AQI\\n", "+/8", "AQI.", "\\u00e9"] {
            let object = read(format!(r#"{{"b":"{text}"}}"#).as_bytes()).unwrap();
            assert_eq!(object.bytes("b"), None, "{text}");
        }
        assert_eq!(read(br#"{"b":"-_8"}"#).unwrap().bytes("b"), Some(vec![0xfb, 0xff]));
        assert_eq!(read(br#"{"b":""}"#).unwrap().bytes("b"), Some(vec![]));
    }
}
