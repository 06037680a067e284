//! Reads a JSON document into a type so that a refusal names the field and says what it must be.
//!
//! `serde_json`'s own errors name no field and quote the value; a value may be a secret. Here the error is
//! a [`Finding`]: an RFC 6901 pointer, a stable code, and words that never repeat what was given.

use std::fmt;

use serde::{
    Deserialize,
    de::{
        self, DeserializeSeed, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
    },
    forward_to_deserialize_any,
};
use serde_json::{Map, Value};

use crate::invalid::{Finding, Invalid};

/// Reads `document` as a `T`.
///
/// # Errors
/// One finding: the first field that is unknown, missing, or of the wrong kind.
pub fn read<'de, T: Deserialize<'de>>(document: Value) -> Result<T, Invalid> {
    T::deserialize(Node(document)).map_err(|Refused(finding)| Invalid { findings: vec![finding] })
}

/// Reads one word, such as a state's name, as a `T`.
///
/// # Errors
/// One finding, with an empty pointer.
pub fn read_word<'de, T: Deserialize<'de>>(word: &str) -> Result<T, Invalid> {
    read(Value::String(word.to_owned()))
}

/// The reference tokens `~` and `/` of a pointer are written `~0` and `~1` (RFC 6901 §3).
#[must_use]
pub fn pointer_to(field: &str) -> String {
    format!("/{}", field.replace('~', "~0").replace('/', "~1"))
}

/// One value of the document.
struct Node(Value);

/// Why a value was refused; the pointer grows on the way up.
#[derive(Debug)]
struct Refused(Finding);

impl Refused {
    fn new(pointer: String, code: &'static str, detail: String) -> Self {
        Self(Finding { pointer, code, detail })
    }

    fn under(mut self, token: &str) -> Self {
        self.0.pointer.insert_str(0, &pointer_to(token));
        self
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl std::error::Error for Refused {}

impl de::Error for Refused {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(String::new(), "malformed", message.to_string())
    }

    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(String::new(), "wrong_type", format!("must be {}", in_json_words(&expected.to_string())))
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(String::new(), "out_of_range", format!("must be {}", in_json_words(&expected.to_string())))
    }

    fn invalid_length(_: usize, expected: &dyn de::Expected) -> Self {
        Self::new(String::new(), "out_of_range", format!("must be {}", in_json_words(&expected.to_string())))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(String::new(), "unknown_value", format!("must be one of: {}", expected.join(", ")))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(pointer_to(field), "unknown_field", format!("is no field here; known are: {}", expected.join(", ")))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(pointer_to(field), "required", "is missing".to_owned())
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(pointer_to(field), "duplicate_field", "stands here twice".to_owned())
    }
}

/// Rust's names of what was expected, in the words of JSON.
fn in_json_words(expected: &str) -> String {
    let words = match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number that is not negative",
        "i32" | "i64" => "a whole number",
        "f64" => "a number",
        "a sequence" => "an array",
        "a map" => "an object",
        other if other.contains("struct ") || other.contains("tagged enum") => "an object",
        other if other.starts_with("enum ") => "a word",
        other => other,
    };
    words.to_owned()
}

