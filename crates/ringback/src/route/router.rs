//! The one router: the owner of shard 0 reads the outbox in order and routes its events.
//!
//! Each read starts at the floor: the snapshot of the last read that found all there was. So no event that commits late is
//! missed, and removed pointers are not read past again and again. If two nodes route at once after a takeover, the one that
//! removes an event's pointer stores its deliveries.
//!
//! Others may hold locks that recording an event needs, such as the row of its idempotency key. Such events wait aside
//! (`aside.rs`), and the floor waits with them; all others go on.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;

use tokio_util::sync::CancellationToken;

use super::{
    aside::Aside,
    fan_out::{self, fan_out, filters_for},
    locked::Locked,
    payloads::Payloads,
};
use crate::{
    compute::compute,
    deliver::{Delivering, Stage},
    directory::Directory,
    endpoint::filter,
    metrics::{Arrivals, Sums},
    store::{self, Floor, OutboxPage, Parts, RecordedRouting, RoutedAs, RoutedEvent, Setback, UnroutedEvent, Verdict},
};

/// Pointers in one read. One router serves all nodes, and makes some eight calls to a busy database for each page: only
/// large pages keep several nodes busy with a backlog.
const PAGE: u32 = 2_048;

/// A transaction is full with so many deliveries: one event may have thousands.
const DELIVERIES: usize = 2_048;

/// Endpoints matched before other tasks get a turn: each costs some tens of nanoseconds.
const LOOKED_AT: usize = 16 * 1_024;

/// Between looks while events keep coming.
const PAUSE_BUSY: Duration = Duration::from_millis(5);

/// Between looks while there is nothing to do.
const PAUSE_IDLE: Duration = Duration::from_millis(25);

/// After an error of the database.
const PAUSE_ERROR: Duration = Duration::from_millis(500);

/// How long after an event the router counts as busy.
const BUSY_FOR: Duration = Duration::from_secs(1);

/// Routes until `stop`.
pub(crate) async fn route(delivering: Arc<Delivering>, stop: CancellationToken) {
    let (mut floor, mut node, mut aside) = (Floor::default(), None, Aside::default());
    let mut last_event = Instant::now();
    while !stop.is_cancelled() {
        // The floor of a lost lease is not trusted: the database may have been restored to an older state.
        let registered = delivering.node();
        if registered != node || !delivering.owns(0) {
            (floor, node, aside) = (Floor::default(), registered, Aside::default());
        }
        if !delivering.owns(0) {
            delivering.progress.came_round(Stage::Route);
            delivering.pause(PAUSE_IDLE, &stop).await;
            continue;
        }
        match route_page(&delivering, floor, &mut aside).await {
            Ok((next, routed)) => {
                delivering.progress.came_round(Stage::Route);
                floor = next;
                if routed > 0 {
                    last_event = Instant::now();
                }
                if routed < PAGE as usize {
                    let pause = if last_event.elapsed() < BUSY_FOR { PAUSE_BUSY } else { PAUSE_IDLE };
                    delivering.wait_for_wake(pause, &stop).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "routing waits for the database");
                delivering.pause(PAUSE_ERROR, &stop).await;
            }
        }
    }
}

/// Routes the events of one read; returns the next floor and how many events were routed.
async fn route_page(delivering: &Arc<Delivering>, floor: Floor, aside: &mut Aside) -> store::Result<(Floor, usize)> {
    let engine = delivering.engine();
    // Those that wait do not take the places of others.
    let limit = PAGE + u32::try_from(aside.len()).unwrap_or(u32::MAX);
    let OutboxPage { events, next, config_version } = engine.store().read_outbox(floor, limit).await?;
    if events.is_empty() {
        return Ok((next, 0));
    }
    let directory = engine.directories().at_least(config_version).await?;
    let (ready, behind) = aside.part(events);
    let is_due = aside.is_due(Instant::now());
    let mut locked = Locked::on(aside);
    let mut count = route_events(delivering, &directory, ready, &mut locked).await?;
    if is_due {
        count += route_events(delivering, &directory, behind, &mut locked).await?;
        locked.aside.tried(Instant::now());
    } else {
        locked.wait(behind.iter().map(|event| event.pointer), None)?;
    }
    Ok((aside.bound(next), count))
}

