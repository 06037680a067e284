//! Requests that arrive together are committed together.
//!
//! One task takes whatever has queued while the last commit ran: batches form by themselves, nobody waits for a
//! timer. Two requests that share an idempotency key never go into one commit: the second would have to be judged
//! against a first that might still be refused.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Weak},
};

use tokio::sync::{mpsc, oneshot};

use super::{Emitted, Error, Prepared};
use crate::{
    audit::Record,
    directory::Directory,
    engine::Shared,
    invalid::Invalid,
    route,
    store::{Accepted, EventToAccept, Group, Routing, Verdict},
};

/// Most events in one commit.
const EVENTS_MAX: usize = 512;

/// Most payload bytes in one commit; a single request may exceed it.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Requests that may wait before callers do.
const QUEUE: usize = 1_024;

struct Request {
    events: Vec<Prepared>,
    record: Option<Record>,
    answer: oneshot::Sender<Result<Vec<Emitted>, Error>>,
}

/// The way in.
#[derive(Debug, Clone)]
pub(crate) struct Intake {
    queue: mpsc::Sender<Request>,
}

impl Intake {
    /// Starts the task; it ends when the engine is dropped.
    pub(crate) fn start(shared: Weak<Shared>) -> Self {
        let (queue, requests) = mpsc::channel(QUEUE);
        tokio::spawn(run(shared, requests));
        Self { queue }
    }

    /// Stores a request's events, all or none; with them the record, if someone asked for more than an emit.
    pub(crate) async fn accept(&self, events: Vec<Prepared>, record: Option<Record>) -> Result<Vec<Emitted>, Error> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Request { events, record, answer }).await.map_err(|_| Error::Closed)?;
        answered.await.map_err(|_| Error::Closed)?
    }
}

async fn run(shared: Weak<Shared>, mut requests: mpsc::Receiver<Request>) {
    let mut waiting = VecDeque::new();
    loop {
        if waiting.is_empty() {
            match requests.recv().await {
                Some(request) => waiting.push_back(request),
                None => return,
            }
        }
        while waiting.len() < QUEUE
            && let Ok(request) = requests.try_recv()
        {
            waiting.push_back(request);
        }
        let Some(shared) = shared.upgrade() else { return };
        let batch = take_batch(&mut waiting);
        commit(&shared, batch).await;
    }
}

/// Takes from the front what may go into one commit, in order.
fn take_batch(waiting: &mut VecDeque<Request>) -> Vec<Request> {
    let mut batch: Vec<Request> = Vec::new();
    let mut keys = HashSet::new();
    let (mut events, mut bytes) = (0, 0);
    while let Some(request) = waiting.front() {
        events += request.events.len();
        bytes += request.events.iter().map(payload_len).sum::<usize>();
        let of_request: Vec<_> = request.events.iter().filter_map(idempotency).collect();
        let apart = of_request.iter().any(|key| keys.contains(key));
        if !batch.is_empty() && (apart || events > EVENTS_MAX || bytes > BYTES_MAX) {
            break;
        }
        keys.extend(of_request);
        batch.extend(waiting.pop_front());
    }
    batch
}

fn payload_len(event: &Prepared) -> usize {
    event.loaded.payload.as_ref().map_or(0, bytes::Bytes::len)
}

fn idempotency(event: &Prepared) -> Option<(String, String, String)> {
    let event = &event.loaded.event;
    let key = event.idempotency_key.clone()?;
    Some((event.tenant.clone(), event.event_type.clone(), key))
}

