//! Preparing an event: all checks that need no database.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::lint::{NOT_JS_STABLE, lint_payload};
use crate::{
    directory::Directory,
    endpoint::{Destination, Endpoint, KeptDestination, UNREADABLE},
    event::{Event, NewEvent},
    id::EventId,
    invalid::{Invalid, Warning},
    route,
    schedule::Schedule,
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

impl Prepared {
    /// Drops the warning that JavaScript writes the body in another way if no endpoint that gets the event has its body
    /// signed. For inline destinations this was decided before.
    pub(crate) fn fit_warnings(&mut self, directory: &Directory) {
        if !self.warnings.iter().any(|warning| warning.code == NOT_JS_STABLE) {
            return;
        }
        let event = &self.loaded.event;
        let signs_body = match self.only_to {
            Some(id) => directory.endpoint(id).is_some_and(|endpoint| endpoint.signs_body()),
            None => event.destination.is_some() || is_signed(event, directory),
        };
        self.warnings.retain(|warning| signs_body || warning.code != NOT_JS_STABLE);
    }
}

/// The work of checking and sealing an inline destination, in bytes that could be processed in the same time.
const EFFORT_OF_DESTINATION: usize = 16 * 1024;

/// The work of [`prepare_all`] for an event, in bytes.
pub(crate) fn effort(event: &NewEvent) -> usize {
    let keys: usize = event.endpoint_keys.iter().flatten().map(String::len).sum();
    // The payload is hashed and walked over.
    2 * event.payload.len() + keys + event.destination.as_ref().map_or(0, |_| EFFORT_OF_DESTINATION)
}

/// Checks the events of a request, which are accepted at `now`, all or none.
///
/// # Errors
/// Every finding, under the event's index in the request.
pub(crate) fn prepare_all(
    events: Vec<NewEvent>,
    now: Timestamp,
    directory: &Directory,
    settings: &Settings,
) -> Result<Vec<Prepared>, Invalid> {
    let mut invalid = Invalid::default();
    let mut prepared = Vec::with_capacity(events.len());
    for (index, event) in events.into_iter().enumerate() {
        match prepare(event, now, directory, settings) {
            Ok(event) => prepared.push(event),
            Err(found) => invalid.absorb(&format!("/{index}"), found),
        }
    }
    invalid.or(prepared)
}

/// An operational event: one whose type callers may not use.
pub(crate) fn prepare_own(new: NewEvent, now: Timestamp, settings: &Settings) -> Result<Prepared, Invalid> {
    new.check_fields(settings.max_payload_bytes)?;
    made(new, now, &Directory::default(), settings)
}

/// Checks an event and gives it an id.
fn prepare(new: NewEvent, now: Timestamp, directory: &Directory, settings: &Settings) -> Result<Prepared, Invalid> {
    let checked = new.check(settings.max_payload_bytes);
    together(checked, new.check_at(now))?;
    made(new, now, directory, settings)
}

fn made(new: NewEvent, now: Timestamp, directory: &Directory, settings: &Settings) -> Result<Prepared, Invalid> {
    let id = EventId::new(now);
    let content = content(&new);
    let mut warnings = lint_payload(&new.payload);
    let destination = match &new.destination {
        Some(destination) => {
            let (kept, of_destination, signs_body) = keep(destination, id, &new.tenant, directory, settings)
                .map_err(|invalid| under("/destination", invalid))?;
            warnings.retain(|warning| signs_body || warning.code != NOT_JS_STABLE);
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
        trace: new.trace.map(Box::new),
        schedule: new.schedule,
        metadata: (!new.metadata.is_empty()).then(|| Box::new(new.metadata)),
        test: false,
        unreadable: None,
    };
    let loaded = Arc::new(LoadedEvent { event, payload: Some(new.payload) });
    Ok(Prepared { loaded, content, warnings, only_to: None })
}

/// A test event for one endpoint.
pub(crate) fn prepare_test(
    endpoint: &Endpoint,
    event_type: String,
    payload: Bytes,
    now: Timestamp,
    settings: &Settings,
) -> Result<Prepared, Invalid> {
    let new = NewEvent::new(event_type, payload).tenant(endpoint.tenant.clone());
    let mut prepared = prepare(new, now, &Directory::default(), settings)?;
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
) -> Result<(String, Vec<Warning>, bool), Invalid> {
    let inherit = match &destination.endpoint_key {
        Some(key) => Some(directory.by_key(tenant, key).ok_or_else(|| {
            Invalid::one("/endpoint_key", "unknown_endpoint_key", "no endpoint of this tenant has this key")
        })?),
        None => None,
    };
    if let Some(why) = inherit.and_then(|endpoint| endpoint.unreadable.as_ref()).map(|unreadable| &unreadable.why) {
        let detail = format!("names an endpoint that cannot be read, so nothing can be inherited from it: {why}");
        return Err(Invalid::one("/endpoint_key", UNREADABLE, detail));
    }
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
    Ok((text, warnings, kept.signs_body(inherit.map(AsRef::as_ref))))
}

/// Whether one of the endpoints that the event goes to, by the present configuration, has the body signed.
fn is_signed(event: &Event, directory: &Directory) -> bool {
    route::addressed(event, directory).any(|endpoint| endpoint.selects(&event.event_type) && endpoint.signs_body())
}

fn together(one: Result<(), Invalid>, other: Result<(), Invalid>) -> Result<(), Invalid> {
    let mut all = Invalid::default();
    [one, other].into_iter().filter_map(Result::err).for_each(|found| all.absorb("", found));
    all.or(())
}

fn under(prefix: &str, invalid: Invalid) -> Invalid {
    let mut outer = Invalid::default();
    outer.absorb(prefix, invalid);
    outer
}

/// A digest of all that a second event under the same idempotency key must equal: payload bytes, key, ordering key,
/// endpoint keys, destination, schedule and metadata as they were given. Not the trace, since each try of a request may have its own. Every part is prefixed with its length, so that no two inputs run
/// together.
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
    // These are younger than digests that are stored, so they count only where they are given, each behind a number.
    let Schedule { deliver_after, expires_at } = new.schedule;
    let times = [(2, deliver_after), (3, expires_at)];
    for (number, at) in times.into_iter().filter_map(|(number, at)| Some((number, at?))) {
        hasher.update([number]);
        hasher.update(at.micros().to_be_bytes());
    }
    if let Some(metadata) = new.metadata.to_text() {
        hasher.update([4]);
        hasher.update(metadata);
    }
    hasher.finalize().into()
}
