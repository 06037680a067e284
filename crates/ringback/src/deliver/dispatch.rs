//! Picks deliveries that may be sent and opens a request for each.
//!
//! Picking takes the lanes' lock for a moment. Of deliveries that were picked together, one statement reads the events
//! that are not in memory.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use tokio_util::sync::CancellationToken;

use super::{
    Delivering, Stage,
    lanes::{Ahead, Picked},
    work,
};
use crate::{
    id::{DeliveryId, EventId},
    store::{LoadedEvent, Parts, Setback},
};

/// Most deliveries that are picked under one lock.
const BATCH: usize = 64;

/// At least this often lanes are asked, since time alone changes them: requests become slow.
const TICK: Duration = Duration::from_millis(250);

/// Between tries to read events while the database is away.
const PAUSE_ERROR: Duration = Duration::from_millis(500);

/// Opens requests until `stop`.
pub(crate) async fn dispatch(delivering: Arc<Delivering>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        delivering.progress.came_round(Stage::Dispatch);
        let (picked, ahead) = pick(&delivering);
        if picked.is_empty() && ahead.is_empty() {
            wait(&delivering, &stop).await;
            continue;
        }
        let (ready, bare): (Vec<_>, Vec<_>) = picked.into_iter().partition(|picked| picked.event.is_some());
        for picked in ready {
            open(&delivering, picked);
        }
        if !(bare.is_empty() && ahead.is_empty()) {
            tokio::spawn(load_and_open(Arc::clone(&delivering), bare, ahead));
        }
        // Lets the tasks of the requests just opened run.
        tokio::task::yield_now().await;
    }
}

/// Whether deliveries may be picked. Not while too many outcomes wait to be recorded: that bounds the memory that they take,
/// and the requests that are repeated after a crash.
fn may_pick(delivering: &Delivering) -> bool {
    delivering.lease.runs() && !delivering.recorder.is_behind()
}

/// The deliveries that may be sent now, and the rows whose events are to be read ahead.
fn pick(delivering: &Delivering) -> (Vec<Picked>, Ahead) {
    if !may_pick(delivering) {
        return Default::default();
    }
    let mut lanes = delivering.lanes.lock();
    let now = Instant::now();
    let picked = std::iter::from_fn(|| lanes.pick(now)).take(BATCH).collect();
    (picked, lanes.look_ahead())
}

async fn wait(delivering: &Delivering, stop: &CancellationToken) {
    let timer = if may_pick(delivering) { delivering.lanes.lock().next_timer() } else { None };
    let tick = Instant::now() + TICK;
    let until = timer.map_or(tick, |timer| timer.min(tick));
    // At least a millisecond: a timer that has run out must not make this loop spin while its lane gets no place.
    let until = until.max(Instant::now() + Duration::from_millis(1));
    tokio::select! {
        () = delivering.ready.notified() => {}
        () = tokio::time::sleep_until(until) => {}
        () = stop.cancelled() => {}
    }
}

fn open(delivering: &Arc<Delivering>, picked: Picked) {
    let Picked { due, event, courier } = picked;
    if let Some(event) = event {
        tokio::spawn(work::deliver(Arc::clone(delivering), due, event, courier));
    }
}

/// Reads the events of picked deliveries and those to be read ahead, then opens the requests. A delivery whose event was
/// expunged meanwhile is dropped.
async fn load_and_open(delivering: Arc<Delivering>, picked: Vec<Picked>, ahead: Ahead) {
    let rows_ahead = ahead.iter().flat_map(|(_, rows)| rows).copied();
    let rows = picked.iter().map(|picked| picked.due.id).chain(rows_ahead);
    let mut ids: Vec<_> = rows.map(DeliveryId::event).collect();
    ids.sort_unstable();
    ids.dedup();
    let events = load(&delivering, &ids).await;
    if !ahead.is_empty() {
        delivering.lanes.lock().looked_ahead(&ahead, &events);
        delivering.ready.notify_one();
    }
    learn_tenants(&delivering, &picked, &events);
    for mut picked in begin(&delivering, picked, &events) {
        match events.get(&picked.due.id.event()) {
            Some(event) if event.payload.is_some() => {
                picked.event = Some(Arc::clone(event));
                open(&delivering, picked);
            }
            _ => {
                delivering.lanes.lock().vanished(&picked.due);
                delivering.ready.notify_one();
            }
        }
    }
}

/// The picked deliveries that may still be sent. Reading may have taken long: the lane may belong to another node by now, or
/// be held, paused or at its rate limit.
fn begin(delivering: &Delivering, mut picked: Vec<Picked>, events: &HashMap<EventId, Arc<LoadedEvent>>) -> Vec<Picked> {
    let runs = delivering.lease.runs();
    let mut lanes = delivering.lanes.lock();
    let now = Instant::now();
    picked.retain(|picked| {
        let event = events.get(&picked.due.id.event()).filter(|event| event.payload.is_some());
        let begins = lanes.begin(&picked.due, event, now);
        if begins && !runs {
            lanes.returned(&picked.due);
        }
        begins && runs
    });
    picked
}

/// Tells inline lanes their tenant, which only their events name.
fn learn_tenants(delivering: &Delivering, picked: &[Picked], events: &HashMap<EventId, Arc<LoadedEvent>>) {
    let inline = picked.iter().filter(|picked| picked.due.endpoint.is_none());
    let mut inline =
        inline.filter_map(|picked| Some((picked.due.lane, events.get(&picked.due.id.event())?))).peekable();
    if inline.peek().is_some() {
        let mut lanes = delivering.lanes.lock();
        inline.for_each(|(lane, event)| lanes.learn_tenant(lane, &event.event.tenant));
    }
}

/// Reads events, again and again until the database answers. The deliveries keep their places meanwhile, so no more are
/// picked than there are places. An event that cannot be read delays only its own deliveries.
async fn load(delivering: &Delivering, ids: &[EventId]) -> HashMap<EventId, Arc<LoadedEvent>> {
    let mut events = HashMap::with_capacity(ids.len());
    let mut parts = Parts::of(ids.to_vec());
    while let Some(part) = parts.next() {
        match delivering.engine.store().load_events(&part).await {
            Ok(loaded) => events.extend(loaded.into_iter().map(|loaded| (loaded.event.id, Arc::new(loaded)))),
            Err(error) => match parts.set_back(part, error) {
                Setback::Halved => {}
                Setback::Again => tokio::time::sleep(PAUSE_ERROR).await,
                Setback::Alone(event, error) => {
                    tracing::error!(%event, %error, "an event cannot be read; its deliveries wait");
                }
                Setback::Away(part, error) => {
                    tracing::warn!(%error, "sending waits for the database");
                    tokio::time::sleep(PAUSE_ERROR).await;
                    parts.put_back(part);
                }
            },
        }
    }
    events
}
