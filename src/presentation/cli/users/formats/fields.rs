//! The members of a JSON object, taken out one after another. What nobody takes is told of at the end of an import.

use std::cell::RefCell;
use std::collections::BTreeSet;

use prost_types::Timestamp;
use serde_json::{Map, Value};

use super::super::rows::Unreadable;
use super::times;

/// The names of what was not taken of a row.
pub(super) type Names = RefCell<BTreeSet<String>>;

/// An object of a row. Whatever way its reading ends, what is still in it then is left out.
pub(super) struct Fields<'r> {
    path: String,
    members: Map<String, Value>,
    left_out: &'r Names,
}

impl<'r> Fields<'r> {
    /// The object that a row is.
    pub(super) fn of_row(members: Map<String, Value>, left_out: &'r Names) -> Self {
        Self { path: String::new(), members, left_out }
    }

    /// What is wrong with a member.
    pub(super) fn wrong(&self, name: &str, description: impl Into<String>) -> Unreadable {
        Unreadable { field: self.path_of(name), description: description.into() }
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Takes members out that say nothing about a person: they are not told of.
    pub(super) fn pass(&mut self, names: &[&str]) {
        for name in names {
            self.members.remove(*name);
        }
    }

    /// Leaves all of an object behind, as one of its type.
    pub(super) fn leave_all(&mut self, kind: &str) {
        self.members.clear();
        self.left_out.borrow_mut().insert(format!("{} of type {kind}", self.path));
    }

    /// Tells that a member is left behind which is taken out already.
    pub(super) fn tell(&self, name: &str) {
        self.left_out.borrow_mut().insert(self.path_of(name));
    }

    /// A member of any kind; nothing if it is not there or `null`.
    pub(super) fn value(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name).filter(|value| !value.is_null())
    }

    /// A text; an empty one if it is not there. Numbers are taken as the texts that they are, as some systems write ids.
    pub(super) fn text(&mut self, name: &str) -> Result<String, Unreadable> {
        match self.value(name) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text),
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(_) => Err(self.wrong(name, "must be a text")),
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, Unreadable> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(self.wrong(name, "must be true or false")),
        }
    }

    /// A whole number, or a text that is one.
    pub(super) fn number(&mut self, name: &str) -> Result<Option<i64>, Unreadable> {
        let number = match self.value(name) {
            None => return Ok(None),
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::String(text)) if text.is_empty() => return Ok(None),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        number.map(Some).ok_or_else(|| self.wrong(name, "must be a whole number"))
    }

    /// A time in milliseconds since 1970.
    pub(super) fn millis(&mut self, name: &str) -> Result<Option<Timestamp>, Unreadable> {
        Ok(self.number(name)?.map(times::of_millis))
    }

    /// A time as a text.
    pub(super) fn time(&mut self, name: &str) -> Result<Option<Timestamp>, Unreadable> {
        let text = self.text(name)?;
        if text.is_empty() {
            return Ok(None);
        }
        times::read(&text).map(Some).ok_or_else(|| self.wrong(name, "must be a time such as 2026-03-01T12:00:00Z"))
    }

    /// An object.
    pub(super) fn object(&mut self, name: &str) -> Result<Option<Self>, Unreadable> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(self.within(self.path_of(name), members))),
            Some(_) => Err(self.wrong(name, "must be an object")),
        }
    }

    /// An object with nothing in it, in place of one that is not there.
    pub(super) fn empty(&self, name: &str) -> Self {
        self.within(self.path_of(name), Map::new())
    }

    /// An object, written as a text.
    pub(super) fn object_in_text(&mut self, name: &str) -> Result<Option<Self>, Unreadable> {
        let text = self.text(name)?;
        if text.is_empty() {
            return Ok(None);
        }
        let members = serde_json::from_str(&text).map_err(|_| self.wrong(name, "must be a JSON object in a text"))?;
        Ok(Some(self.within(self.path_of(name), members)))
    }

    /// The objects of a list.
    pub(super) fn objects(&mut self, name: &str) -> Result<Vec<Self>, Unreadable> {
        let values = self.list(name)?.into_iter().enumerate();
        let objects = values.map(|(place, value)| match value {
            // What is left out is told of without the place, so that it is counted together.
            Value::Object(members) => Ok(self.within(self.path_of(name), members)),
            _ => Err(self.wrong(&format!("{name}[{place}]"), "must be an object")),
        });
        objects.collect()
    }

    /// The values of a list.
    pub(super) fn list(&mut self, name: &str) -> Result<Vec<Value>, Unreadable> {
        match self.value(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => Ok(values),
            Some(_) => Err(self.wrong(name, "must be a list")),
        }
    }

    /// All members that are still there.
    pub(super) fn rest(&mut self) -> Map<String, Value> {
        std::mem::take(&mut self.members)
    }

    fn within(&self, path: String, members: Map<String, Value>) -> Self {
        Self { path, members, left_out: self.left_out }
    }

    fn tell_of(&self, path: String, value: &Value) {
        let says_nothing = match value {
            Value::Null | Value::Bool(false) => true,
            Value::Bool(true) => false,
            Value::Number(number) => number.as_f64() == Some(0.0),
            Value::String(text) => text.is_empty(),
            Value::Array(values) => values.is_empty(),
            Value::Object(members) => members.is_empty(),
        };
        if !says_nothing {
            self.left_out.borrow_mut().insert(path);
        }
    }
}

impl Drop for Fields<'_> {
    fn drop(&mut self) {
        for (name, value) in std::mem::take(&mut self.members) {
            self.tell_of(self.path_of(&name), &value);
        }
    }
}
