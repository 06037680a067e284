//! An endpoint as a store keeps it: its configuration as plain JSON, its credentials sealed.
//!
//! The seal is bound to the endpoint's id, so sealed credentials moved to another row do not open.

use std::sync::Arc;

use super::{BodyForm, Credentials, Endpoint, Spec, UNREADABLE, Unreadable, unreadable::spec_of_row};
use crate::{id::EndpointId, seal::MasterKeys, time::Timestamp};

/// An endpoint as a store keeps it: columns that the store reads, and two documents that it does not.
#[derive(Debug, Clone)]
pub struct StoredEndpoint {
    /// Its id.
    pub id: EndpointId,
    /// The tenant that owns it.
    pub tenant: String,
    /// The platform's own name for it, unique in its tenant among endpoints not deleted.
    pub key: Option<String>,
    /// Selectors; kept with every version, so that "why not" can be answered later.
    pub event_types: Vec<String>,
    /// Whether it sends at all.
    pub enabled: bool,
    /// Why the endpoint is disabled, unless an operator disabled it.
    pub disabled_reason: Option<String>,
    /// Whether an operator paused it.
    pub paused: bool,
    /// [`Spec`] as JSON.
    pub spec: String,
    /// [`Credentials`] as JSON, sealed.
    pub credentials: Vec<u8>,
    /// The configuration version that last changed it; assigned by the store.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was deleted. Its row stays, so that old deliveries can name it.
    pub deleted_at: Option<Timestamp>,
}

impl StoredEndpoint {
    /// The text of its filter; stores keep it with every version, as they do its selectors.
    #[must_use]
    pub fn filter(&self) -> Option<String> {
        let document: serde_json::Value = serde_json::from_str(&self.spec).ok()?;
        document.get("filter")?.as_str().map(str::to_owned)
    }

    /// Where its requests go; empty if that cannot be read.
    #[must_use]
    pub(crate) fn url(&self) -> String {
        let document: Option<serde_json::Value> = serde_json::from_str(&self.spec).ok();
        let url = document.as_ref().and_then(|document| document.get("url")?.as_str());
        url.unwrap_or_default().to_owned()
    }
}

impl Endpoint {
    /// Reads an endpoint back. If its documents cannot be read, or its credentials do not open under these keys, it has
    /// [`Endpoint::unreadable`] set and is not enabled.
    #[must_use]
    pub(crate) fn open(stored: StoredEndpoint, keys: &MasterKeys) -> Self {
        // The parsers' messages could quote a value, so they are left out.
        let spec = serde_json::from_str(&stored.spec).map(|spec: Spec| {
            let retry = spec.retry.clone().with_pauses();
            // Rows of earlier versions have no body: what was sent went by the preset alone.
            let of_preset = spec.preset.body();
            let body = if of_preset == BodyForm::Raw || has_body(&stored.spec) { spec.body } else { of_preset.into() };
            Spec { retry, body, ..spec }
        });
        let spec = spec.map_err(|_| "its settings are not the expected document".to_owned());
        let credentials = open_credentials(&stored, keys);
        let (without_spec, without_credentials) = (spec.is_err(), credentials.is_err());
        let why: Vec<_> = spec.as_ref().err().into_iter().chain(credentials.as_ref().err()).cloned().collect();
        let unreadable = (!why.is_empty()).then(|| {
            let (why, stored) = (why.join("; "), stored.clone());
            Arc::new(Unreadable { why, without_spec, without_credentials, stored })
        });
        Self {
            id: stored.id,
            spec: spec.unwrap_or_else(|_| spec_of_row(&stored)),
            tenant: stored.tenant,
            key: stored.key,
            credentials: Arc::new(credentials.unwrap_or_default()),
            enabled: stored.enabled && unreadable.is_none(),
            disabled_reason: if unreadable.is_some() { Some(UNREADABLE.to_owned()) } else { stored.disabled_reason },
            paused: stored.paused,
            must_be_verified: false,
            version: stored.version,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
            unreadable,
        }
    }

    /// The endpoint as a store keeps it. The row of an endpoint that cannot be read stays as it was, except the pause.
    #[must_use]
    pub(crate) fn to_stored(&self, keys: &MasterKeys) -> StoredEndpoint {
        if let Some(unreadable) = &self.unreadable {
            return StoredEndpoint {
                paused: self.paused,
                version: self.version,
                updated_at: self.updated_at,
                ..unreadable.stored.clone()
            };
        }
        let plain = zeroize::Zeroizing::new(json(&*self.credentials));
        StoredEndpoint {
            id: self.id,
            tenant: self.tenant.clone(),
            key: self.key.clone(),
            event_types: self.spec.event_types.clone(),
            enabled: self.enabled,
            disabled_reason: self.disabled_reason.clone(),
            paused: self.paused,
            spec: json(&self.spec),
            credentials: keys.seal(plain.as_bytes(), &context(self.id)),
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            deleted_at: None,
        }
    }
}

