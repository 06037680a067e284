//! A destination that comes with one event instead of being registered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Preset, Retry, Scheme};

/// An inline destination as a caller gives it.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// Where to send; a missing scheme becomes `https`.
    pub url: String,
    /// An endpoint of the tenant to inherit secret, scheme, headers and policy from.
    #[serde(default)]
    pub endpoint_key: Option<String>,
    /// [`Preset::External`] unless given.
    #[serde(default)]
    pub preset: Option<Preset>,
    /// Overrides the preset's.
    #[serde(default)]
    pub scheme: Option<Scheme>,
    /// Signing secret.
    #[serde(default)]
    pub secret: Option<String>,
    /// Extra headers.
    #[serde(default)]
    pub headers: Option<BTreeMap<String, String>>,
    /// Overrides the preset's, in milliseconds.
    #[serde(default)]
    pub timeout_ms: Option<u32>,
    /// Overrides the preset's.
    #[serde(default)]
    pub retry: Option<Retry>,
}

impl Destination {
    /// Only a URL; everything else is the `external` preset's.
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
        }
    }
}

impl std::fmt::Debug for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Destination").field("url", &self.url).finish_non_exhaustive()
    }
}

/// An inline destination as it is stored beside its event. What SQL callers write is the same document
/// with `url` and `endpoint_key` alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptDestination {
    /// Where to send; normalised when it came through the engine, verbatim when it came by SQL.
    pub url: String,
    /// An endpoint of the tenant to inherit from, looked up when sending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_key: Option<String>,
    /// Its preset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// Its own scheme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Scheme>,
    /// Its own timeout, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// Its own retry policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// [`super::Credentials`] as JSON, sealed, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
}
