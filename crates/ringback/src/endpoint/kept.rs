//! An endpoint as a store keeps it: its configuration as plain JSON, its credentials sealed.
//!
//! The seal is bound to the endpoint's id, so sealed credentials moved to another row do not open.

use std::sync::Arc;

use super::{Credentials, Endpoint};
use crate::{
    id::EndpointId,
    seal::MasterKeys,
    store::{self, StoredEndpoint},
};

impl Endpoint {
    /// Reads an endpoint back.
    ///
    /// # Errors
    /// [`store::Error::Corrupt`] when its documents cannot be read, or its credentials do not open under
    /// these keys.
    pub fn open(stored: StoredEndpoint, keys: &MasterKeys) -> store::Result<Self> {
        let id = stored.id;
        let unreadable =
            |what: &str, why: &dyn std::fmt::Display| store::Error::corrupt(format!("{what} of {id}: {why}"));
        let spec = serde_json::from_str(&stored.spec).map_err(|error| unreadable("configuration", &error))?;
        let plain = zeroize::Zeroizing::new(
            keys.open(&stored.credentials, &context(id)).map_err(|error| unreadable("credentials", &error))?,
        );
        // The parser's message could quote a secret, so it is left out.
        let credentials: Credentials =
            serde_json::from_slice(&plain).map_err(|_| unreadable("credentials", &"not the expected document"))?;
        Ok(Self {
            id,
            tenant: stored.tenant,
            key: stored.key,
            spec,
            credentials: Arc::new(credentials),
            enabled: stored.enabled,
            disabled_reason: stored.disabled_reason,
            paused: stored.paused,
            version: stored.version,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
        })
    }

    /// As a store keeps it.
    #[must_use]
    pub fn to_stored(&self, keys: &MasterKeys) -> StoredEndpoint {
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

/// What the seal of an endpoint's credentials is bound to.
fn context(id: EndpointId) -> String {
    format!("endpoint:{id}")
}

fn json<T: serde::Serialize>(document: &T) -> String {
    serde_json::to_string(document).expect("maps with text keys and plain values always serialise")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        endpoint::{OnDead, Preset, Retry, Scheme, Secret, Spec},
        time::Timestamp,
    };

    fn endpoint() -> Endpoint {
        let now = Timestamp::from_millis(1_700_000_000_000);
        Endpoint {
            id: EndpointId::new(now),
            tenant: "acme".to_owned(),
            key: Some("agent-1".to_owned()),
            spec: Spec {
                url: "https://example.com/hook".to_owned(),
                name: None,
                description: None,
                event_types: vec!["call.*".to_owned()],
                preset: Preset::Default,
                scheme: Scheme::Standard,
                timeout_ms: 10_000,
                retry: Retry { max_attempts: 3, delays_ms: vec![10_000, 60_000], jitter: 0.2 },
                max_in_flight: 16,
                rate_per_second: Some(2.5),
                ordered: true,
                on_dead: OnDead::Block,
            },
            credentials: Arc::new(Credentials {
                secrets: vec![Secret::lasting("plain-secret".to_owned())],
                ..Credentials::default()
            }),
            enabled: true,
            disabled_reason: None,
            paused: false,
            version: 7,
            created_at: now,
            updated_at: now,
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
        let opened = Endpoint::open(stored, &keys()).unwrap();
        assert_eq!((opened.spec, opened.credentials), (kept.spec, kept.credentials));
    }

    #[test]
    fn credentials_of_another_row_do_not_open() {
        let mut stored = endpoint().to_stored(&keys());
        stored.id = EndpointId::new(Timestamp::from_millis(1));
        assert!(matches!(Endpoint::open(stored, &keys()), Err(store::Error::Corrupt(_))));
    }
}
