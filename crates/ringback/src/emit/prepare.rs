//! Everything about an event that can be decided before the database is asked.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::{
    directory::Directory,
    endpoint::{Destination, KeptDestination, lint_payload},
    event::{Event, NewEvent},
    id::EventId,
    invalid::{Invalid, Warning},
    settings::Settings,
    store::LoadedEvent,
    time::Timestamp,
};

/// An event that only has to be routed and stored.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) loaded: Arc<LoadedEvent>,
    pub(crate) content: [u8; 32],
    pub(crate) warnings: Vec<Warning>,
    /// A test event's one endpoint.
    pub(crate) only_to: Option<crate::id::EndpointId>,
}

/// Checks an event and gives it an id.
pub(crate) fn prepare(new: NewEvent, directory: &Directory, settings: &Settings) -> Result<Prepared, Invalid> {
    new.check(settings.max_payload_bytes)?;
    let now = Timestamp::now();
    let id = EventId::new(now);
    let content = content(&new);
    let mut warnings = lint_payload(&new.payload);
    let destination = match &new.destination {
        Some(destination) => {
            let (kept, of_destination) = keep(destination, id, &new.tenant, directory, settings)
                .map_err(|invalid| under("/destination", invalid))?;
            warnings.extend(of_destination);
            Some(kept)
        }
        None => None,
    };
    let event = Event {
        id,
        // The store assigns it.
        seq: 0,
        tenant: new.tenant,
        event_type: new.event_type,
        key: new.key,
        ordering_key: new.ordering_key,
        idempotency_key: new.idempotency_key,
        occurred_at: new.occurred_at.unwrap_or(now),
        endpoint_keys: new.endpoint_keys,
        destination,
        test: false,
    };
    let loaded = Arc::new(LoadedEvent { event, payload: Some(new.payload) });
    Ok(Prepared { loaded, content, warnings, only_to: None })
}

/// A test event for one endpoint.
pub(crate) fn prepare_test(
    endpoint: &crate::endpoint::Endpoint,
    event_type: String,
    payload: Bytes,
    settings: &Settings,
) -> Result<Prepared, Invalid> {
    let new = NewEvent::new(event_type, payload).tenant(endpoint.tenant.clone());
    let mut prepared = prepare(new, &Directory::default(), settings)?;
    let mut loaded = Arc::unwrap_or_clone(prepared.loaded);
    loaded.event.test = true;
    prepared.loaded = Arc::new(loaded);
    prepared.only_to = Some(endpoint.id);
    Ok(prepared)
}

fn keep(
    destination: &Destination,
    event: EventId,
    tenant: &str,
    directory: &Directory,
    settings: &Settings,
) -> Result<(String, Vec<Warning>), Invalid> {
    let inherit = match &destination.endpoint_key {
        Some(key) => Some(directory.by_key(tenant, key).ok_or_else(|| {
            Invalid::one("/endpoint_key", "unknown_endpoint_key", "no endpoint of this tenant has this key")
        })?),
        None => None,
    };
    let (kept, warnings) = KeptDestination::keep(
        destination,
        event,
        &settings.keys,
        inherit.map(AsRef::as_ref),
        &settings.egress,
        &settings.header_prefix,
    )?;
    let text = serde_json::to_string(&kept).map_err(|error| Invalid::one("", "malformed", error.to_string()))?;
    let warnings = warnings
        .into_iter()
        .map(|warning| Warning { pointer: format!("/destination{}", warning.pointer), ..warning })
        .collect();
    Ok((text, warnings))
}

fn under(prefix: &str, invalid: Invalid) -> Invalid {
    let mut outer = Invalid::default();
    outer.absorb(prefix, invalid);
    outer
}

/// What a second event under the same idempotency key must equal: payload bytes, key, ordering key, endpoint keys
/// and destination as they were given. Every part is prefixed with its length, so that no two inputs run together.
fn content(new: &NewEvent) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut part = |bytes: Option<&[u8]>| match bytes {
        Some(bytes) => {
            hasher.update([1]);
            hasher.update((bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        }
        None => hasher.update([0]),
    };
    part(Some(&new.payload));
    part(new.key.as_deref().map(str::as_bytes));
    part(new.ordering_key.as_deref().map(str::as_bytes));
    let keys = new.endpoint_keys.as_ref().map(|keys| serde_json::json!(keys).to_string());
    part(keys.as_deref().map(str::as_bytes));
    let destination = new.destination.as_ref().map(Destination::fingerprint);
    part(destination.as_ref().map(<[u8; 32]>::as_slice));
    hasher.finalize().into()
}
