//! What the sources said, before anything is understood: for each key the text of the best source so far.

use std::{collections::BTreeMap, fmt};

use super::{keys::Key, value::Value};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// The configuration file with this name.
    File(String),
    /// The key's variable.
    Variable,
    /// The key's flag.
    Flag,
}

/// The source as it is named to a person, for one key.
struct Named<'a>(&'a Source, &'a Key);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Source::File(name) => f.write_str(name),
            Source::Variable => f.write_str(&self.1.variable()),
            Source::Flag => write!(f, "--{}", self.1.flag()),
        }
    }
}

/// Texts by key. A later [`Settings::put`] replaces an earlier one, so sources are read worst first.
#[derive(Debug, Default)]
pub(super) struct Settings(BTreeMap<String, (Source, String)>);

impl Settings {
    /// Remembers what a source says about a key.
    pub(super) fn put(&mut self, key: &str, source: Source, text: String) {
        self.0.insert(key.to_owned(), (source, text));
    }

    /// The value of a key, or `None` and a finding.
    pub(super) fn value<V: Value>(&self, key: &Key, findings: &mut Vec<String>) -> Option<V> {
        let Some((source, text)) = self.0.get(key.name) else {
            let value = if key.default.is_empty() { V::absent() } else { V::parse(key.default) };
            debug_assert!(value.is_some(), "the default of {} is not right", key.name);
            return value;
        };
        let value = V::parse(text);
        if value.is_none() {
            let shown = if V::SECRET { "the value".to_owned() } else { format!("{text:?}") };
            let (name, source) = (key.name, Named(source, key));
            findings.push(format!("{name} ({source}): {shown} is not {}", V::expected()));
        }
        value
    }
}
