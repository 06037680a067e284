//! An endpoint as a caller describes it, before anything is checked against anything else.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::Deserialize;
use serde_json::Value;

use super::{Auth, Credentials, Endpoint, OnDead, Preset, RetryDraft, Scheme, read};
use crate::{document::Fields, invalid::Invalid};

/// The request fields of an endpoint; what is `None` comes from the preset or has a default.
#[derive(Clone, Default)]
pub struct Draft {
    /// Whose it is to be.
    pub tenant: Option<String>,
    /// The platform's own name for it.
    pub key: Option<String>,
    /// Where to send. Required.
    pub url: Option<String>,
    /// For people.
    pub name: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Whether it sends; `true` unless set.
    pub enabled: Option<bool>,
    /// Selectors. Required; empty for none.
    pub event_types: Option<Vec<String>>,
    /// The bundle that unset fields come from.
    pub preset: Option<Preset>,
    /// How to sign.
    pub scheme: Option<Scheme>,
    /// The signing secret. `None` keeps the present one or lets one be generated; `Some(None)` removes it.
    pub secret: Option<Option<String>>,
    /// Extra headers.
    pub headers: Option<BTreeMap<String, String>>,
    /// Authorization beside the signature.
    pub auth: Option<Auth>,
    /// Deadline of one attempt, in milliseconds.
    pub timeout_ms: Option<u32>,
    /// How often and when to try again.
    pub retry: Option<RetryDraft>,
    /// Most open requests at a time.
    pub max_in_flight: Option<u32>,
    /// Most requests started per second.
    pub rate_per_second: Option<f64>,
    /// Whether deliveries of one ordering key go out one after the other.
    pub ordered: Option<bool>,
    /// What a dead letter does to its ordering key.
    pub on_dead: Option<OnDead>,
    /// What could not be read of a JSON document: reported by [`Draft::resolve`] with everything else.
    pub misread: Invalid,
    /// Secrets to keep where none is given, and values to put where `***` is.
    pub(super) present: Option<Arc<Credentials>>,
}

impl Draft {
    /// Reads the JSON document of `POST` and `PUT`. What is wrong with it is kept in `misread`, so that all
    /// of it is reported at once.
    #[must_use]
    pub fn read(document: Value) -> Self {
        let mut fields = Fields::of(document, "");
        let mut draft = Self {
            tenant: fields.text("tenant"),
            key: fields.text("key"),
            url: fields.text("url"),
            name: fields.text("name"),
            description: fields.text("description"),
            enabled: fields.flag("enabled"),
            event_types: fields.texts("event_types"),
            preset: read::preset(&mut fields),
            scheme: read::scheme(&mut fields),
            secret: read::secret(&mut fields),
            headers: fields.table("headers"),
            auth: read::auth(&mut fields),
            timeout_ms: fields.small("timeout_ms"),
            retry: read::retry(&mut fields),
            max_in_flight: fields.small("max_in_flight"),
            rate_per_second: fields.number("rate_per_second"),
            ordered: fields.flag("ordered"),
            on_dead: fields.word("on_dead", &[("skip", OnDead::Skip), ("block", OnDead::Block)]),
            misread: Invalid::default(),
            present: None,
        };
        draft.misread = fields.finish();
        draft
    }

    /// The same for an endpoint that exists: a full replacement keeps its secrets where the draft names
    /// none, and its header and `auth` values where the draft says `***`, as answers do.
    #[must_use]
    pub fn keeping(mut self, current: &Endpoint) -> Self {
        self.present = Some(Arc::clone(&current.credentials));
        self
    }
}

/// Never fails on a field: see [`Draft::read`].
impl<'de> Deserialize<'de> for Draft {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::read)
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("tenant", &self.tenant)
            .field("key", &self.key)
            .field("url", &self.url)
            .field("preset", &self.preset)
            .finish_non_exhaustive()
    }
}
