//! Storing events that were emitted through the engine itself: by HTTP or the CLI.

use bytes::Bytes;

use super::{DoneBefore, Once, Result};
use crate::{
    audit::Entry,
    delivery::{Due, NewDelivery},
    id::EventId,
    metadata::Metadata,
    schedule::Schedule,
    time::Timestamp,
    trace::TraceContext,
};

/// An event, with all that is decided before the database is asked.
#[derive(Debug, Clone)]
pub struct EventToAccept {
    /// Its id.
    pub id: EventId,
    /// The tenant that owns it.
    pub tenant: String,
    /// What happened.
    pub event_type: String,
    /// The platform's own id for what the event is about.
    pub key: Option<String>,
    /// Events with the same ordering key are delivered in order.
    pub ordering_key: Option<String>,
    /// Makes a second emit with the same key the same event.
    pub idempotency_key: Option<String>,
    /// SHA-256 over payload, key, ordering key, endpoint keys, destination, schedule and metadata.
    pub content: [u8; 32],
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Only to endpoints with these keys.
    pub endpoint_keys: Option<Vec<String>>,
    /// Only to this destination: the JSON text of [`crate::endpoint::KeptDestination`].
    pub destination: Option<String>,
    /// Where it stands in the platform's trace; stores keep its text.
    pub trace: Option<Box<TraceContext>>,
    /// When it may be sent.
    pub schedule: Schedule,
    /// What it is told apart by; stores keep its text.
    pub metadata: Option<Box<Metadata>>,
    /// Whether it was created by "send a test event".
    pub test: bool,
    /// The bytes to sign and send.
    pub payload: Bytes,
    /// The deliveries that it gets.
    pub routing: Routing,
}

/// The result of routing an event, and the version of the configuration that decided it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routing {
    /// The configuration version.
    pub config_version: i64,
    /// The result.
    pub verdict: Verdict,
}

/// The deliveries that routing gave an event, or why it got none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// These deliveries; at least one.
    Deliveries(Vec<NewDelivery>),
    /// No endpoint wants it.
    Unmatched,
    /// Its inline destination cannot be used: one dead letter, reason `unroutable`, without an attempt.
    Unroutable {
        /// The one delivery that is dead at once.
        delivery: NewDelivery,
        /// What is wrong with the destination, for `last_error`.
        detail: String,
    },
}

/// Events that are stored together or not at all: one request.
#[derive(Debug, Clone)]
pub struct Group {
    /// In the request's order. No two share (tenant, type, idempotency key): the caller folds them first.
    pub events: Vec<EventToAccept>,
    /// For the audit log, written if anything of the group is stored. Only of tests.
    pub record: Option<Entry>,
    /// The key under which the request is carried out once. Only of tests: their events have no idempotency keys, or one of
    /// both keys would have to be released when the other refuses the group.
    pub once: Option<Once>,
}

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// Stored; these of its deliveries are due now, in order of their numbers.
    New(Vec<Due>),
    /// The same content came before, as this event; nothing was stored.
    Duplicate(EventId),
    /// Other content came before under the same idempotency key, as this event.
    Conflict(EventId),
    /// The group's request was carried out before, and created this.
    Before(DoneBefore),
}

impl Accepted {
    /// Whether this keeps the event's whole group from being stored.
    #[must_use]
    pub const fn refuses_group(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::Before(_))
    }
}

/// What became of a group: one entry for each of its events. If any is an [`Accepted::Conflict`] or [`Accepted::Before`],
/// nothing of the group was stored; the other entries then say what would have become of their events, without deliveries.
pub type Acceptance = Vec<Accepted>;

/// Stores events with their deliveries.
#[async_trait::async_trait]
pub trait Intake {
    /// The configuration version that is committed now.
    async fn config_version(&self) -> Result<i64>;

    /// Stores all groups in one transaction, events and deliveries together, without the outbox.
    ///
    /// An idempotency key counts for `window` from the event that first had it; a later event takes the key over.
    /// No two groups share (tenant, type, idempotency key). Rows with unique keys are locked in one global order, so that
    /// two nodes cannot deadlock.
    async fn accept(&self, groups: &[Group], window: std::time::Duration) -> Result<Vec<Acceptance>>;
}
