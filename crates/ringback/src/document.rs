//! Reading a JSON object field by field, so that every field that is wrong is named by its pointer.

use std::{borrow::Cow, collections::BTreeMap, fmt::Display, str::FromStr, time::Duration};

use serde_json::{Map, Value};

use crate::{
    invalid::Invalid,
    time::{parse_duration, print_duration},
    word::Word,
};

/// A member name or index as it is written in a pointer (RFC 6901).
pub fn escape(token: &str) -> Cow<'_, str> {
    if token.contains(['~', '/']) {
        Cow::Owned(token.replace('~', "~0").replace('/', "~1"))
    } else {
        Cow::Borrowed(token)
    }
}

/// The members of an object that have not been read yet, and what was wrong with those that have.
pub struct Fields {
    at: String,
    left: Map<String, Value>,
    invalid: Invalid,
}

impl Fields {
    /// The members of the object that stands at the pointer `at`.
    pub fn of(value: Value, at: &str) -> Self {
        let mut fields = Self { at: at.to_owned(), left: Map::new(), invalid: Invalid::default() };
        match value {
            Value::Object(members) => fields.left = members,
            _ => fields.invalid.add(at, "wrong_type", "must be an object"),
        }
        fields
    }

    /// All findings, with one for each member that was not read.
    pub fn finish(mut self) -> Invalid {
        for name in std::mem::take(&mut self.left).keys() {
            self.wrong(&escape(name), "unknown_field", "is no field of this object");
        }
        self.invalid
    }

    /// Accepts members that were not read, after a finding that says why they were not.
    pub(crate) fn ignore_rest(&mut self) {
        self.left.clear();
    }

    /// A finding for a member, or for something inside it.
    pub fn wrong(&mut self, path: &str, code: &'static str, detail: impl Into<String>) {
        let pointer = self.pointer(path);
        self.invalid.add(pointer, code, detail);
    }

    /// The member `name` as it is; `None` if it is absent.
    pub fn any(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name)
    }

    /// The member `name`; `None` if it is absent or null.
    pub fn some(&mut self, name: &str) -> Option<Value> {
        self.any(name).filter(|value| !value.is_null())
    }

    /// A member that is an object itself, read by `read`.
    pub fn object<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let value = self.some(name)?;
        Some(self.nested(name, value, read))
    }

    /// Reads `value`, which stood at `name`, as an object.
    pub fn nested<T>(&mut self, name: &str, value: Value, read: impl FnOnce(&mut Self) -> T) -> T {
        let mut inner = Self::of(value, &self.pointer(name));
        let was_object = inner.invalid.findings.is_empty();
        let read = read(&mut inner);
        let mut found = inner.finish();
        if !was_object {
            // If the value is no object, only that is reported, not its missing members, too.
            found.findings.truncate(1);
        }
        self.invalid.absorb("", found);
        read
    }

    /// A text.
    pub fn text(&mut self, name: &str) -> Option<String> {
        match self.some(name)? {
            Value::String(text) => Some(text),
            _ => self.wrong_type(name, "must be a string"),
        }
    }

    /// A text that must keep `rule`; one that does not is a finding, and returned all the same.
    pub fn text_of(&mut self, name: &str, rule: impl Fn(&str) -> bool) -> Option<String> {
        let text = self.text(name)?;
        if !rule(&text) {
            self.wrong(name, "malformed", "has characters or a length that it cannot have");
        }
        Some(text)
    }

    /// A text that has a form of its own: an id, a time.
    pub fn parsed<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        let parsed = self.text(name)?.parse();
        parsed.map_err(|error| self.wrong(name, "malformed", format!("is {error}"))).ok()
    }

    /// Whether the member is there and not null, and has not been read yet.
    pub fn has(&self, name: &str) -> bool {
        self.left.get(name).is_some_and(|value| !value.is_null())
    }

    /// A finding if the member is absent or null.
    pub fn must_have(&mut self, name: &str) {
        if !self.has(name) {
            self.wrong(name, "required", "is missing");
        }
    }

    /// A text that must be there; empty, with a finding, if it is not.
    pub fn required(&mut self, name: &str) -> String {
        self.must_have(name);
        self.text(name).unwrap_or_default()
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        match self.some(name)? {
            Value::Bool(flag) => Some(flag),
            _ => self.wrong_type(name, "must be true or false"),
        }
    }

    /// A whole number of 0 or more.
    pub fn whole(&mut self, name: &str) -> Option<u64> {
        let value = self.some(name)?;
        let read = whole(&value);
        read.map_err(|(code, detail)| self.wrong(name, code, detail)).ok()
    }

    /// A whole number; one that is too large for the type becomes the largest, which is out of any range.
    pub fn small(&mut self, name: &str) -> Option<u32> {
        self.whole(name).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// A duration: a text such as `10m`, or a whole number of seconds. One that is outside the bounds is a finding, too.
    pub fn duration(&mut self, name: &str, least: Duration, most: Duration) -> Option<Duration> {
        let read = match self.some(name)? {
            Value::String(text) => parse_duration(&text),
            value => value.as_u64().map(Duration::from_secs),
        };
        let Some(read) = read else {
            self.wrong(
                name,
                "malformed",
                "must be a text such as 10m (with ms, s, m, h or d), or a whole number of seconds",
            );
            return None;
        };
        if (least..=most).contains(&read) {
            return Some(read);
        }
        let printed = |bound: Duration| print_duration(u64::try_from(bound.as_millis()).unwrap_or(u64::MAX));
        self.wrong(name, "out_of_range", format!("must be from {} to {}", printed(least), printed(most)));
        None
    }

    /// Any number.
    pub fn number(&mut self, name: &str) -> Option<f64> {
        match self.some(name)?.as_f64() {
            Some(number) => Some(number),
            None => self.wrong_type(name, "must be a number"),
        }
    }

    /// A list of texts.
    pub fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        self.list(name, |value| match value {
            Value::String(text) => Ok(text),
            _ => Err(("wrong_type", "must be a string")),
        })
    }

    /// A list of whole numbers; one that is wrong counts as 0, so that the list keeps its length.
    pub(crate) fn wholes(&mut self, name: &str) -> Option<Vec<u64>> {
        let list = self.list(name, |value| Ok(whole(&value)))?;
        let read = list.into_iter().enumerate().map(|(index, item)| {
            item.unwrap_or_else(|(code, detail)| {
                self.wrong(&format!("{name}/{index}"), code, detail);
                0
            })
        });
        Some(read.collect())
    }

    /// An object of texts.
    pub fn table(&mut self, name: &str) -> Option<BTreeMap<String, String>> {
        let Value::Object(members) = self.some(name)? else { return self.wrong_type(name, "must be an object") };
        let mut table = BTreeMap::new();
        for (key, value) in members {
            match value {
                Value::String(text) => drop(table.insert(key, text)),
                _ => self.wrong(&format!("{name}/{}", escape(&key)), "wrong_type", "must be a string"),
            }
        }
        Some(table)
    }

    /// One of the engine's words.
    pub fn word<T: Word>(&mut self, name: &str) -> Option<T> {
        let word = self.text(name)?.parse::<T>();
        word.map_err(|known| self.wrong(name, "unknown_value", format!("must be {known}"))).ok()
    }

    fn list<T>(
        &mut self,
        name: &str,
        read: impl Fn(Value) -> Result<T, (&'static str, &'static str)>,
    ) -> Option<Vec<T>> {
        let Value::Array(values) = self.some(name)? else { return self.wrong_type(name, "must be an array") };
        let mut list = Vec::with_capacity(values.len());
        for (index, value) in values.into_iter().enumerate() {
            match read(value) {
                Ok(item) => list.push(item),
                Err((code, detail)) => self.wrong(&format!("{name}/{index}"), code, detail),
            }
        }
        Some(list)
    }

    fn wrong_type<T>(&mut self, name: &str, detail: &str) -> Option<T> {
        self.wrong(name, "wrong_type", detail);
        None
    }

    /// `path` is a name, or several with slashes between them, escaped already.
    fn pointer(&self, path: &str) -> String {
        format!("{}/{path}", self.at)
    }
}

