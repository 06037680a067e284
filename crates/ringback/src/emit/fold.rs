//! Folds the repetitions within one request, and routes its events.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{
    Emitted, Error, Prepared,
    intake::{Request, idempotency},
};
use crate::{
    directory::Directory,
    endpoint::filter,
    engine::Shared,
    invalid::Invalid,
    route,
    store::{Accepted, EventToAccept, Fresh, Group, Routing, Verdict},
};

/// Most deliveries of one request that has several events; a single one has at most 65,535. They are in memory together,
/// at some 300 bytes each.
const DELIVERIES_OF_REQUEST_MAX: usize = 2 * 65_535;

/// The work of [`Folded::routed`], in bytes that could be processed in the same time.
pub(super) fn effort(request: &Request, directory: &Directory) -> usize {
    /// For one endpoint, its selectors included, and for one look-up of a key.
    const OF_ENDPOINT: usize = 32;
    /// Opening what is sealed, reading its URL, making a signer.
    const OF_DESTINATION: usize = 16 * 1024;
    let of_event = |event: &Prepared| {
        let event = &event.loaded.event;
        match (&event.destination, &event.endpoint_keys) {
            (Some(_), _) => OF_DESTINATION,
            (None, Some(keys)) => 2 * OF_ENDPOINT * keys.len(),
            (None, None) => OF_ENDPOINT * directory.count_of(&event.tenant),
        }
    };
    let of_event = |prepared: &Prepared| of_event(prepared).saturating_add(of_filters(prepared, directory));
    request.events.iter().map(of_event).sum()
}

fn of_filters(prepared: &Prepared, directory: &Directory) -> usize {
    match route::filters_for(&prepared.loaded.event, directory) {
        0 => 0,
        filters => filter::effort(filters, prepared.loaded.payload.as_ref().map_or(0, Bytes::len)),
    }
}

/// A request whose own repetitions are folded.
pub(super) struct Folded {
    pub(super) request: Request,
    /// For each event the index of the first equal event: its own, unless it is a repetition.
    stands_for: Vec<usize>,
}

/// A request, ready to be stored.
pub(super) struct Routed {
    pub(super) folded: Folded,
    pub(super) group: Group,
    /// How many rows it makes: deliveries, or for an event without any a row that says why.
    pub(super) deliveries: usize,
}

pub(super) type Refused = (oneshot::Sender<Result<Vec<Emitted>, Error>>, Error);

impl Folded {
    pub(super) fn of(mut request: Request, directory: &Directory) -> Result<Self, Refused> {
        request.events.iter_mut().for_each(|event| event.fit_warnings(directory));
        let mut stands_for: Vec<usize> = Vec::with_capacity(request.events.len());
        let mut first = std::collections::HashMap::new();
        for (index, event) in request.events.iter().enumerate() {
            let unknown = unknown_endpoint_keys(index, event, directory);
            if !unknown.findings.is_empty() {
                return Err((request.answer, Error::Invalid(unknown)));
            }
            let earlier = idempotency(event).map_or(index, |key| *first.entry(key).or_insert(index));
            if request.events[earlier].content != event.content {
                let of = request.events[earlier].loaded.event.id;
                return Err((request.answer, Error::IdempotencyConflict { index, of }));
            }
            stands_for.push(earlier);
        }
        Ok(Self { request, stands_for })
    }

    /// The events that are no repetitions, each with its index in the request.
    fn originals(&self) -> impl Iterator<Item = (usize, &Prepared)> {
        let stands_for = self.stands_for.iter().enumerate();
        stands_for.filter(|(index, earlier)| index == *earlier).map(|(index, _)| (index, &self.request.events[index]))
    }