async fn commit(shared: &Arc<Shared>, batch: Vec<Request>) {
    let directory = match shared.directories.current().await {
        Ok(directory) => directory,
        Err(error) => return refuse_all(batch, &error),
    };
    let mut folded = Vec::new();
    let mut groups = Vec::new();
    for request in batch {
        match Folded::of(request, &directory) {
            Ok(request) => {
                groups.push(request.group(shared, &directory));
                folded.push(request);
            }
            Err((answer, error)) => {
                let _ = answer.send(Err(error));
            }
        }
    }
    if groups.is_empty() {
        return;
    }
    let window = shared.settings.kept.idempotency_window;
    let read = shared.begin_read();
    match shared.store.accept(&groups, window).await {
        Ok(acceptances) => {
            let mut due = Vec::new();
            for (request, accepted) in folded.into_iter().zip(acceptances) {
                shared.metrics.count_events(stored(&accepted));
                request.finish(accepted, &mut due);
            }
            if let Some(read) = read {
                read.admit(due);
            }
        }
        // One request's data must not be the others' trouble.
        Err(crate::store::Error::Refused(_)) if groups.len() > 1 => {
            for (request, group) in folded.into_iter().zip(groups) {
                commit_alone(shared, request, group).await;
            }
        }
        Err(error) => refuse_all(folded.into_iter().map(|folded| folded.request).collect(), &error),
    }
}

async fn commit_alone(shared: &Shared, request: Folded, group: Group) {
    let read = shared.begin_read();
    match shared.store.accept(&[group], shared.settings.kept.idempotency_window).await {
        Ok(acceptances) => {
            let mut due = Vec::new();
            let accepted = acceptances.into_iter().next().unwrap_or_default();
            shared.metrics.count_events(stored(&accepted));
            request.finish(accepted, &mut due);
            if let Some(read) = read {
                read.admit(due);
            }
        }
        Err(error) => refuse_all(vec![request.request], &error),
    }
}

/// How many events of a request were stored: none if one is in conflict.
fn stored(accepted: &[Accepted]) -> usize {
    if accepted.iter().any(|one| matches!(one, Accepted::Conflict(_))) {
        return 0;
    }
    accepted.iter().filter(|one| matches!(one, Accepted::New(_))).count()
}

fn refuse_all(batch: Vec<Request>, error: &crate::store::Error) {
    for request in batch {
        // Each caller is told of the one failure; it cannot be cloned with its source.
        let told = crate::store::Error::Unavailable(error.to_string().into());
        let _ = request.answer.send(Err(Error::Store(told)));
    }
}

/// A request whose own repetitions are folded.
struct Folded {
    request: Request,
    /// For each event the index of the equal one that stands for it: itself, unless it is a repetition.
    stands_for: Vec<usize>,
}

type Refused = (oneshot::Sender<Result<Vec<Emitted>, Error>>, Error);

impl Folded {
    fn of(request: Request, directory: &Directory) -> Result<Self, Refused> {
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

    fn originals(&self) -> impl Iterator<Item = &Prepared> {
        let stands_for = self.stands_for.iter().enumerate();
        stands_for.filter(|(index, earlier)| index == *earlier).map(|(index, _)| &self.request.events[index])
    }

    fn group(&self, shared: &Shared, directory: &Directory) -> Group {
        Group {
            events: self.originals().map(|event| to_accept(event, shared, directory)).collect(),
            record: self.request.record.clone(),
        }
    }

    fn finish(self, accepted: Vec<Accepted>, due: &mut Vec<crate::deliver::Fresh>) {
        let answer = self.answer(accepted, due);
        let _ = self.request.answer.send(answer);
    }

    fn answer(&self, accepted: Vec<Accepted>, due: &mut Vec<crate::deliver::Fresh>) -> Result<Vec<Emitted>, Error> {
        let mut outcomes = std::collections::HashMap::new();
        let originals = self.stands_for.iter().enumerate().filter(|(index, earlier)| index == *earlier);
        for ((index, _), accepted) in originals.zip(&accepted) {
            if let Accepted::Conflict(of) = accepted {
                return Err(Error::IdempotencyConflict { index, of: *of });
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
        for (earlier, accepted) in accepted.into_iter().enumerate() {
            if let Accepted::New(deliveries) = accepted
                && let Some(event) = self.originals().nth(earlier)
            {
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
        // Deleted in this moment. A test is for nobody else.
        Some(None) => Routing { config_version: directory.version, verdict: Verdict::Unmatched },
        None => route::fan_out(event, directory, &settings.egress, &settings.keys),
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
        test: event.test,
        payload: prepared.loaded.payload.clone().unwrap_or_default(),
        routing,
    }
}
