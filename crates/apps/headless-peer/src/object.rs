//! One JSON object whose fields are taken out one by one: what is left over is an error, and so is a repeated name.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::ParseError;

/// The fields that nobody has asked for yet.
#[derive(Debug)]
pub(crate) struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one JSON object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object, M::Error> {
                let mut fields: Vec<(String, Value)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if fields.iter().any(|(other, _)| *other == name) {
                        return Err(serde::de::Error::custom("a field is there twice"));
                    }
                    fields.push((name, value));
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

impl Object {
    /// Takes a field if it is there.
    pub(crate) fn optional(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Takes a text that must be there.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<String, ParseError> {
        match self.optional(name) {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(ParseError::Field { name, expected: "a text" }),
            None => Err(ParseError::Missing(name)),
        }
    }

    /// Takes a switch that must be there.
    pub(crate) fn switch(&mut self, name: &'static str) -> Result<bool, ParseError> {
        match self.optional(name) {
            Some(Value::Bool(on)) => Ok(on),
            Some(_) => Err(ParseError::Field { name, expected: "true or false" }),
            None => Err(ParseError::Missing(name)),
        }
    }

    /// All fields must have been taken.
    pub(crate) fn end(self) -> Result<(), ParseError> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => Err(ParseError::UnknownField(name)),
        }
    }
}
