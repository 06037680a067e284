//! Picks what may be sent and opens a request for it.
//!
//! Picking takes the lanes' lock for a moment; events that are no longer at hand are read in one statement for all
//! that were picked together.

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

/// Picked under one lock.
const BATCH: usize = 64;

/// The clock alone changes things: slow requests are noticed at this rate.
const TICK: Duration = Duration::from_millis(250);

/// After the database could not give events.
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
        // The requests just opened want to run.
        tokio::task::yield_now().await;
    }
}

/// What was answered must be recorded before more is asked: memory is bounded, and so is what a crash repeats.
fn may_pick(delivering: &Delivering) -> bool {
    delivering.lease.runs() && !delivering.recorder.is_behind()
}

/// What may be sent now, and whose events should be read for what comes next.
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
    // At least a moment: a timer that has run out must not spin here while its lane has no place.
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

/// Reads the events of what was picked and of what comes next, then opens the requests. What was expunged meanwhile is
/// let go.
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

/// Those that may still be sent. Reading may have taken long: a lane that is not ours any more is for its new owner, and one
/// that is held, paused or at its rate by now sends later.
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

/// Whose an inline lane is stands in its events alone.
fn learn_tenants(delivering: &Delivering, picked: &[Picked], events: &HashMap<EventId, Arc<LoadedEvent>>) {
    let inline = picked.iter().filter(|picked| picked.due.endpoint.is_none());
    let mut inline =
        inline.filter_map(|picked| Some((picked.due.lane, events.get(&picked.due.id.event())?))).peekable();
    if inline.peek().is_some() {
        let mut lanes = delivering.lanes.lock();
        inline.for_each(|(lane, event)| lanes.learn_tenant(lane, &event.event.tenant));
    }
}

/// Tries until the database answers: the deliveries hold their places meanwhile, so nothing piles up. An event that
/// cannot be read keeps back its own deliveries alone.
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
