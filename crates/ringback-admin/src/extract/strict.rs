//! Reads a JSON value and refuses names that stand twice in one object: which one was meant?

use std::fmt;

use ringback::{document::escape, invalid::Invalid};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads the text of one value.
///
/// # Errors
/// A finding for each name that stands twice; one finding for text that cannot be held: nested more than 128
/// deep, or with half a surrogate pair.
pub(super) fn read(text: &[u8]) -> Result<Value, Invalid> {
    let mut invalid = Invalid::default();
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Strict { pointer: String::new(), invalid: &mut invalid }
        .deserialize(&mut deserializer)
        .map_err(|_| Invalid::one("", "malformed", "is nested too deeply or holds half a surrogate pair"))?;
    invalid.or(value)
}

struct Strict<'a> {
    pointer: String,
    invalid: &'a mut Invalid,
}

impl Strict<'_> {
    fn below(&mut self, token: &str) -> Strict<'_> {
        Strict { pointer: format!("{}/{}", self.pointer, escape(token)), invalid: self.invalid }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(self.below(&values.len().to_string()))? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(self.below(&name))?;
            if values.contains_key(&name) {
                let pointer = format!("{}/{}", self.pointer, escape(&name));
                self.invalid.add(pointer, "duplicate_field", "stands here twice");
            }
            values.insert(name, value);
        }
        Ok(Value::Object(values))
    }
}