/// Whether a stored specification says what its body is.
fn has_body(spec: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct WithBody {
        body: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_str::<WithBody>(spec).is_ok_and(|spec| spec.body.is_some())
}

fn open_credentials(stored: &StoredEndpoint, keys: &MasterKeys) -> Result<Credentials, String> {
    let plain =
        keys.open(&stored.credentials, &context(stored.id)).map_err(|error| format!("its credentials: {error}"))?;
    let plain = zeroize::Zeroizing::new(plain);
    serde_json::from_slice(&plain).map_err(|_| "its credentials are not the expected document".to_owned())
}

/// The context that the seal of an endpoint's credentials is bound to.
pub(super) fn context(id: EndpointId) -> String {
    format!("endpoint:{id}")
}

fn json<T: serde::Serialize>(document: &T) -> String {
    serde_json::to_string(document).expect("maps with text keys and plain values always serialise")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::{OnDead, Scheme, Secret};

    fn endpoint() -> Endpoint {
        let now = Timestamp::from_millis(1_700_000_000_000);
        Endpoint {
            id: EndpointId::new(now),
            tenant: "acme".to_owned(),
            key: Some("agent-1".to_owned()),
            spec: Spec {
                event_types: vec!["call.*".to_owned()],
                scheme: Scheme::Standard,
                rate_per_second: Some(2.5),
                ordered: true,
                on_dead: OnDead::Block,
                ..Spec::plain("https://example.com/hook")
            },
            credentials: Arc::new(Credentials {
                secrets: vec![Secret::lasting("plain-secret".to_owned())],
                ..Credentials::default()
            }),
            enabled: true,
            disabled_reason: None,
            paused: false,
            must_be_verified: false,
            version: 7,
            created_at: now,
            updated_at: now,
            unreadable: None,
        }
    }

    fn keys() -> MasterKeys {
        MasterKeys::parse(&"07".repeat(32), &[]).unwrap()
    }

    #[test]
    fn an_endpoint_survives_a_store_and_its_secret_is_not_readable_there() {
        let kept = endpoint();
        let stored = kept.to_stored(&keys());
        assert!(!stored.spec.contains("plain-secret"));
        assert!(!stored.credentials.windows(12).any(|part| part == b"plain-secret"));
        let opened = Endpoint::open(stored, &keys());
        assert!(opened.unreadable.is_none() && opened.enabled);
        assert_eq!((opened.spec, opened.credentials), (kept.spec, kept.credentials));
    }

    #[test]
    fn waits_that_were_stored_when_they_could_be_shorter_are_read_as_they_are_used() {
        let mut kept = endpoint();
        kept.spec.retry.delays_ms = vec![0, 70];
        let opened = Endpoint::open(kept.to_stored(&keys()), &keys());
        assert_eq!(opened.spec.retry.delays_ms, [50, 70]);
    }

    #[test]
    fn credentials_of_another_row_do_not_open() {
        let mut stored = endpoint().to_stored(&keys());
        stored.id = EndpointId::new(Timestamp::from_millis(1));
        let opened = Endpoint::open(stored, &keys());
        assert_eq!((opened.enabled, opened.disabled_reason.as_deref()), (false, Some(UNREADABLE)));
        assert_eq!(*opened.credentials, Credentials::default());
        assert!(opened.holds(true) && opened.holds(false), "not even a test goes out without its signature");
    }

    #[test]
    fn an_endpoint_that_cannot_be_read_goes_back_as_it_was_but_for_its_pause() {
        let whole = endpoint().to_stored(&keys());
        let other = MasterKeys::parse(&"08".repeat(32), &[]).unwrap();
        let mut broken = whole.clone();
        broken.spec.truncate(40);
        for (stored, keys) in [(whole, &other), (broken, &keys())] {
            let opened = Endpoint::open(stored.clone(), keys);
            assert_eq!(opened.spec.event_types, stored.event_types, "routing still knows what it selects");
            let back = Endpoint { paused: true, ..opened }.to_stored(keys);
            assert!(back.paused && back.enabled);
            assert_eq!((&back.spec, &back.credentials), (&stored.spec, &stored.credentials));
            assert_eq!((back.disabled_reason, back.version), (stored.disabled_reason, stored.version));
        }
    }
}
