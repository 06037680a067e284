//! A finding of `check-config`.

use std::fmt;

use serde::Serialize;

use crate::configuration;

/// What a finding means for `ringback serve`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Severity {
    /// As it should be.
    Fine,
    /// It works, and is probably not what was meant.
    Warning,
    /// It does not work.
    Wrong,
}

/// A finding about a key, or about the database or file that a key names.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    key: Option<String>,
    source: Option<String>,
    value: Option<String>,
    detail: String,
}

impl Finding {
    /// As it should be.
    pub(super) fn fine(key: &str, detail: impl Into<String>) -> Self {
        Self::new(Severity::Fine, Some(key), detail.into())
    }

    /// Probably a mistake.
    pub(super) fn warning(key: Option<&str>, detail: impl Into<String>) -> Self {
        Self::new(Severity::Warning, key, detail.into())
    }

    /// Not right.
    pub(super) fn wrong(key: &str, detail: impl Into<String>) -> Self {
        Self::new(Severity::Wrong, Some(key), detail.into())
    }

    fn new(severity: Severity, key: Option<&str>, detail: String) -> Self {
        Self { severity, key: key.map(str::to_owned), source: None, value: None, detail }
    }
}

impl From<&configuration::Finding> for Finding {
    fn from(finding: &configuration::Finding) -> Self {
        let configuration::Finding { key, source, value, detail } = finding.clone();
        Self { severity: Severity::Wrong, key, source, value, detail }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Fine => "ok",
            Severity::Warning => "warning",
            Severity::Wrong => "wrong",
        };
        write!(f, "{word:<8} ")?;
        match (&self.key, &self.source) {
            (Some(key), Some(source)) => write!(f, "{key} ({source}): {}", self.detail),
            (Some(key), None) => write!(f, "{key}: {}", self.detail),
            _ => f.write_str(&self.detail),
        }
    }
}
