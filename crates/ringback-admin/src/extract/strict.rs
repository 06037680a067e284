//! Reads a JSON value and refuses names that occur twice in one object, since it is unclear which one was meant.

use std::fmt;

use ringback::{document::escape, invalid::Invalid};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Most names that are reported. Each is reported with its whole pointer, which can be as long as the text.
const FINDINGS_MAX: usize = 16;

/// Reads the text of one value.
///
/// # Errors
/// A finding for each name that stands twice; one finding for text that cannot be held: nested more than 128
/// deep, or with half a surrogate pair.
pub(super) fn read(text: &[u8]) -> Result<Value, Invalid> {
    let mut invalid = Invalid::default();
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Strict { here: Path::Top, invalid: &mut invalid }
        .deserialize(&mut deserializer)
        .map_err(|_| Invalid::one("", "malformed", "is nested too deeply or holds half a surrogate pair"))?;
    invalid.or(value)
}

/// Where a value is. It is written out only for a finding: writing it for every value would cost the number of values times
/// the length of their names.
#[derive(Clone, Copy)]
enum Path<'a> {
    Top,
    Member(&'a Path<'a>, &'a str),
    Element(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top => Ok(()),
            Self::Member(above, name) => write!(f, "{above}/{}", escape(name)),
            Self::Element(above, index) => write!(f, "{above}/{index}"),
        }
    }
}

struct Strict<'a> {
    here: Path<'a>,
    invalid: &'a mut Invalid,
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

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        loop {
            let here = Path::Element(&self.here, values.len());
            let Some(value) = items.next_element_seed(Strict { here, invalid: &mut *self.invalid })? else { break };
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let here = Path::Member(&self.here, &name);
            let value = members.next_value_seed(Strict { here, invalid: &mut *self.invalid })?;
            if values.contains_key(&name) && self.invalid.findings.len() < FINDINGS_MAX {
                self.invalid.add(here.to_string(), "duplicate_field", "stands here twice");
            }
            values.insert(name, value);
        }
        Ok(Value::Object(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_above_many_values_does_not_multiply() {
        let text = format!("{{\"{}\":[{}{{\"a\":1,\"a\":2}}]}}", "n".repeat(500_000), "1,".repeat(250_000));
        let findings = read(text.as_bytes()).unwrap_err().findings;
        assert_eq!(findings.len(), 1);
        assert!(findings[0].pointer.ends_with("n/250000/a"));
        let many = format!("{{\"{}\":{{{}\"a\":1}}}}", "n".repeat(500_000), "\"a\":1,".repeat(50_000));
        assert_eq!(read(many.as_bytes()).unwrap_err().findings.len(), FINDINGS_MAX);
    }
}