/// Routes events in order; returns how many were recorded. An event may have tens of thousands of deliveries, so the
/// deliveries of a whole page are never in memory together.
async fn route_events(
    delivering: &Arc<Delivering>,
    directory: &Arc<Directory>,
    events: Vec<UnroutedEvent>,
    locked: &mut Locked<'_>,
) -> store::Result<usize> {
    let mut payloads = Payloads::of(&events, directory);
    let (mut part, mut looked_at, mut count) = (Part::default(), 0, 0);
    for unrouted in events {
        looked_at += directory.count_of(&unrouted.event.tenant);
        let payload = payloads.next(unrouted.event.id, delivering.engine().store()).await?;
        if let Some(full) = part.add(to_routed(unrouted, payload, directory, delivering).await) {
            count += record(delivering, full, locked).await?;
        }
        if looked_at > LOOKED_AT {
            looked_at = 0;
            tokio::task::yield_now().await;
        }
    }
    Ok(count + record(delivering, part.events, locked).await?)
}

/// Routes one event. Where filters are asked about it, that may take long, and is done apart from the threads that requests
/// run on.
async fn to_routed(
    unrouted: UnroutedEvent,
    payload: Option<Bytes>,
    directory: &Arc<Directory>,
    delivering: &Arc<Delivering>,
) -> RoutedEvent {
    let UnroutedEvent { pointer, mut event } = unrouted;
    if let Some(why) = &event.unreadable {
        tracing::error!(event = %event.id, why, "an event cannot be routed and is dead");
        // A bad event must not hold its key: the next event with that key, which may be good, would count as its duplicate.
        event.idempotency_key = None;
    }
    let filters = filters_for(&event, directory);
    if filters == 0 {
        let settings = delivering.engine().settings();
        let (routing, _) = fan_out(&event, None, directory, &settings.egress, &settings.keys);
        return RoutedEvent { pointer, routing, event };
    }
    let (directory, there) = (Arc::clone(directory), Arc::clone(delivering));
    let effort = filter::effort(filters, payload.as_ref().map_or(0, Bytes::len));
    let routed = move || {
        let settings = there.engine().settings();
        let (routing, failed) = fan_out(&event, payload.as_deref(), &directory, &settings.egress, &settings.keys);
        (event, routing, failed)
    };
    let (event, routing, failed) = compute(effort, routed).await;
    delivering.engine().failed_filters().tell(event.id, &failed);
    RoutedEvent { pointer, routing, event }
}

/// The events that are recorded in one transaction, in order.
#[derive(Default)]
struct Part {
    events: Vec<RoutedEvent>,
    deliveries: usize,
}

impl Part {
    /// Adds an event. If that would make too many deliveries, returns the events before it and starts anew with this one.
    fn add(&mut self, routed: RoutedEvent) -> Option<Vec<RoutedEvent>> {
        let deliveries = deliveries_of(&routed);
        let is_full = !self.events.is_empty() && self.deliveries + deliveries > DELIVERIES;
        let full = is_full.then(|| std::mem::take(self).events);
        self.deliveries += deliveries;
        self.events.push(routed);
        full
    }
}

/// Records routed events; returns how many. A part that the database refuses, or that makes the store panic, is halved until
/// the bad event is alone: that one becomes a dead letter, and the others are recorded. Events that are locked wait.
async fn record(
    delivering: &Arc<Delivering>,
    routed: Vec<RoutedEvent>,
    locked: &mut Locked<'_>,
) -> store::Result<usize> {
    let engine = delivering.engine();
    let (mut parts, mut count) = (Parts::of(routed), 0);
    while let Some(part) = parts.next() {
        let part = locked.pass(part)?;
        if part.is_empty() {
            continue;
        }
        let read = delivering.begin_read();
        match engine.store().record_routing(&part, engine.settings().retention.idempotency_window).await {
            Ok(recorded) => {
                engine.metrics().count_arrivals(&arrivals(&part, &recorded));
                count_unroutable(engine.sums(), &part, &recorded);
                read.admit(recorded.due.into_iter().map(|due| (due, None)).collect());
                count += part.len();
                part.iter().for_each(|routed| locked.aside.take(routed.pointer));
                // Reported for each part, since a page whose events go to tens of thousands of endpoints takes many.
                delivering.progress.came_round(Stage::Route);
            }
            Err(error @ store::Error::Locked(_)) => {
                // The last one that is put back is the next.
                locked.met(part, error)?.into_iter().rev().for_each(|part| parts.put_back(part));
            }
            Err(error) => match parts.set_back(part, error) {
                Setback::Halved => {}
                Setback::Again => tokio::time::sleep(PAUSE_ERROR).await,
                Setback::Alone(mut event, error) => {
                    let id = event.event.id;
                    if give_up(&mut event) {
                        tracing::error!(event = %id, %error, "routing an event was refused; it is dead");
                        parts.put_back(vec![event]);
                    } else {
                        tracing::error!(event = %id, %error, "an event cannot be routed; it stays unrouted");
                    }
                }
                Setback::Away(_, error) => return Err(error),
            },
        }
    }
    Ok(count)
}

