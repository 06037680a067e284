//! A JSON object as it came: its members' names in order, their values as exact bytes.
//!
//! A payload must be stored byte for byte, so the body as a whole is never parsed into values that would have to be
//! serialised again.

use axum::body::Bytes;
use http::StatusCode;
use ringback::{
    document::{Fields, escape},
    invalid::Invalid,
};
use serde::{
    Deserialize,
    de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value, error::Category, value::RawValue};

use super::{
    body::BODY_BYTES_MAX,
    depth::{DEPTH_MAX, is_shallow},
    strict,
};
use crate::problem::Problem;

/// The members of a JSON object.
#[derive(Debug, Default)]
pub(crate) struct Document {
    members: Vec<(String, Bytes)>,
}

impl Document {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// 400 for what is not JSON, 422 for JSON that is no object or names a member twice.
    pub(crate) fn read(body: &Bytes) -> Result<Self, Problem> {
        let members = serde_json::from_slice(body).map_err(broken_or_no_object)?;
        Ok(Self::of(members, body)?)
    }

    /// Reads a value inside a body that is known to be JSON.
    ///
    /// # Errors
    /// One finding for what is no object, or one for each member that stands twice.
    pub(crate) fn read_value(value: &Bytes) -> Result<Self, Invalid> {
        let members = serde_json::from_slice(value).map_err(|_| Invalid::one("", "wrong_type", "must be an object"))?;
        Self::of(members, value)
    }

    fn of(Members(members): Members<'_>, text: &Bytes) -> Result<Self, Invalid> {
        let mut invalid = Invalid::default();
        let mut names = std::collections::HashSet::new();
        for (name, _) in members.iter().filter(|(name, _)| !names.insert(name.as_str())) {
            invalid.add(format!("/{}", escape(name)), "duplicate_field", "stands here twice");
        }
        invalid.or(())?;
        let exact = |(name, value): (String, &RawValue)| (name, text.slice_ref(value.get().as_bytes()));
        Ok(Self { members: members.into_iter().map(exact).collect() })
    }

    /// The exact bytes of a member's value, which is then no longer part of the document.
    pub(crate) fn take(&mut self, name: &str) -> Option<Bytes> {
        let index = self.members.iter().position(|(member, _)| member == name)?;
        Some(self.members.remove(index).1)
    }

    /// The exact bytes of a payload, as [`Self::take`].
    ///
    /// # Errors
    /// A finding for one that is nested too deeply for its receivers.
    pub(crate) fn take_payload(&mut self, name: &str) -> Result<Option<Bytes>, Invalid> {
        match self.take(name) {
            Some(payload) if !is_shallow(&payload) => {
                let detail = format!("is nested more than {DEPTH_MAX} deep");
                Err(Invalid::one(format!("/{name}"), "too_deep", detail))
            }
            payload => Ok(payload),
        }
    }

    /// Refuses members that are too large to be parsed into values, which take many times the memory of their text.
    ///
    /// # Errors
    /// A finding at the object itself.
    pub(crate) fn require_small(&self) -> Result<(), Invalid> {
        let bytes: usize = self.members.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes <= BODY_BYTES_MAX {
            return Ok(());
        }
        let detail = format!("has more than {BODY_BYTES_MAX} bytes beside its payload");
        Err(Invalid::one("", "too_long", detail))
    }

    /// The members as values.
    ///
    /// # Errors
    /// A finding for each name that stands twice in one object, and for values that no program can hold.
    pub(crate) fn into_value(self) -> Result<Value, Invalid> {
        let mut values = Map::new();
        let mut invalid = Invalid::default();
        for (name, bytes) in self.members {
            match strict::read(&bytes) {
                Ok(value) => drop(values.insert(name, value)),
                Err(findings) => invalid.absorb(&format!("/{}", escape(&name)), findings),
            }
        }
        invalid.or(Value::Object(values))
    }

    /// The members, to be read one by one.
    ///
    /// # Errors
    /// As of [`Self::into_value`].
    pub(crate) fn fields(self) -> Result<Fields, Invalid> {
        Ok(Fields::of(self.into_value()?, ""))
    }
}

