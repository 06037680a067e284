//! A destination that comes with one event instead of being registered.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;
use serde_json::Value;
use sha2::Digest as _;

use super::{Preset, RetryDraft, Scheme, read};
use crate::{document::Fields, invalid::Invalid};

/// An inline destination as a caller gives it.
#[derive(Clone, PartialEq)]
pub struct Destination {
    /// Where to send; a missing scheme becomes `https`.
    pub url: String,
    /// An endpoint of the tenant to inherit secret, scheme and policy from; `auth` and headers, too, if the URL has the
    /// endpoint's own origin.
    pub endpoint_key: Option<String>,
    /// [`Preset::External`] unless given.
    pub preset: Option<Preset>,
    /// Overrides the preset's scheme.
    pub scheme: Option<Scheme>,
    /// Signing secret.
    pub secret: Option<String>,
    /// Extra headers.
    pub headers: Option<BTreeMap<String, String>>,
    /// Overrides the preset's timeout, in milliseconds.
    pub timeout_ms: Option<u32>,
    /// Overrides parts of the preset's retry policy.
    pub retry: Option<RetryDraft>,
    /// Findings of fields that could not be read; [`super::KeptDestination::keep`] reports them with all others.
    pub misread: Invalid,
}

impl Destination {
    /// A destination with a URL; everything else is from the `external` preset.
    #[must_use]
    pub fn to(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            endpoint_key: None,
            preset: None,
            scheme: None,
            secret: None,
            headers: None,
            timeout_ms: None,
            retry: None,
            misread: Invalid::default(),
        }
    }

    /// Reads the JSON document of an event's `destination`. What is wrong with it is kept in `misread`.
    #[must_use]
    pub fn read(document: Value) -> Self {
        let mut fields = Fields::of(document, "");
        let mut destination = Self {
            url: fields.required("url"),
            endpoint_key: fields.text("endpoint_key"),
            preset: read::preset(&mut fields),
            scheme: read::scheme(&mut fields),
            secret: fields.text("secret"),
            headers: fields.table("headers"),
            timeout_ms: fields.small("timeout_ms"),
            retry: read::retry(&mut fields),
            misread: Invalid::default(),
        };
        destination.misread = fields.finish();
        destination
    }

    /// A hash of all its fields, to tell whether two events have the same destination.
    #[must_use]
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        let said = serde_json::json!([
            self.url,
            self.endpoint_key,
            self.preset,
            self.scheme,
            self.secret,
            self.headers,
            self.timeout_ms,
            self.retry,
        ]);
        sha2::Sha256::digest(said.to_string()).into()
    }
}

/// Never fails on a field: see [`Destination::read`].
impl<'de> Deserialize<'de> for Destination {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::read)
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination").field("url", &self.url).finish_non_exhaustive()
    }
}
