//! The texts of the sources before they are parsed: for each key the text of the best source so far.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use super::{
    keys::{KEYS, Key},
    value::Value,
};

/// What is wrong with one key, or with a source as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// The key; `None` if the source itself cannot be read.
    pub(crate) key: Option<String>,
    /// The source of the value.
    pub(crate) source: Option<String>,
    /// The value; `***` for secrets.
    pub(crate) value: Option<String>,
    /// What is wrong, and what would be right.
    pub(crate) detail: String,
}

impl Finding {
    /// About a source as a whole.
    pub(super) fn of_source(detail: String) -> Self {
        Self { key: None, source: None, value: None, detail }
    }

    /// About a key in a source.
    pub(super) fn of_key(key: &str, source: &str, detail: String) -> Self {
        Self { key: Some(key.to_owned()), source: Some(source.to_owned()), value: None, detail }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.key, &self.source) {
            (Some(key), Some(source)) => write!(f, "{key} ({source}): {}", self.detail),
            (Some(key), None) => write!(f, "{key}: {}", self.detail),
            _ => f.write_str(&self.detail),
        }
    }
}

/// A key that some source has a value for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Given {
    /// Its name.
    pub(crate) key: &'static str,
    /// Its value; `***` for secrets.
    pub(crate) value: String,
    /// The source of the value.
    pub(crate) source: String,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// The configuration file with this name.
    File(String),
    /// The key's variable.
    Variable,
    /// The key's flag.
    Flag,
    /// A file of its own: the key that names the file, that key's source, and the file's name.
    ValueFile(String),
}

/// The name of a source for people, for one key.
struct Named<'a>(&'a Source, &'a Key);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Source::File(name) | Source::ValueFile(name) => f.write_str(name),
            Source::Variable => f.write_str(&self.1.variable()),
            Source::Flag => write!(f, "--{}", self.1.flag()),
        }
    }
}

/// A key with its source, in one expression: a file's name alone does not say which of its keys is meant.
fn spelled(source: &Source, key: &Key) -> String {
    match source {
        Source::File(file) => format!("{} in {file}", key.name),
        source => Named(source, key).to_string(),
    }
}

/// Texts by key. A later [`Settings::put`] replaces an earlier one, so the source that wins is read last.
#[derive(Debug, Default)]
pub(super) struct Settings(BTreeMap<String, (Source, String)>);

impl Settings {
    /// Stores a source's text for a key.
    pub(super) fn put(&mut self, key: &str, source: Source, text: String) {
        self.0.insert(key.to_owned(), (source, text));
    }

    /// Removes a key; returns its source and its text.
    pub(super) fn take(&mut self, key: &Key) -> Option<(String, String)> {
        let (source, text) = self.0.remove(key.name)?;
        Some((spelled(&source, key), text))
    }

    /// The source of a key.
    pub(super) fn source(&self, name: &str) -> Option<String> {
        let key = KEYS.iter().find(|key| key.name == name)?;
        let (source, _) = self.0.get(name)?;
        Some(spelled(source, key))
    }

    /// The value of a key, or `None` and a finding.
    pub(super) fn value<V: Value>(&self, key: &Key, findings: &mut Vec<Finding>) -> Option<V> {
        let Some((source, text)) = self.0.get(key.name) else {
            let value = if key.default.is_empty() { V::absent() } else { V::parse(key.default) };
            debug_assert!(value.is_some(), "the default of {} is not right", key.name);
            return value;
        };
        let value = V::parse(text);
        if value.is_none() {
            let shown = if V::SECRET { "the value".to_owned() } else { format!("{text:?}") };
            let detail = format!("{shown} is not {}", V::expected());
            let value = Some((key.shown)(text));
            findings.push(Finding { value, ..Finding::of_key(key.name, &Named(source, key).to_string(), detail) });
        }
        value
    }

    /// Every key that some source has, in the order of the table.
    pub(super) fn given(&self) -> Vec<Given> {
        let given = |key: &'static Key| {
            let (source, text) = self.0.get(key.name)?;
            Some(Given { key: key.name, value: (key.shown)(text), source: Named(source, key).to_string() })
        };
        KEYS.iter().filter_map(given).collect()
    }
}
