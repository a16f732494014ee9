//! `google.protobuf.Struct` to JSON and back.

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use serde_json::{Map, Number, Value as Json};

/// A number that JSON cannot express: NaN or an infinity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must not hold NaN or infinite numbers")]
pub(in crate::presentation) struct NotJson;

/// The JSON text of a struct, with its members in order.
pub(in crate::presentation) fn write(object: Struct) -> Result<String, NotJson> {
    Ok(Json::Object(members(object)?).to_string())
}

/// The struct of a JSON text; nothing if the text is not an object.
pub(in crate::presentation) fn read(text: &str) -> Option<Struct> {
    match serde_json::from_str(text).ok()? {
        Json::Object(members) => Some(of_members(members)),
        _ => None,
    }
}

/// The members of a JSON object from those of a struct.
pub(in crate::presentation) fn members(object: Struct) -> Result<Map<String, Json>, NotJson> {
    object.fields.into_iter().map(|(name, value)| Ok((name, json(value)?))).collect()
}

fn json(value: Value) -> Result<Json, NotJson> {
    Ok(match value.kind {
        None | Some(Kind::NullValue(_)) => Json::Null,
        Some(Kind::BoolValue(flag)) => Json::Bool(flag),
        Some(Kind::NumberValue(number)) => Json::Number(Number::from_f64(number).ok_or(NotJson)?),
        Some(Kind::StringValue(text)) => Json::String(text),
        Some(Kind::StructValue(object)) => Json::Object(members(object)?),
        Some(Kind::ListValue(list)) => Json::Array(list.values.into_iter().map(json).collect::<Result<_, _>>()?),
    })
}

/// The struct with the members of a JSON object.
pub(in crate::presentation) fn of_members(members: Map<String, Json>) -> Struct {
    Struct { fields: members.into_iter().map(|(name, value)| (name, of_json(value))).collect() }
}

fn of_json(json: Json) -> Value {
    let kind = match json {
        Json::Null => Kind::NullValue(0),
        Json::Bool(flag) => Kind::BoolValue(flag),
        Json::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Json::String(text) => Kind::StringValue(text),
        Json::Array(values) => Kind::ListValue(ListValue { values: values.into_iter().map(of_json).collect() }),
        Json::Object(members) => Kind::StructValue(of_members(members)),
    };
    Value { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_struct_round_trips_through_json() {
        let text = r#"{"a":null,"b":[true,1.5,"x\u0000\"",{}],"c":{"d":-2.0}}"#;
        assert_eq!(write(read(text).unwrap()).unwrap(), text);
        assert!(read("[]").is_none() && read("{").is_none());
    }

    #[test]
    fn numbers_that_json_lacks_are_refused() {
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let value = Value { kind: Some(Kind::NumberValue(number)) };
            assert_eq!(write(Struct { fields: [("a".to_owned(), value)].into() }), Err(NotJson));
        }
    }
}
