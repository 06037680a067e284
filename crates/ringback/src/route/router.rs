//! The one router: the owner of shard 0 reads the outbox in order and routes what it finds.
//!
//! Reading goes on from the last complete drain's snapshot, so nothing that commits late is passed over and no
//! dead pointer is walked twice. Should two nodes route at once after a takeover, removing the pointer decides.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use super::fan_out;
use crate::{
    deliver::Delivering,
    store::{self, Floor, OutboxPage, RoutedEvent, Verdict},
};

/// Pointers in one read. One router serves all nodes and goes to the database some eight times a page, waiting for its
/// turn among them each time: large pages are what keeps several nodes busy with a backlog.
const PAGE: u32 = 2_048;

/// A transaction is full with so many deliveries: events go to as many endpoints as want them.
const DELIVERIES: usize = 2_048;

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
    let mut floor = Floor::default();
    let mut last_event = Instant::now();
    while !stop.is_cancelled() {
        if !delivering.owns(0) {
            floor = Floor::default();
            delivering.pause(PAUSE_IDLE, &stop).await;
            continue;
        }
        match route_page(&delivering, floor).await {
            Ok((next, routed)) => {
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

/// Routes what one read finds; tells where to go on and how many there were.
async fn route_page(delivering: &Arc<Delivering>, floor: Floor) -> store::Result<(Floor, usize)> {
    let engine = delivering.engine();
    let OutboxPage { events, next, config_version } = engine.store().read_outbox(floor, PAGE).await?;
    if events.is_empty() {
        return Ok((next, 0));
    }
    let directory = engine.directories().at_least(config_version).await?;
    let settings = engine.settings();
    let routed: Vec<_> = events
        .into_iter()
        .map(|unrouted| RoutedEvent {
            pointer: unrouted.pointer,
            routing: fan_out(&unrouted.event, &directory, &settings.egress, &settings.keys),
            event: unrouted.event,
        })
        .collect();
    for part in parts(&routed) {
        let read = delivering.begin_read();
        let due = engine.store().record_routing(part, settings.kept.idempotency_window).await?;
        read.admit(due.into_iter().map(|due| (due, None)).collect());
        engine.metrics().count_events(part.len());
    }
    Ok((next, routed.len()))
}

/// What is routed in one transaction each, in order.
fn parts(routed: &[RoutedEvent]) -> impl Iterator<Item = &[RoutedEvent]> {
    let mut deliveries = routed.first().map_or(0, deliveries_of);
    routed.chunk_by(move |_, next| {
        let of_next = deliveries_of(next);
        deliveries += of_next;
        let is_full = deliveries > DELIVERIES;
        if is_full {
            deliveries = of_next;
        }
        !is_full
    })
}

fn deliveries_of(routed: &RoutedEvent) -> usize {
    match &routed.routing.verdict {
        Verdict::Deliveries(deliveries) => deliveries.len(),
        // A row of its own says why.
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
            let all: Vec<_> = counts.iter().map(|&count| routed(count)).collect();
            parts(&all).map(<[_]>::len).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&[1; PAGE as usize]), [PAGE as usize]);
        assert_eq!(sizes(&[1_000, 1_000, 48, 1, 2_047, 1]), [3, 2, 1]);
        assert_eq!(sizes(&[5_000, 1, 5_000]), [1, 1, 1]);
    }
}
