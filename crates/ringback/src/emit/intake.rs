//! Requests that arrive together are committed together.
//!
//! A task takes whatever has queued while the last commit ran: batches form by themselves, nobody waits for a
//! timer. Requests with idempotency keys go apart from those without: a key's row may be locked by somebody else. Two requests that share an idempotency key never go into one commit: the second would have to be judged
//! against a first that might still be refused.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Weak},
};

use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{Emitted, Error, Prepared};
use crate::{
    audit::Record,
    compute::compute,
    directory::Directory,
    engine::Shared,
    invalid::Invalid,
    route,
    store::{self, Accepted, EventToAccept, Group, Once, Routing, Verdict},
};

/// Most events in one commit.
const EVENTS_MAX: usize = 512;

/// Most payload bytes in one commit; a single request may exceed it.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Most deliveries in one commit; a single request may exceed it.
const DELIVERIES_MAX: usize = 8 * 1_024;

/// Most deliveries of one request that has several events; a single one has at most 65,535. They are in memory together,
/// at some 300 bytes each.
const DELIVERIES_OF_REQUEST_MAX: usize = 2 * 65_535;

/// Requests that may wait before callers do.
const QUEUE: usize = 1_024;

/// Commits at once of requests with keys. Whoever holds the row of one key, somewhere, makes its commit wait for a lock.
const KEYED_COMMITS: usize = 4;

struct Request {
    events: Vec<Prepared>,
    record: Option<Record>,
    once: Option<Once>,
    answer: oneshot::Sender<Result<Vec<Emitted>, Error>>,
}

impl Request {
    /// Whether its commit may have to wait for another transaction, which holds a row of the same key.
    fn may_wait(&self) -> bool {
        self.once.is_some() || self.events.iter().any(|event| event.loaded.event.idempotency_key.is_some())
    }
}

/// The way in. Requests with keys go their own way: what keeps one of them waiting is no concern of those without.
#[derive(Debug, Clone)]
pub(crate) struct Intake {
    plain: mpsc::Sender<Request>,
    keyed: mpsc::Sender<Request>,
}

impl Intake {
    /// Starts the tasks; they end when the engine is dropped.
    pub(crate) fn start(shared: Weak<Shared>) -> Self {
        let begin = |commits: usize| {
            let (queue, requests) = mpsc::channel(QUEUE);
            tokio::spawn(run(shared.clone(), requests, Arc::new(Semaphore::new(commits))));
            queue
        };
        Self { plain: begin(1), keyed: begin(KEYED_COMMITS) }
    }

    /// Stores a request's events, all or none; with them the record, if someone asked for more than an emit.
    pub(crate) async fn accept(
        &self,
        events: Vec<Prepared>,
        record: Option<Record>,
        once: Option<Once>,
    ) -> Result<Vec<Emitted>, Error> {
        let (answer, answered) = oneshot::channel();
        let request = Request { events, record, once, answer };
        let queue = if request.may_wait() { &self.keyed } else { &self.plain };
        queue.send(request).await.map_err(|_| Error::Closed)?;
        answered.await.unwrap_or_else(|_| match queue.is_closed() {
            true => Err(Error::Closed),
            // Its commit panicked, and was perhaps done.
            false => Err(Error::Store(store::Error::Panicked("accept"))),
        })
    }
}

/// Commits what comes, as many batches at once as there are `places`. A commit that panics ends with its own requests.
async fn run(shared: Weak<Shared>, mut requests: mpsc::Receiver<Request>, places: Arc<Semaphore>) {
    let mut waiting = VecDeque::new();
    loop {
        if waiting.is_empty() {
            match requests.recv().await {
                Some(request) => waiting.push_back(request),
                None => return,
            }
        }
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        // Meanwhile others may have come.
        while waiting.len() < QUEUE
            && let Ok(request) = requests.try_recv()
        {
            waiting.push_back(request);
        }
        let Some(shared) = shared.upgrade() else { return };
        let batch = take_batch(&mut waiting);
        tokio::spawn(async move {
            commit(&shared, batch).await;
            drop(place);
        });
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
        Err(error) => return refuse_all(shared, batch, &error),
    };
    let mut part = Part::default();
    for request in batch {
        let (shared_there, directory_there) = (Arc::clone(shared), Arc::clone(&directory));
        let routed = compute(effort(&request, &directory), move || {
            Folded::of(request, &directory_there)?.routed(&shared_there, &directory_there)
        });
        match routed.await {
            Ok(routed) => {
                if let Some(full) = part.add(routed) {
                    store(shared, full).await;
                }
            }
            Err((answer, error)) => {
                let _ = answer.send(Err(error));
            }
        }
    }
    store(shared, part).await;
}

/// How much [`Folded::routed`] looks at, in bytes that could be looked at in that time.
fn effort(request: &Request, directory: &Directory) -> usize {
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
    request.events.iter().map(of_event).sum()
}

/// What goes into one transaction.
#[derive(Default)]
struct Part {
    folded: Vec<Folded>,
    groups: Vec<Group>,
    deliveries: usize,
}

impl Part {
    /// Adds a request; gives what came before it if both together would have too many deliveries.
    fn add(&mut self, Routed { folded, group, deliveries }: Routed) -> Option<Self> {
        let is_full = !self.groups.is_empty() && self.deliveries + deliveries > DELIVERIES_MAX;
        let full = is_full.then(|| std::mem::take(self));
        self.deliveries += deliveries;
        self.folded.push(folded);
        self.groups.push(group);
        full
    }
}

async fn store(shared: &Arc<Shared>, Part { folded, groups, .. }: Part) {
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
        Err(error) => refuse_all(shared, folded.into_iter().map(|folded| folded.request).collect(), &error),
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
        Err(error) => refuse_all(shared, vec![request.request], &error),
    }
}

/// How many events of a request were stored: none if one is in conflict.
fn stored(accepted: &[Accepted]) -> usize {
    if accepted.iter().any(Accepted::refuses_group) {
        return 0;
    }
    accepted.iter().filter(|one| matches!(one, Accepted::New(_))).count()
}

fn refuse_all(shared: &Shared, batch: Vec<Request>, error: &crate::store::Error) {
    if matches!(error, crate::store::Error::Refused(_)) {
        // An id that lies ahead of the database's clock is refused, and that clock may have been set back just now.
        shared.clocks.forget();
    }
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

/// A request, ready to be stored.
struct Routed {
    folded: Folded,
    group: Group,
    /// How many rows become of it: deliveries, or one that says why there is none.
    deliveries: usize,
}

type Refused = (oneshot::Sender<Result<Vec<Emitted>, Error>>, Error);

impl Folded {
    fn of(mut request: Request, directory: &Directory) -> Result<Self, Refused> {
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

    /// The events that stand for themselves, each with its place in the request.
    fn originals(&self) -> impl Iterator<Item = (usize, &Prepared)> {
        let stands_for = self.stands_for.iter().enumerate();
        stands_for.filter(|(index, earlier)| index == *earlier).map(|(index, _)| (index, &self.request.events[index]))
    }

    /// With whom its events are for; refused if that are more than one transaction can hold.
    fn routed(self, shared: &Shared, directory: &Directory) -> Result<Routed, Refused> {
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

    fn finish(self, accepted: Vec<Accepted>, due: &mut Vec<crate::deliver::Fresh>) {
        let answer = self.answer(accepted, due);
        let _ = self.request.answer.send(answer);
    }

    fn answer(&self, accepted: Vec<Accepted>, due: &mut Vec<crate::deliver::Fresh>) -> Result<Vec<Emitted>, Error> {
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
