//! Accepting events that come through the engine itself: HTTP, and the CLI.

use bytes::Bytes;

use super::{DoneBefore, Once, Result};
use crate::{
    audit::Entry,
    delivery::{Due, NewDelivery},
    id::EventId,
    time::Timestamp,
};

/// An event with everything decided that is decided before the database is asked.
#[derive(Debug, Clone)]
pub struct EventToAccept {
    /// Its id.
    pub id: EventId,
    /// Whose it is.
    pub tenant: String,
    /// What happened.
    pub event_type: String,
    /// The platform's own id for the thing.
    pub key: Option<String>,
    /// What it must be in order with.
    pub ordering_key: Option<String>,
    /// What makes a second emission the same event.
    pub idempotency_key: Option<String>,
    /// SHA-256 over payload, key, ordering key, endpoint keys and destination.
    pub content: [u8; 32],
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Only to endpoints with these keys.
    pub endpoint_keys: Option<Vec<String>>,
    /// Only to this destination: the JSON text of [`crate::endpoint::KeptDestination`].
    pub destination: Option<String>,
    /// Whether it was made by "send a test event".
    pub test: bool,
    /// The bytes to sign and send.
    pub payload: Bytes,
    /// Whom it goes to.
    pub routing: Routing,
}

/// Whom an event goes to, and by which version of the configuration that was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routing {
    /// The configuration version.
    pub config_version: i64,
    /// What came of it.
    pub verdict: Verdict,
}

/// What routing an event came to.
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
    /// What someone asked for by it, written if anything of the group is stored: a test.
    pub record: Option<Entry>,
    /// The key under which the request is carried out once: a test. Its events then have no idempotency keys: what is taken
    /// under one of both kinds would have to be given back where the other refuses.
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
    /// The group's request was carried out before, and made this.
    Before(DoneBefore),
}

impl Accepted {
    /// Whether nothing of the event's group is stored because of it.
    #[must_use]
    pub const fn refuses_group(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::Before(_))
    }
}

/// What became of a group: one entry for each of its events. If any is a [`Accepted::Conflict`] or [`Accepted::Before`],
/// nothing of the group was stored (its other entries then say what they would have been, with no deliveries).
pub type Acceptance = Vec<Accepted>;

/// Stores events with their deliveries.
#[async_trait::async_trait]
pub trait Intake {
    /// The configuration version that is committed now.
    async fn config_version(&self) -> Result<i64>;

    /// Stores all groups in one transaction, events and deliveries together, without the outbox.
    ///
    /// An idempotency key counts for `window` from the event that first brought it; an older one is taken over.
    /// No two groups share (tenant, type, idempotency key). Rows that unique keys could contend for are
    /// touched in one global order, so that two nodes cannot deadlock.
    async fn accept(&self, groups: &[Group], window: std::time::Duration) -> Result<Vec<Acceptance>>;
}
