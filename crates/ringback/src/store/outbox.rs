//! The outbox: events that callers wrote in their own transactions, and that wait to be routed.

use std::collections::HashMap;

use super::{Result, Routing};
use crate::{delivery::Due, event::Event, id::EventId};

/// Where a pointer stands in the outbox. PostgreSQL: (transaction id, sequence); SQLite: (0, sequence).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pointer {
    /// The transaction that wrote it.
    pub xid: i64,
    /// The order within the outbox.
    pub seq: i64,
}

/// No pointer can appear below this any more; after a restart reading starts from `Floor::default()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Floor(pub i64);

/// An event that has not been routed.
#[derive(Debug, Clone)]
pub struct UnroutedEvent {
    /// Its place in the outbox.
    pub pointer: Pointer,
    /// The event, without its payload.
    pub event: Event,
}

/// A read of the outbox.
#[derive(Debug, Clone)]
pub struct OutboxPage {
    /// In order of (xid, seq).
    pub events: Vec<UnroutedEvent>,
    /// From where to read once all of `events` are routed: a page that was not full was complete, and no pointer below the
    /// snapshot it was read in can appear any more. Lower than the floor that was asked for only if the database is older
    /// than the one that floor came from, as after a restore: then the outbox is read from its beginning.
    pub next: Floor,
    /// The configuration version in the same snapshot.
    pub config_version: i64,
}

/// An event that was routed.
#[derive(Debug, Clone)]
pub struct RoutedEvent {
    /// Its place in the outbox. Removing the pointer is the fence: only who removes it stores the deliveries.
    pub pointer: Pointer,
    /// The event.
    pub event: Event,
    /// The deliveries that it gets, unless it turns out to be a duplicate.
    pub routing: Routing,
}

/// What became of a routed event when it was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoutedAs {
    /// Its routing was stored.
    Stored,
    /// It is a duplicate of an earlier event.
    Duplicate,
    /// It was expunged before: its deliveries are cancelled.
    Expunged,
    /// Its pointer was gone: it was recorded before, perhaps by another node. Nothing changed.
    ByAnother,
}

/// The result of recording routed events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordedRouting {
    /// The deliveries that are due now.
    pub due: Vec<Due>,
    /// What became of each event, in the order in which they were given.
    pub events: Vec<RoutedAs>,
}

impl RecordedRouting {
    /// With what became of `events`; one that is not in `found` was recorded by another node.
    #[must_use]
    pub fn of(events: &[RoutedEvent], due: Vec<Due>, found: &HashMap<EventId, RoutedAs>) -> Self {
        let routed_as = |routed: &RoutedEvent| found.get(&routed.event.id).copied().unwrap_or(RoutedAs::ByAnother);
        Self { due, events: events.iter().map(routed_as).collect() }
    }
}

/// Reads the outbox and turns pointers into deliveries.
#[async_trait::async_trait]
pub trait Outbox {
    /// At most `limit` pointers from `floor` on, in order.
    async fn read_outbox(&self, floor: Floor, limit: u32) -> Result<OutboxPage>;

    /// Removes the pointers and inserts the events' deliveries, in one transaction. For a pointer that is gone already
    /// nothing changes: another node was faster. An event whose (tenant, type, idempotency key) belongs to an earlier one
    /// within `window` becomes a duplicate of that one instead, whatever its content.
    ///
    /// Everything in the outbox waits for this call. If others hold locks that it needs, it waits for them for a moment only,
    /// and fails with [`Error::Locked`](super::Error::Locked); the events that are not locked are then recorded apart.
    ///
    /// No event is given twice.
    async fn record_routing(&self, events: &[RoutedEvent], window: std::time::Duration) -> Result<RecordedRouting>;

    /// Writes an event and its outbox pointer in a transaction of the store's own, as `ringback_postgres::emit` does in the
    /// caller's. For hosts without a connection of their own, and tests.
    async fn emit(&self, event: &crate::event::NewEvent) -> Result<EventId>;
}