/// The elements of a JSON array, each as its exact bytes; if there are more than `max`, the first `max + 1`. An element
/// may be only a few bytes, so the list of a long array would take many times the memory of its text.
///
/// # Errors
/// A finding at the array itself when it is none.
pub(crate) fn elements(array: &Bytes, max: usize) -> Result<Vec<Bytes>, Invalid> {
    let mut deserializer = serde_json::Deserializer::from_slice(array);
    let raw = deserializer
        .deserialize_seq(ElementsVisitor { max })
        .map_err(|_| Invalid::one("", "wrong_type", "must be an array"))?;
    Ok(raw.into_iter().map(|value| array.slice_ref(value.get().as_bytes())).collect())
}

struct ElementsVisitor {
    max: usize,
}

impl<'de> Visitor<'de> for ElementsVisitor {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while elements.len() <= self.max {
            match array.next_element()? {
                Some(element) => elements.push(element),
                None => return Ok(elements),
            }
        }
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(elements)
    }
}

fn broken_or_no_object(error: serde_json::Error) -> Problem {
    match error.classify() {
        Category::Data => Invalid::one("", "wrong_type", "The body must be a JSON object.").into(),
        // serde_json's message has the place and what was expected there, and repeats nothing of the text.
        _ => Problem::new(StatusCode::BAD_REQUEST, "malformed_json", format!("The body is not JSON: {error}.")),
    }
}

/// Reads an object's members without looking into their values.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        /// More names than any document here has. Bounded, because every name is compared with all others.
        const MEMBERS_MAX: usize = 1_000;
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            if members.len() == MEMBERS_MAX {
                return Err(A::Error::custom("too many members"));
            }
            members.push(member);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Result<Document, Problem> {
        Document::read(&Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn a_member_is_kept_byte_for_byte() {
        let exact = r#"{ "z":3.0, "a" : 9007199254740993,"a":"\u00e9\ud800", "n":[1e2 ,{}] }"#;
        let text = format!(" {{\"type\":\"x\",\"payload\":  {exact}\n}} ");
        let mut document = Document::read(&Bytes::from(text)).unwrap();
        assert_eq!(document.take("payload").unwrap(), exact);
        assert_eq!(document.into_value().unwrap(), serde_json::json!({"type": "x"}));
    }

    #[test]
    fn no_more_elements_are_kept_than_may_be() {
        let kept = |array: &'static str| {
            elements(&Bytes::from_static(array.as_bytes()), 2).map(|kept| kept.into_iter().collect::<Vec<_>>().concat())
        };
        assert_eq!(kept("[]").unwrap(), b"");
        assert_eq!(kept("[1, {\"a\":2}]").unwrap(), b"1{\"a\":2}");
        assert_eq!(kept("[1,2,3,4,5]").unwrap(), b"123");
        assert!(kept("{}").is_err());
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for (text, code) in [
            ("", "malformed_json"),
            ("{", "malformed_json"),
            ("{} {}", "malformed_json"),
            ("{\"a\":tru}", "malformed_json"),
            ("[]", "wrong_type"),
            ("5", "wrong_type"),
            ("{\"a\":1,\"a\":1}", "duplicate_field"),
        ] {
            assert_eq!(read(text).unwrap_err().code(), code, "{text}");
        }
    }

    #[test]
    fn names_that_stand_twice_further_down_are_refused_too() {
        let findings = read(r#"{"headers":[{"x":1,"x":2}]}"#).unwrap().into_value().unwrap_err().findings;
        assert_eq!((findings[0].pointer.as_str(), findings[0].code), ("/headers/0/x", "duplicate_field"));
        let deep = Bytes::from(format!("{{\"name\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000)));
        let findings = Document::read(&deep).unwrap().into_value().unwrap_err().findings;
        assert_eq!((findings[0].pointer.as_str(), findings[0].code), ("/name", "malformed"));
    }
}