/// Those that another node routed, or that were expunged before, died of nothing here.
fn count_unroutable(sums: &Sums, part: &[RoutedEvent], recorded: &RecordedRouting) {
    for (routed, routed_as) in part.iter().zip(&recorded.events) {
        if let (RoutedAs::Stored, Verdict::Unroutable { delivery, .. }) = (routed_as, &routed.routing.verdict) {
            sums.count_unroutable(&routed.event.tenant, delivery.endpoint);
        }
    }
}

fn arrivals(part: &[RoutedEvent], recorded: &RecordedRouting) -> Arrivals {
    let mut arrivals = Arrivals::default();
    for (routed, routed_as) in part.iter().zip(&recorded.events) {
        arrivals.add_routed(*routed_as, &routed.routing.verdict);
    }
    arrivals
}

/// Makes an event a dead letter; false if it is one already, and that was refused.
fn give_up(routed: &mut RoutedEvent) -> bool {
    if matches!(routed.routing.verdict, Verdict::Unroutable { .. }) {
        return false;
    }
    let detail = "the database refused what routing made of it; the log says why".to_owned();
    routed.routing.verdict = fan_out::set_aside(&routed.event, detail);
    true
}

fn deliveries_of(routed: &RoutedEvent) -> usize {
    match &routed.routing.verdict {
        Verdict::Deliveries(deliveries) => deliveries.len(),
        // One row that says why.
        Verdict::Unmatched | Verdict::Unroutable { .. } => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        delivery::{LaneId, Marks, NewDelivery},
        event::Event,
        id::EventId,
        store::{Pointer, Routing},
        time::Timestamp,
    };

    fn routed(deliveries: usize) -> RoutedEvent {
        let id = EventId::new(Timestamp::default());
        let delivery = |ordinal| NewDelivery {
            id: id.delivery(ordinal),
            lane: LaneId::from_i64(1),
            endpoint: None,
            ordering_key: None,
            marks: Marks::default(),
            schedule: Default::default(),
        };
        let deliveries = (1..=deliveries as u16).map(delivery).collect();
        RoutedEvent {
            pointer: Pointer { xid: 1, seq: 1 },
            event: Event::plain(id),
            routing: Routing { config_version: 1, verdict: Verdict::Deliveries(deliveries) },
        }
    }

    #[test]
    fn a_transaction_holds_whole_events_and_no_more_deliveries_than_it_may_unless_one_has_more() {
        let sizes = |counts: &[usize]| {
            let mut part = Part::default();
            let mut sizes: Vec<_> =
                counts.iter().filter_map(|&count| part.add(routed(count))).map(|it| it.len()).collect();
            sizes.extend(Some(part.events.len()).filter(|len| *len > 0));
            sizes
        };
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&[1; PAGE as usize]), [PAGE as usize]);
        assert_eq!(sizes(&[1_000, 1_000, 48, 1, 2_047, 1]), [3, 2, 1]);
        assert_eq!(sizes(&[5_000, 1, 5_000]), [1, 1, 1]);
    }

    #[test]
    fn what_is_refused_becomes_a_dead_letter_once() {
        let mut refused = routed(3);
        assert!(give_up(&mut refused));
        assert!(matches!(refused.routing.verdict, Verdict::Unroutable { .. }));
        assert!(!give_up(&mut refused));
    }
}
