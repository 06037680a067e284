//! Commits a batch, and tells every caller what became of its own request.
//!
//! ```text
//! Refused, a single request    its caller is told: the same request will be refused again
//! Refused or Locked, a batch   its requests are committed apart, since only one of them need be the cause
//! any other error              all callers of the batch are told
//! ```

use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, time::Instant};

use super::{
    Error,
    fold::{Folded, Routed, effort},
    intake::Request,
};
use crate::{
    compute::compute,
    engine::Shared,
    metrics::Arrivals,
    store::{self, Accepted, Group, IDS_AHEAD_MAX, PATIENCE_WITH_LOCKS, Verdict},
};

/// Most deliveries in one commit; a single request may exceed it.
const DELIVERIES_MAX: usize = 8 * 1_024;

/// How long requests that are committed apart wait for their turn. If few keys are locked, each turn comes at once; if all
/// are, as when somebody locks a table, the turns would take minutes.
const PATIENCE_APART: Duration = PATIENCE_WITH_LOCKS.saturating_mul(2);

/// Commits a batch; `places` are for those of its requests that are committed apart.
pub(super) async fn commit(shared: &Arc<Shared>, batch: Vec<Request>, places: &Arc<Semaphore>) {
    let directory = match shared.directories.current().await {
        Ok(directory) => directory,
        Err(error) => return batch.into_iter().for_each(|request| refuse(request, error.retold())),
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
                    store(shared, full, places).await;
                }
            }
            Err((answer, error)) => {
                let _ = answer.send(Err(error));
            }
        }
    }
    store(shared, part, places).await;
}

/// The requests that are stored in one transaction.
#[derive(Default)]
struct Part {
    folded: Vec<Folded>,
    groups: Vec<Group>,
    deliveries: usize,
}

impl Part {
    /// Adds a request. If that would make too many deliveries, returns the requests before it and starts anew with this one.
    fn add(&mut self, Routed { folded, group, deliveries }: Routed) -> Option<Self> {
        let is_full = !self.groups.is_empty() && self.deliveries + deliveries > DELIVERIES_MAX;
        let full = is_full.then(|| std::mem::take(self));
        self.deliveries += deliveries;
        self.folded.push(folded);
        self.groups.push(group);
        full
    }
}

async fn store(shared: &Arc<Shared>, Part { mut folded, groups, .. }: Part, places: &Arc<Semaphore>) {
    if groups.is_empty() {
        return;
    }
    let Err(error) = try_store(shared, &mut folded, &groups).await else { return };
    let requests = folded.into_iter().zip(groups);
    match error {
        // One request's bad data must not make the others fail.
        store::Error::Refused(_) if requests.len() > 1 => {
            for (request, group) in requests {
                store_alone(shared, request, group).await;
            }
        }
        // Nor must a row that one of them waits for. Each request that waits again takes one place, so that later requests
        // get their turns, too.
        store::Error::Locked(_) if requests.len() > 1 => {
            let parted = Instant::now();
            for (request, group) in requests {
                tokio::spawn(store_in_turn(Arc::clone(shared), request, group, Arc::clone(places), parted));
            }
        }
        error => {
            for (Folded { request, .. }, _) in requests {
                let told = truly(shared, &request, error.retold()).await;
                refuse(request, told);
            }
        }
    }
}

/// Stores requests in one transaction and tells their callers. If that fails, no caller is told yet.
async fn try_store(shared: &Shared, folded: &mut Vec<Folded>, groups: &[Group]) -> store::Result<()> {
    let read = shared.begin_read();
    let acceptances = shared.store.accept(groups, shared.settings.retention.idempotency_window).await?;
    let (mut due, mut arrivals) = (Vec::new(), Arrivals::default());
    for ((request, group), accepted) in folded.drain(..).zip(groups).zip(acceptances) {
        count(shared, group, &accepted, &mut arrivals);
        request.finish(accepted, &mut due);
    }
    shared.metrics.count_arrivals(&arrivals);
    if let Some(read) = read {
        read.admit(due);
    }
    Ok(())
}

async fn store_alone(shared: &Shared, request: Folded, group: Group) {
    let mut folded = vec![request];
    if let Err(error) = try_store(shared, &mut folded, &[group]).await {
        for Folded { request, .. } in folded {
            let told = truly(shared, &request, error.retold()).await;
            refuse(request, told);
        }
    }
}

async fn store_in_turn(shared: Arc<Shared>, request: Folded, group: Group, places: Arc<Semaphore>, parted: Instant) {
    let Ok(_place) = places.acquire().await else { return };
    if parted.elapsed() > PATIENCE_APART {
        let why = "others hold the locks of many requests, and this one's turn did not come";
        return refuse(request.request, store::Error::Locked(why.into()));
    }
    store_alone(&shared, request, group).await;
}

/// Adds the events of a request that were stored: none if one is in conflict.
fn count(shared: &Shared, group: &Group, accepted: &[Accepted], arrivals: &mut Arrivals) {
    if accepted.iter().any(Accepted::refuses_group) {
        return;
    }
    for (event, _) in group.events.iter().zip(accepted).filter(|(_, one)| matches!(one, Accepted::New(_))) {
        arrivals.add(&event.routing.verdict);
        if let Verdict::Unroutable { delivery, .. } = &event.routing.verdict {
            shared.sums.count_unroutable(&event.tenant, delivery.endpoint);
        }
    }
}

/// The error that the caller of a request that failed by itself is told. The store refuses an id that is ahead of the
/// database's clock, and that clock may have been set back just now. A repeated request gets an id by the clock's new time,
/// so this error is one that passes.
async fn truly(shared: &Shared, request: &Request, error: store::Error) -> store::Error {
    let store::Error::Refused(why) = error else { return error };
    shared.clocks.forget();
    let now = shared.clocks.of_event(&*shared.store).await;
    let last = request.events.iter().map(|event| event.loaded.event.id.accepted_at()).max();
    match last {
        Some(last) if last > now + IDS_AHEAD_MAX => store::Error::Unavailable(why),
        _ => store::Error::Refused(why),
    }
}

fn refuse(request: Request, error: store::Error) {
    // Fails if the caller has gone away.
    let _ = request.answer.send(Err(Error::Store(error)));
}
