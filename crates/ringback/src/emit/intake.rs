//! Requests that arrive together are committed together.
//!
//! A task takes all requests that have queued while the last commit ran, so batches form without a timer. Requests with
//! idempotency keys have a queue of their own, since another transaction may lock a key's row. Two requests that share an
//! idempotency key never go into one commit: the second would have to be judged against a first that may still be refused.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Weak},
};

use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{Emitted, Error, Prepared, commit::commit};
use crate::{
    audit::Entry,
    engine::Shared,
    store::{self, Once},
};

/// Most events in one commit.
const EVENTS_MAX: usize = 512;

/// Most payload bytes in one commit; a single request may exceed it.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Requests that may queue; further callers wait to queue theirs.
const QUEUE: usize = 1_024;

/// Commits at once of requests with keys: several, because a commit waits if another transaction locks the row of a key.
const KEYED_COMMITS: usize = 4;

pub(super) struct Request {
    pub(super) events: Vec<Prepared>,
    pub(super) record: Option<Entry>,
    pub(super) once: Option<Once>,
    pub(super) answer: oneshot::Sender<Result<Vec<Emitted>, Error>>,
}

impl Request {
    /// Whether its commit may have to wait for another transaction that locks the row of its key.
    fn may_wait(&self) -> bool {
        self.once.is_some() || self.events.iter().any(|event| event.loaded.event.idempotency_key.is_some())
    }
}

/// The queues of requests. Requests with keys have their own, so that those without do not wait for their locks.
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

    /// Stores a request's events, all or none, and with them the audit record, if there is one.
    pub(crate) async fn accept(
        &self,
        events: Vec<Prepared>,
        record: Option<Entry>,
        once: Option<Once>,
    ) -> Result<Vec<Emitted>, Error> {
        let (answer, answered) = oneshot::channel();
        let request = Request { events, record, once, answer };
        let queue = if request.may_wait() { &self.keyed } else { &self.plain };
        queue.send(request).await.map_err(|_| Error::Closed)?;
        answered.await.unwrap_or_else(|_| match queue.is_closed() {
            true => Err(Error::Closed),
            // The commit panicked, perhaps after it was done.
            false => Err(Error::Store(store::Error::Panicked("accept"))),
        })
    }
}

/// Commits requests, as many batches at once as there are `places`. A panic of a commit affects only its own requests.
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
        let (batch, places) = (take_batch(&mut waiting), Arc::clone(&places));
        tokio::spawn(async move {
            commit(&shared, batch, &places).await;
            drop(place);
        });
    }
}

/// Takes from the front the requests that may go into one commit, in order.
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

pub(super) fn idempotency(event: &Prepared) -> Option<(String, String, String)> {
    let event = &event.loaded.event;
    let key = event.idempotency_key.clone()?;
    Some((event.tenant.clone(), event.event_type.clone(), key))
}
