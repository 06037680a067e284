//! Findings and warnings about a caller's input: what is wrong or odd, with the field's pointer.

use std::fmt;

/// One field that was refused.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// RFC 6901 pointer to the field, such as `/retry/max_attempts`; empty for the whole document.
    pub pointer: String,
    /// Stable, for programs: `https_required`, `unknown_field`, `out_of_range` …
    pub code: &'static str,
    /// For people: what is wrong and what would be right. Never holds a secret or a payload.
    pub detail: String,
}

/// Input that was refused; at least one finding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Invalid {
    /// Every field that is wrong, in document order.
    pub findings: Vec<Finding>,
}

/// Most findings of one refusal: a request can be wrong in a million places, and its answer must not be larger than it.
pub const FINDINGS_MAX: usize = 1_000;

impl Invalid {
    /// A refusal of one field.
    #[must_use]
    pub fn one(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        let mut invalid = Self::default();
        invalid.add(pointer, code, detail);
        invalid
    }

    /// Adds a finding, if there are fewer than [`FINDINGS_MAX`].
    pub fn add(&mut self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { pointer: pointer.into(), code, detail: detail.into() });
        }
    }

    /// Adds the findings of `other`, with their pointers under `prefix`.
    pub fn absorb(&mut self, prefix: &str, other: Self) {
        self.findings.extend(
            other
                .findings
                .into_iter()
                .take(FINDINGS_MAX.saturating_sub(self.findings.len()))
                .map(|finding| Finding { pointer: format!("{prefix}{}", finding.pointer), ..finding }),
        );
    }

    /// `value` if nothing was found.
    ///
    /// # Errors
    /// The findings, when there are any.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.findings.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            let field = finding.pointer.trim_start_matches('/').replace('/', ".");
            if !field.is_empty() {
                write!(f, "{field}: ")?;
            }
            f.write_str(&finding.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for Invalid {}

/// Input that was accepted, but is probably a mistake.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Warning {
    /// One of [`Warning::CODES`].
    pub code: &'static str,
    /// RFC 6901 pointer to the field.
    pub pointer: String,
    /// For people. Never holds a secret or a payload.
    pub detail: String,
}

impl Warning {
    /// Every code there is. Stable, for programs.
    pub const CODES: [&'static str; 10] = [
        "url_scheme_added",
        "url_field_not_a_url",
        "body_not_js_stable",
        "signature_without_body",
        "secret_short",
        "secret_white_space",
        "unreadable_replaced",
        "certificate_expired",
        "certificate_not_yet_valid",
        "certificate_expires_soon",
    ];
}
