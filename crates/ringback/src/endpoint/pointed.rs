//! Several values of a payload, found in one walk for each level of nesting, as the bytes that they are.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserializer as _,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::pointer::{NoValue, Pointer, index};

/// The JSON text at each pointer, in their order; `None` where there is nothing. The recursion is as deep as the longest
/// pointer has steps.
///
/// # Errors
/// When the payload is not JSON.
pub(crate) fn values_at<'p>(pointers: &[&Pointer], payload: &'p [u8]) -> Result<Vec<Option<&'p str>>, NoValue> {
    let whole = whole(payload).ok_or(NoValue::NotJson)?;
    let mut found = vec![None; pointers.len()];
    descend(whole, 0, (0..pointers.len()).collect(), pointers, &mut found);
    Ok(found)
}

/// Whether a payload is JSON.
pub(crate) fn is_json(payload: &[u8]) -> bool {
    whole(payload).is_some()
}

fn whole(payload: &[u8]) -> Option<&RawValue> {
    serde_json::from_slice(payload).ok()
}

/// Finds what `wanted` of the pointers lead to; all of them have led to `here` with so many steps.
fn descend<'p>(
    here: &'p RawValue,
    steps: usize,
    wanted: Vec<usize>,
    pointers: &[&Pointer],
    found: &mut [Option<&'p str>],
) {
    let mut further: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for number in wanted {
        match pointers[number].tokens.get(steps) {
            Some(token) => further.entry(token).or_default().push(number),
            None => found[number] = Some(here.get()),
        }
    }
    if further.is_empty() {
        return;
    }
    let tokens: Vec<&str> = further.keys().copied().collect();
    let values = members(here, &tokens).unwrap_or_default();
    for (value, numbers) in values.into_iter().zip(further.into_values()) {
        if let Some(value) = value {
            descend(value, steps + 1, numbers, pointers, found);
        }
    }
}

/// The members or elements of these names, in their order; `None` if it has neither.
fn members<'p>(value: &'p RawValue, tokens: &[&str]) -> Option<Vec<Option<&'p RawValue>>> {
    let mut deserializer = serde_json::Deserializer::from_str(value.get());
    match value.get().as_bytes().first()? {
        b'{' => deserializer.deserialize_map(Members(tokens)).ok(),
        b'[' => {
            let wanted: Vec<_> = tokens.iter().map(|token| index(token)).collect();
            deserializer.deserialize_seq(Elements(&wanted)).ok()
        }
        _ => None,
    }
}

struct Members<'t>(&'t [&'t str]);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Vec<Option<&'de RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = vec![None; self.0.len()];
        // The last of equal names counts, as it does for the receiver's parser.
        while let Some(wanted) = map.next_key_seed(OneOf(self.0))? {
            match wanted.and_then(|number| found.get_mut(number)) {
                Some(place) => *place = Some(map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }
}

/// Which of the names a member has, without keeping it.
struct OneOf<'t>(&'t [&'t str]);

impl<'de> DeserializeSeed<'de> for OneOf<'_> {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        // As bytes, since a name may have half of a surrogate pair, which is no text.
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for OneOf<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_bytes<E>(self, name: &[u8]) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|token| token.as_bytes() == name))
    }
}

struct Elements<'t>(&'t [Option<usize>]);

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = Vec<Option<&'de RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut found = vec![None; self.0.len()];
        let mut at = 0;
        while let Some(item) = items.next_element::<&RawValue>()? {
            // `0` and no other spelling of an index leads to an element, so at most one pointer wants it.
            if let Some(number) = self.0.iter().position(|wanted| *wanted == Some(at)) {
                found[number] = Some(item);
            }
            at += 1;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at<'p>(pointers: &[&str], payload: &'p str) -> Vec<Option<&'p str>> {
        let pointers: Vec<_> = pointers.iter().map(|pointer| Pointer::parse(pointer).unwrap()).collect();
        values_at(&pointers.iter().collect::<Vec<_>>(), payload.as_bytes()).unwrap()
    }

    #[test]
    fn values_are_the_bytes_that_they_are() {
        let payload =
            r#" {"a": {"s":"x\n\u00e9", "n": 3.0, "o": {"k" : [1, 2]}}, "a/b": [10, {"~": 1e400}], "a": {"n": 3.00}} "#;
        assert_eq!(
            at(&["/a/n", "/a", "/a~1b/1/~0", "/a~1b/0"], payload),
            [Some("3.00"), Some(r#"{"n": 3.00}"#), Some("1e400"), Some("10"),]
        );
        assert_eq!(at(&["/a/s"], r#"{"a": {"s":"x\n\u00e9\ud800"}}"#), [Some(r#""x\n\u00e9\ud800""#)]);
        assert_eq!(at(&["/c", "/a/0/x", "/a~1b/01", "/a~1b/2", "/a/n/0"], payload), [None; 5]);
        assert!(values_at(&[&Pointer::parse("/a").unwrap()], b"{\"a\":1").is_err());
        assert!(!is_json(b"\xff") && !is_json(b"") && is_json(b" 1 "));
    }

    #[test]
    fn a_hostile_depth_is_walked_without_recursion() {
        let deep = format!("{{\"x\":{}{},\"a\":7}}", "[".repeat(500_000), "]".repeat(500_000));
        assert_eq!(at(&["/a"], &deep), [Some("7")]);
    }

    proptest! {
        #[test]
        fn each_is_what_the_pointer_alone_finds(payload in "[{\\[](\"[ab]\":|[ab01\"{}\\[\\],:])*[}\\]]", pointers in prop::collection::vec("(/[ab01]){1,3}", 1..5)) {
            let pointers: Vec<_> = pointers.iter().map(|pointer| Pointer::parse(pointer).unwrap()).collect();
            let Ok(found) = values_at(&pointers.iter().collect::<Vec<_>>(), payload.as_bytes()) else { return Ok(()) };
            for (pointer, found) in pointers.iter().zip(found) {
                let alone = pointer.value(payload.as_bytes()).ok();
                let text = found.map(|json| serde_json::from_str::<String>(json).unwrap_or_else(|_| json.to_owned()));
                prop_assert_eq!(alone.as_deref(), text.as_deref());
            }
        }
    }
}
