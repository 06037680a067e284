//! The result of a check, for people and for programs.

use serde::Serialize;

use super::arrived::Arrived;

/// A part that a signature is made of, or carried by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ingredient {
    /// The header that carries the signature is missing.
    Header,
    /// The header has another form.
    Layout,
    /// What the secret's text means.
    KeyFormat,
    /// Which secret was used.
    Secret,
    /// What is signed, and in which order.
    Message,
    /// The body's bytes.
    Body,
    /// The event's id.
    Id,
    /// The signed moment.
    Timestamp,
    /// The hash.
    Digest,
    /// How the signature is written.
    Encoding,
    /// The cause is unknown.
    Unknown,
}

impl Ingredient {
    /// The name in JSON, for people too.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Layout => "layout",
            Self::KeyFormat => "key_format",
            Self::Secret => "secret",
            Self::Message => "message",
            Self::Body => "body",
            Self::Id => "id",
            Self::Timestamp => "timestamp",
            Self::Digest => "digest",
            Self::Encoding => "encoding",
            Self::Unknown => "unknown",
        }
    }

    /// A finding about it.
    pub(super) fn differs(self, detail: impl Into<String>) -> Finding {
        Finding { ingredient: self, detail: detail.into() }
    }
}

/// One thing that differs. It never repeats a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The ingredient that differs.
    pub ingredient: Ingredient,
    /// How it differs.
    pub detail: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.ingredient.name(), self.detail)
    }
}

/// The findings about one request.
#[derive(Debug, Clone)]
pub struct Report {
    /// The signature that fits once the findings are corrected.
    pub fits: Option<String>,
    /// What differs from the scheme's promise.
    pub findings: Vec<Finding>,
    /// The values in the request's headers.
    pub arrived: Arrived,
}

/// The same as JSON.
#[derive(Debug, Serialize)]
pub struct Shown<'a> {
    verifies: bool,
    id: Option<&'a str>,
    timestamp: Option<crate::time::Timestamp>,
    findings: &'a [Finding],
}

impl Report {
    /// The report for a scheme that signs nothing: there is nothing to check.
    pub(super) fn unsigned() -> Self {
        Self { fits: Some(String::new()), findings: Vec::new(), arrived: Arrived::default() }
    }

    /// Whether a receiver takes the request.
    #[must_use]
    pub const fn verifies(&self) -> bool {
        self.fits.is_some() && self.findings.is_empty()
    }

    /// For programs.
    #[must_use]
    pub fn shown(&self) -> Shown<'_> {
        let (id, timestamp) = (self.arrived.id.as_deref(), self.arrived.at);
        Shown { verifies: self.verifies(), id, timestamp, findings: &self.findings }
    }
}
