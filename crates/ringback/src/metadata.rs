//! Names and values that an event is told apart by, such as the campaign that it belongs to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{document::escape, invalid::Invalid};

/// Most entries. Each costs a row of the index that events are searched by.
pub const ENTRIES_MAX: usize = 16;

/// Longest name, in characters: it stands in the parameter's name of a search.
pub const NAME_CHARS_MAX: usize = 64;

/// Longest value, in characters, as that of a key.
pub const VALUE_CHARS_MAX: usize = 256;

pub(crate) const NAME_RULE: &str = "must be 1 to 64 of the characters A-Z a-z 0-9 _ . -";
pub(crate) const VALUE_RULE: &str = "must be at most 256 characters without control characters";

/// The metadata of an event; empty unless its emitter gave some.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Metadata(pub BTreeMap<String, String>);

impl Metadata {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a finding for each entry that is wrong.
    pub(crate) fn check(&self, invalid: &mut Invalid) {
        if self.0.len() > ENTRIES_MAX {
            let detail = format!("has {} entries; at most {ENTRIES_MAX} are allowed", self.0.len());
            invalid.add("/metadata", "too_many", detail);
            return;
        }
        for (name, value) in &self.0 {
            let pointer = || format!("/metadata/{}", escape(name));
            if !is_name(name) {
                invalid.add(pointer(), "malformed", format!("is a name that {NAME_RULE}"));
            }
            if !is_value(value) {
                invalid.add(pointer(), "malformed", VALUE_RULE);
            }
        }
    }

    /// As stores keep it: the text of a JSON object; `None` if it is empty.
    #[must_use]
    pub fn to_text(&self) -> Option<String> {
        (!self.is_empty()).then(|| serde_json::json!(self).to_string())
    }

    /// Reads [`Self::to_text`] back; what cannot be read is none.
    #[must_use]
    pub fn kept(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }
}

/// Whether `text` can be the name of an entry.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// Whether `text` can be the value of an entry.
#[must_use]
pub fn is_value(text: &str) -> bool {
    text.chars().count() <= VALUE_CHARS_MAX && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(entries: &[(&str, &str)]) -> Vec<String> {
        let mut invalid = Invalid::default();
        let all = entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Metadata(all.collect()).check(&mut invalid);
        invalid.findings.into_iter().map(|finding| finding.pointer).collect()
    }

    #[test]
    fn each_wrong_entry_is_named() {
        assert!(pointers(&[("campaign", "Grüße 2026"), ("a.b_c-D", "")]).is_empty());
        let (long_name, long_value) = ("n".repeat(65), "v".repeat(257));
        let found = pointers(&[("", "v"), ("a/b", "v"), ("c", "a\nb"), ("d", &long_value), (&long_name, "v")]);
        assert_eq!(
            found,
            ["/metadata/", "/metadata/a~1b", "/metadata/c", "/metadata/d", &*format!("/metadata/{long_name}")]
        );
        let names: Vec<String> = (0..17).map(|number| format!("n{number}")).collect();
        let many: Vec<_> = names.iter().map(|name| (name.as_str(), "v")).collect();
        assert!(pointers(&many[1..]).is_empty());
        assert_eq!(pointers(&many), ["/metadata"]);
    }

    #[test]
    fn what_is_kept_is_read_back() {
        let metadata = Metadata([("a".to_owned(), "\"1\"".to_owned())].into());
        assert_eq!(Metadata::kept(&metadata.to_text().unwrap()), metadata);
        assert_eq!((Metadata::default().to_text(), Metadata::kept("nonsense")), (None, Metadata::default()));
    }
}
