//! Events that callers wrote in transactions of their own, waiting to be routed.

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

/// Below this no pointer can appear any more; start from `Floor::default()` after a restart.
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
    /// From where to read once all of `events` are routed: a page that was not full was complete, and
    /// nothing below the snapshot it was read in can appear any more. Lower than the floor
    /// asked for only where the database is older than the one that this came from: then it is read from its beginning.
    pub next: Floor,
    /// The configuration version in the same snapshot.
    pub config_version: i64,
}

/// An event and whom it goes to.
#[derive(Debug, Clone)]
pub struct RoutedEvent {
    /// Its place in the outbox: removed, and the fence.
    pub pointer: Pointer,
    /// The event.
    pub event: Event,
    /// Whom it goes to, unless it turns out to be a duplicate.
    pub routing: Routing,
}

/// Reads the outbox and turns pointers into deliveries.
#[async_trait::async_trait]
pub trait Outbox {
    /// At most `limit` pointers from `floor` on, in order.
    async fn read_outbox(&self, floor: Floor, limit: u32) -> Result<OutboxPage>;

    /// Removes the pointers and inserts what they were routed to, in one transaction; a pointer that is
    /// gone already changes nothing (another node was faster). An event whose (tenant, type, idempotency
    /// key) belongs to an earlier one within `window` becomes a duplicate of it instead, whatever its content.
    ///
    /// Returns the deliveries that are due now.
    async fn record_routing(&self, events: &[RoutedEvent], window: std::time::Duration) -> Result<Vec<Due>>;

    /// Writes an event and its outbox pointer in a transaction of the store's own: what
    /// `ringback_postgres::emit` does inside the caller's. For hosts without a connection at hand, and tests.
    async fn emit(&self, event: &crate::event::NewEvent) -> Result<EventId>;
}
