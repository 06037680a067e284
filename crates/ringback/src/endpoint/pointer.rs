//! RFC 6901 pointers into a payload. The payload is not re-serialised, so that its bytes stay as they came.

use std::{borrow::Cow, fmt};

use serde::{
    Deserializer as _,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// A pointer to a value inside a payload. Never the whole payload: that is `{body}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pointer {
    text: String,
    pub(super) tokens: Vec<String>,
}

impl Pointer {
    /// Reads `/a/b~1c/0`; `None` if it does not begin with a slash or misuses `~`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let tokens = text.strip_prefix('/')?.split('/').map(unescape).collect::<Option<_>>()?;
        Some(Self { text: text.to_owned(), tokens })
    }

    /// Over how many members and elements it leads.
    pub(crate) fn steps(&self) -> usize {
        self.tokens.len()
    }

    /// The value at the pointer: a string's own text, the JSON text of anything else. Only this value must be valid text:
    /// halves of surrogate pairs elsewhere in the payload do no harm.
    ///
    /// # Errors
    /// Why there is no text to sign.
    pub(crate) fn value<'a>(&self, payload: &'a [u8]) -> Result<Cow<'a, str>, NoValue> {
        let mut here: &RawValue = serde_json::from_slice(payload).map_err(|_| NoValue::NotJson)?;
        for token in &self.tokens {
            here = member(here, token).ok_or(NoValue::Absent)?;
        }
        let text = here.get();
        if text.starts_with('"') {
            serde_json::from_str(text).map(Cow::Owned).map_err(|_| NoValue::NotText)
        } else {
            Ok(Cow::Borrowed(text))
        }
    }
}

/// Why a pointer gives no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoValue {
    /// The payload is not JSON.
    NotJson,
    /// There is nothing at the pointer.
    Absent,
    /// There is a string with half of a surrogate pair, which no encoding can write as bytes.
    NotText,
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn unescape(token: &str) -> Option<String> {
    let mut parts = token.split('~');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push(match part.as_bytes().first()? {
            b'0' => '~',
            b'1' => '/',
            _ => return None,
        });
        plain.push_str(&part[1..]);
    }
    Some(plain)
}

fn member<'a>(value: &'a RawValue, token: &str) -> Option<&'a RawValue> {
    let mut deserializer = serde_json::Deserializer::from_str(value.get());
    match value.get().as_bytes().first()? {
        b'{' => deserializer.deserialize_map(Named(token)).ok()?,
        b'[' => deserializer.deserialize_seq(Indexed(index(token)?)).ok()?,
        _ => None,
    }
}

/// An array index of RFC 6901: digits without a leading zero.
pub(super) fn index(token: &str) -> Option<usize> {
    let plain = token == "0" || !token.starts_with('0');
    (plain && token.bytes().all(|byte| byte.is_ascii_digit())).then(|| token.parse().ok())?
}

struct Named<'t>(&'t str);

impl<'de> Visitor<'de> for Named<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        // The last of equal names counts, as it does for the receiver's parser.
        while let Some(is_wanted) = map.next_key_seed(Equals(self.0))? {
            if is_wanted {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Compares a member's name without keeping it.
struct Equals<'t>(&'t str);

impl<'de> DeserializeSeed<'de> for Equals<'_> {
    type Value = bool;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        // As bytes, since a name may have half of a surrogate pair, which is no text.
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Equals<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_bytes<E>(self, name: &[u8]) -> Result<bool, E> {
        Ok(name == self.0.as_bytes())
    }
}

struct Indexed(usize);

impl<'de> Visitor<'de> for Indexed {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        let mut at = 0;
        while let Some(item) = items.next_element::<&RawValue>()? {
            if at == self.0 {
                found = Some(item);
            }
            at += 1;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(pointer: &str, payload: &str) -> Option<String> {
        Pointer::parse(pointer).unwrap().value(payload.as_bytes()).ok().map(Cow::into_owned)
    }

    fn why_not(pointer: &str, payload: &[u8]) -> NoValue {
        Pointer::parse(pointer).unwrap().value(payload).unwrap_err()
    }

    #[test]
    fn a_string_gives_its_text_and_anything_else_its_json() {
        let payload = r#"{"a": {"s":"x\n\u00e9", "n": 3.0, "o": {"k" : [1, 2]}, "z": null}, "a/b": [10, {"~": true}]}"#;
        assert_eq!(at("/a/s", payload).unwrap(), "x\né");
        assert_eq!(at("/a/n", payload).unwrap(), "3.0");
        assert_eq!(at("/a/o", payload).unwrap(), r#"{"k" : [1, 2]}"#);
        assert_eq!(at("/a/z", payload).unwrap(), "null");
        assert_eq!(at("/a~1b/0", payload).unwrap(), "10");
        assert_eq!(at("/a~1b/1/~0", payload).unwrap(), "true");
    }

    #[test]
    fn what_is_not_there_is_none() {
        let payload = r#"{"a": [1], "b": "x"}"#;
        for pointer in ["/c", "/a/1", "/a/-", "/a/00", "/a/+0", "/b/0", "/", "/a/0/x", "/a/99999999999999999999999"] {
            assert_eq!(at(pointer, payload), None, "{pointer}");
        }
        for payload in ["", "not json", "{\"a\":1", "\u{feff}{}", "[]", "1"] {
            assert_eq!(at("/a", payload), None, "{payload}");
        }
        assert_eq!(why_not("/a", b"{\"a\":\"\xff\"}"), NoValue::NotJson);
        assert_eq!(why_not("/b", br#"{"a":1}"#), NoValue::Absent);
        assert_eq!(why_not("/a", br#"{"a":"\ud800"}"#), NoValue::NotText);
    }

    #[test]
    fn half_of_a_surrogate_pair_elsewhere_is_stepped_over() {
        for payload in [
            r#"{"\ud800":1,"a":"x"}"#,
            r#"{"a":"x","\udfff":{"\ud800":"\udc00"}}"#,
            r#"{"b":"\ud800","a":"x"}"#,
            r#"{"b":["\udc00\ud800",{"\ud800":[]}],"a":"x"}"#,
            r#"{"a\ud800":"y","a":"x"}"#,
        ] {
            assert_eq!(at("/a", payload).as_deref(), Some("x"), "{payload}");
        }
        let inside = r#"{"list":[{"\udead":0,"id":"x"},"\ud800"],"\ud83d\ude00":{"\ud800":0,"deep":"y"}}"#;
        assert_eq!(at("/list/0/id", inside).as_deref(), Some("x"));
        assert_eq!(at("/\u{1f600}/deep", inside).as_deref(), Some("y"));
    }

    #[test]
    fn the_last_of_equal_names_counts() {
        assert_eq!(at("/a", r#"{"a":1,"\u0061":2}"#).unwrap(), "2");
    }

    #[test]
    fn a_hostile_depth_is_walked_without_recursion() {
        let deep = format!("{{\"x\":{}{},\"a\":7}}", "[".repeat(500_000), "]".repeat(500_000));
        assert_eq!(at("/a", &deep).unwrap(), "7");
    }

    #[test]
    fn only_rfc_6901_is_a_pointer() {
        for wrong in ["", "a", "/~", "/~2", "/a~"] {
            assert!(Pointer::parse(wrong).is_none(), "{wrong}");
        }
    }
}