fn whole(value: &Value) -> Result<u64, (&'static str, &'static str)> {
    match value.as_u64() {
        Some(number) => Ok(number),
        None if value.is_i64() => Err(("out_of_range", "must not be negative")),
        None if value.as_f64().is_some_and(|number| number.fract() == 0.0 && number > 0.0) => {
            Err(("out_of_range", "is too large, or not written as a whole number"))
        }
        None => Err(("wrong_type", "must be a whole number")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers(invalid: Invalid) -> Vec<(String, &'static str)> {
        invalid.findings.into_iter().map(|finding| (finding.pointer, finding.code)).collect()
    }

    #[test]
    fn what_rfc_6901_gives_a_meaning_is_escaped() {
        assert_eq!(escape("a/b~c"), "a~1b~0c");
    }

    #[test]
    fn every_wrong_field_is_named() {
        let document = json!({
            "t": 1, "f": "x", "w": -1, "big": 1e30, "n": "1", "l": ["a", 2], "m": {"a/b": 1}, "e": "z",
            "un/known": null, "o": {"x": 1}, "q": 5,
        });
        let mut fields = Fields::of(document, "/at");
        assert_eq!(fields.text("t"), None);
        assert_eq!(fields.flag("f"), None);
        assert_eq!(fields.whole("w"), None);
        assert_eq!(fields.whole("big"), None);
        assert_eq!(fields.number("n"), None);
        assert_eq!(fields.texts("l").unwrap(), ["a"]);
        assert!(fields.table("m").unwrap().is_empty());
        assert_eq!(fields.word::<crate::delivery::Status>("e"), None);
        assert_eq!(fields.object("o", |inner| inner.required("y")).unwrap(), "");
        assert_eq!(fields.object("q", |inner| inner.required("y")).unwrap(), "");
        assert_eq!(
            pointers(fields.finish()),
            [
                ("/at/t".to_owned(), "wrong_type"),
                ("/at/f".to_owned(), "wrong_type"),
                ("/at/w".to_owned(), "out_of_range"),
                ("/at/big".to_owned(), "out_of_range"),
                ("/at/n".to_owned(), "wrong_type"),
                ("/at/l/1".to_owned(), "wrong_type"),
                ("/at/m/a~1b".to_owned(), "wrong_type"),
                ("/at/e".to_owned(), "unknown_value"),
                ("/at/o/y".to_owned(), "required"),
                ("/at/o/x".to_owned(), "unknown_field"),
                ("/at/q".to_owned(), "wrong_type"),
                ("/at/un~1known".to_owned(), "unknown_field"),
            ]
        );
    }

    #[test]
    fn null_is_absent_unless_asked_for() {
        let mut fields = Fields::of(json!({"a": null, "b": null}), "");
        assert_eq!(fields.text("a"), None);
        assert_eq!(fields.any("b"), Some(Value::Null));
        assert!(fields.finish().findings.is_empty());
    }
}
