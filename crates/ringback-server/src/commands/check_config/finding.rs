//! A finding of `check-config`, or of `doctor`.

use std::fmt;

use serde::Serialize;

use crate::configuration;

/// What a finding means for `ringback serve`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::commands) enum Severity {
    /// As it should be.
    Fine,
    /// It works, and is probably not what was meant.
    Warning,
    /// It does not work.
    Wrong,
}

/// A finding about a key, or about the database or file that a key names.
#[derive(Debug, Clone, Serialize)]
pub(in crate::commands) struct Finding {
    pub(in crate::commands) severity: Severity,
    pub(in crate::commands) key: Option<String>,
    pub(in crate::commands) source: Option<String>,
    value: Option<String>,
    pub(in crate::commands) detail: String,
    /// What helps, if `detail` does not say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::commands) remedy: Option<String>,
}

impl Finding {
    /// As it should be.
    pub(in crate::commands) fn fine(key: &str, detail: impl Into<String>) -> Self {
        Self::new(Severity::Fine, Some(key), detail.into())
    }

    /// Probably a mistake.
    pub(in crate::commands) fn warning(key: Option<&str>, detail: impl Into<String>) -> Self {
        Self::new(Severity::Warning, key, detail.into())
    }

    /// Not right.
    pub(in crate::commands) fn wrong(key: &str, detail: impl Into<String>) -> Self {
        Self::new(Severity::Wrong, Some(key), detail.into())
    }

    /// The same, with what helps.
    pub(in crate::commands) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }

    fn new(severity: Severity, key: Option<&str>, detail: String) -> Self {
        Self { severity, key: key.map(str::to_owned), source: None, value: None, detail, remedy: None }
    }
}

impl From<&configuration::Finding> for Finding {
    fn from(finding: &configuration::Finding) -> Self {
        let configuration::Finding { key, source, value, detail } = finding.clone();
        Self { severity: Severity::Wrong, key, source, value, detail, remedy: None }
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
        }?;
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}
