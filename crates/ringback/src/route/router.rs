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
    store::{self, Floor, OutboxPage, RoutedEvent},
};

/// Pointers routed in one transaction.
const PAGE: u32 = 512;

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
    let read = delivering.begin_read();
    let due = engine.store().record_routing(&routed, settings.kept.idempotency_window).await?;
    read.admit(due.into_iter().map(|due| (due, None)).collect());
    engine.metrics().count_events(routed.len());
    Ok((next, routed.len()))
}