impl<'de> de::Deserializer<'de> for Node {
    type Error = Refused;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => visitor.visit_u64(value),
                (None, Some(value)) => visitor.visit_i64(value),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::INFINITY)),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => visitor.visit_seq(Items { items: items.into_iter(), index: 0 }),
            Value::Object(members) => visitor.visit_map(Members::of(members)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_newtype_struct(self)
    }

    /// Serde would take an array for a struct too, field by field.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        match self.0 {
            Value::Object(members) => visitor.visit_map(Members::of(members)),
            _ => Err(Refused::invalid_type(de::Unexpected::Other("value"), &"an object")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        match self.0 {
            Value::String(word) => visitor.visit_enum(word.into_deserializer()),
            Value::Object(members) if members.len() == 1 => visitor.visit_enum(Tagged(members)),
            _ => Err(Refused::invalid_type(de::Unexpected::Other("value"), &"a word")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

/// An array on its way through.
struct Items {
    items: std::vec::IntoIter<Value>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items {
    type Error = Refused;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Refused> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(Node(item)).map(Some).map_err(|refused| refused.under(&index.to_string()))
    }
}

/// An object on its way through.
struct Members {
    members: serde_json::map::IntoIter,
    value: Option<(String, Value)>,
}

impl Members {
    fn of(members: Map<String, Value>) -> Self {
        Self { members: members.into_iter(), value: None }
    }
}

impl<'de> MapAccess<'de> for Members {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Refused> {
        let Some((name, value)) = self.members.next() else { return Ok(None) };
        self.value = Some((name.clone(), value));
        seed.deserialize(Node(Value::String(name))).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refused> {
        let (name, value) = self.value.take().unwrap_or_default();
        seed.deserialize(Node(value)).map_err(|refused| refused.under(&name))
    }
}

/// An enum's variant with content: `{"variant": content}`.
struct Tagged(Map<String, Value>);

impl<'de> EnumAccess<'de> for Tagged {
    type Error = Refused;
    type Variant = Node;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Node), Refused> {
        let (name, content) = self.0.into_iter().next().unwrap_or_default();
        Ok((seed.deserialize(Node(Value::String(name)))?, Node(content)))
    }
}

impl<'de> VariantAccess<'de> for Node {
    type Error = Refused;

    fn unit_variant(self) -> Result<(), Refused> {
        Deserialize::deserialize(self)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Refused> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Refused> {
        de::Deserializer::deserialize_any(self, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Refused> {
        de::Deserializer::deserialize_any(self, visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::endpoint::{Auth, Preset, Retry, Scheme};

    /// One field of every kind.
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "most fields are only there to be read")]
    struct Sample {
        url: String,
        preset: Option<Preset>,
        scheme: Option<Scheme>,
        headers: Option<BTreeMap<String, String>>,
        timeout_ms: Option<u32>,
        retry: Option<Retry>,
    }

    fn refused<'de, T: Deserialize<'de>>(document: Value) -> (String, &'static str) {
        let finding = read::<T>(document).err().expect("refused").findings.remove(0);
        assert!(!finding.detail.contains("hunter2"), "{}", finding.detail);
        (finding.pointer, finding.code)
    }

    #[test]
    fn each_refusal_names_its_field() {
        let url = "https://example.com";
        assert_eq!(refused::<Sample>(json!({})), ("/url".into(), "required"));
        assert_eq!(refused::<Sample>(json!({"url": 5})), ("/url".into(), "wrong_type"));
        assert_eq!(refused::<Sample>(json!({"url": url, "a/b": 5})), ("/a~1b".into(), "unknown_field"));
        assert_eq!(refused::<Sample>(json!({"url": url, "timeout_ms": -1})), ("/timeout_ms".into(), "out_of_range"));
        assert_eq!(
            refused::<Sample>(json!({"url": url, "timeout_ms": "hunter2"})),
            ("/timeout_ms".into(), "wrong_type")
        );
        assert_eq!(
            refused::<Sample>(
                json!({"url": url, "retry": {"max_attempts": 3, "delays_ms": [1, "hunter2"], "jitter": 0.1}})
            ),
            ("/retry/delays_ms/1".into(), "wrong_type")
        );
        assert_eq!(
            refused::<Sample>(json!({"url": url, "headers": {"x-a": 1}})),
            ("/headers/x-a".into(), "wrong_type")
        );
        assert_eq!(refused::<Sample>(json!({"url": url, "preset": "hunter2"})), ("/preset".into(), "unknown_value"));
        assert_eq!(refused::<Auth>(json!({"type": "bearer", "tokn": "hunter2"})), ("/tokn".into(), "unknown_field"));
        assert_eq!(refused::<Sample>(json!([])), (String::new(), "wrong_type"));
    }

    #[test]
    fn what_is_right_is_read() {
        let document = json!({"url": "example.com", "preset": "levrage", "scheme": "plain-hex", "timeout_ms": null});
        let read: Sample = read(document).unwrap();
        assert_eq!(read.preset, Some(Preset::Levrage));
    }
}