    /// Routes its events; refused if they have more deliveries than one transaction can hold.
    pub(super) fn routed(self, shared: &Shared, directory: &Directory) -> Result<Routed, Refused> {
        let (mut events, mut deliveries) = (Vec::with_capacity(self.request.events.len()), 0);
        let mut beyond = None;
        for (index, event) in self.originals() {
            let event = to_accept(event, shared, directory);
            deliveries += match &event.routing.verdict {
                Verdict::Deliveries(deliveries) => deliveries.len(),
                Verdict::Unmatched | Verdict::Unroutable { .. } => 1,
            };
            if deliveries > DELIVERIES_OF_REQUEST_MAX && !events.is_empty() {
                beyond = Some(index);
                break;
            }
            events.push(event);
        }
        if let Some(index) = beyond {
            let detail = format!(
                "the events up to this one have more than {DELIVERIES_OF_REQUEST_MAX} deliveries together: send them in several requests"
            );
            let found = Invalid::one(format!("/{index}"), "too_many_deliveries", detail);
            return Err((self.request.answer, Error::Invalid(found)));
        }
        let group = Group { events, record: self.request.record.clone(), once: self.request.once.clone() };
        Ok(Routed { folded: self, group, deliveries })
    }

    pub(super) fn finish(self, accepted: Vec<Accepted>, due: &mut Vec<Fresh>) {
        let answer = self.answer(accepted, due);
        let _ = self.request.answer.send(answer);
    }

    fn answer(&self, accepted: Vec<Accepted>, due: &mut Vec<Fresh>) -> Result<Vec<Emitted>, Error> {
        let mut outcomes = std::collections::HashMap::new();
        for ((index, _), accepted) in self.originals().zip(&accepted) {
            if let Accepted::Conflict(of) = accepted {
                return Err(Error::IdempotencyConflict { index, of: *of });
            }
            if let Accepted::Before(before) = accepted {
                return Err(Error::DoneBefore(before.clone()));
            }
            outcomes.insert(index, accepted);
        }
        let mut emitted = Vec::with_capacity(self.stands_for.len());
        for (index, earlier) in self.stands_for.iter().enumerate() {
            let event = &self.request.events[index];
            let (id, duplicate) = match outcomes.get(earlier) {
                Some(Accepted::Duplicate(of)) => (*of, true),
                _ => (self.request.events[*earlier].loaded.event.id, index != *earlier),
            };
            emitted.push(Emitted { id, duplicate, warnings: event.warnings.clone() });
        }
        for ((_, event), accepted) in self.originals().zip(accepted) {
            if let Accepted::New(deliveries) = accepted {
                due.extend(deliveries.into_iter().map(|one| (one, Some(Arc::clone(&event.loaded)))));
            }
        }
        Ok(emitted)
    }
}

fn unknown_endpoint_keys(index: usize, event: &Prepared, directory: &Directory) -> Invalid {
    let event = &event.loaded.event;
    let mut invalid = Invalid::default();
    for (position, key) in event.endpoint_keys.iter().flatten().enumerate() {
        if directory.by_key(&event.tenant, key).is_none() {
            let pointer = format!("/{index}/endpoint_keys/{position}");
            invalid.add(pointer, "unknown_endpoint_key", "no endpoint of this tenant has this key");
        }
    }
    invalid
}

fn to_accept(prepared: &Prepared, shared: &Shared, directory: &Directory) -> EventToAccept {
    let event = &prepared.loaded.event;
    let settings = &shared.settings;
    let routing = match prepared.only_to.map(|id| directory.endpoint(id)) {
        Some(Some(endpoint)) => route::to_one(event.id, endpoint, directory),
        // The endpoint of a test was deleted just now, and a test goes to no other.
        Some(None) => Routing { config_version: directory.version, verdict: Verdict::Unmatched },
        None => {
            let payload = prepared.loaded.payload.as_deref();
            let (routing, failed) = route::fan_out(event, payload, directory, &settings.egress, &settings.keys);
            shared.failed_filters.tell(event.id, &failed);
            routing
        }
    };
    EventToAccept {
        id: event.id,
        tenant: event.tenant.clone(),
        event_type: event.event_type.clone(),
        key: event.key.clone(),
        ordering_key: event.ordering_key.clone(),
        idempotency_key: event.idempotency_key.clone(),
        content: prepared.content,
        occurred_at: event.occurred_at,
        endpoint_keys: event.endpoint_keys.clone(),
        destination: event.destination.clone(),
        trace: event.trace.clone(),
        schedule: event.schedule,
        metadata: event.metadata.clone(),
        test: event.test,
        payload: prepared.loaded.payload.clone().unwrap_or_default(),
        routing,
    }
}
