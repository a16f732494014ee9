//! `google.protobuf.Struct` to JSON and back.

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use serde_json::{Map, Number, Value as Json};

use crate::domain::account::attributes::{MAX_LEVELS, MAX_NUMBER};

/// A number that JSON cannot express: NaN or an infinity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must not hold NaN or infinite numbers")]
pub(in crate::presentation) struct NotJson;

/// The JSON text of a struct, with its members in order.
pub(in crate::presentation) fn write(object: Struct) -> Result<String, NotJson> {
    Ok(Json::Object(members(object)?).to_string())
}

/// The struct of a JSON text; nothing if the text is not an object. What is nested more deeply than attributes may be, as it
/// was stored when they might, becomes text: readers of messages would break at it.
pub(in crate::presentation) fn read(text: &str) -> Option<Struct> {
    match serde_json::from_str(text).ok()? {
        Json::Object(members) => {
            let shallow = |(name, value)| (name, within(value, MAX_LEVELS - 1));
            Some(of_members(members.into_iter().map(shallow).collect()))
        }
        _ => None,
    }
}

/// A value with so many levels of objects and lists at most.
fn within(json: Json, levels: usize) -> Json {
    match json {
        Json::Object(_) | Json::Array(_) if levels == 0 => Json::String(json.to_string()),
        Json::Object(members) => {
            Json::Object(members.into_iter().map(|(name, value)| (name, within(value, levels - 1))).collect())
        }
        Json::Array(values) => Json::Array(values.into_iter().map(|value| within(value, levels - 1)).collect()),
        other => other,
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
        Some(Kind::NumberValue(number)) => Json::Number(of_number(number)?),
        Some(Kind::StringValue(text)) => Json::String(text),
        Some(Kind::StructValue(object)) => Json::Object(members(object)?),
        Some(Kind::ListValue(list)) => Json::Array(list.values.into_iter().map(json).collect::<Result<_, _>>()?),
    })
}

/// Whole numbers are written as such, as other programs do: `7` rather than `7.0`.
fn of_number(number: f64) -> Result<Number, NotJson> {
    let whole = number.to_string().parse().ok().filter(|whole: &i64| whole.unsigned_abs() <= MAX_NUMBER.unsigned_abs());
    whole.map(Number::from).or_else(|| Number::from_f64(number)).ok_or(NotJson)
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
        let text = r#"{"a":null,"b":[true,1.5,"x\u0000\"",{}],"c":{"d":-2,"e":9007199254740991}}"#;
        assert_eq!(write(read(text).unwrap()).unwrap(), text);
        assert_eq!(write(read(r#"{"a":[7.0,-0.0,1e3,1e-3]}"#).unwrap()).unwrap(), r#"{"a":[7,0,1000,0.001]}"#);
        assert!(read("[]").is_none() && read("{").is_none());
    }

    #[test]
    fn what_is_nested_too_deeply_is_told_as_text() {
        let nested = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        assert_eq!(write(read(&nested(8)).unwrap()).unwrap(), nested(8));
        let told = nested(8).replace(":1}", &format!(":{}}}", Json::String(nested(24))));
        assert_eq!(write(read(&nested(32)).unwrap()).unwrap(), told);
        let lists = format!("{{\"a\":[[[[[[[{}]]]]]]]}}", "[[1]]");
        assert_eq!(write(read(&lists).unwrap()).unwrap(), "{\"a\":[[[[[[[\"[[1]]\"]]]]]]]}");
    }

    #[test]
    fn numbers_that_json_lacks_are_refused() {
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let value = Value { kind: Some(Kind::NumberValue(number)) };
            assert_eq!(write(Struct { fields: [("a".to_owned(), value)].into() }), Err(NotJson));
        }
    }
}
