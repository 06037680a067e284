//! What a check comes to, for people and for programs.

use serde::Serialize;

use super::arrived::Arrived;

/// What a signature is made of, or carried by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ingredient {
    /// The header that carries the signature is missing.
    Header,
    /// It is there in another form.
    Layout,
    /// What the secret's text means.
    KeyFormat,
    /// Which secret.
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
    /// Nothing that could be told.
    Unknown,
}

impl Ingredient {
    /// The name in JSON, for people too.
    const fn name(self) -> &'static str {
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
pub(crate) struct Finding {
    /// What.
    pub(crate) ingredient: Ingredient,
    /// How.
    pub(crate) detail: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.ingredient.name(), self.detail)
    }
}

/// What was found out about one request.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    /// The signature that fits, once the findings are set right.
    pub(crate) fits: Option<String>,
    /// What differs from the scheme's promise.
    pub(crate) findings: Vec<Finding>,
    /// What stood in the headers.
    pub(crate) arrived: Arrived,
}

/// The same as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Shown<'a> {
    verifies: bool,
    id: Option<&'a str>,
    timestamp: Option<ringback::time::Timestamp>,
    findings: &'a [Finding],
}

impl Report {
    /// For a scheme that signs nothing: there is nothing to find fault with.
    pub(super) fn unsigned() -> Self {
        Self { fits: Some(String::new()), findings: Vec::new(), arrived: Arrived::default() }
    }

    /// Whether a receiver takes the request.
    pub(crate) const fn verifies(&self) -> bool {
        self.fits.is_some() && self.findings.is_empty()
    }

    /// For programs.
    pub(crate) fn shown(&self) -> Shown<'_> {
        let (id, timestamp) = (self.arrived.id.as_deref(), self.arrived.at);
        Shown { verifies: self.verifies(), id, timestamp, findings: &self.findings }
    }
}
