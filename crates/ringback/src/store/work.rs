//! Feeding lanes with due deliveries, and recording outcomes.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{NodeId, Result};
use crate::{
    attempt::Attempt,
    delivery::{DeadReason, Due, HoldReason, LaneId, Shard},
    event::Event,
    id::{DeliveryId, EndpointId, EventId},
    time::Timestamp,
};

/// How far a shard, or a lane, has been read: rows sort by (`due_at`, `id`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The `due_at` of the last row that was read.
    pub due_at: Timestamp,
    /// The id of the last row that was read.
    pub id: DeliveryId,
}

impl Cursor {
    /// Before everything.
    pub const START: Self =
        Self { due_at: Timestamp::from_micros(i64::MIN), id: DeliveryId::from_uuid(uuid::Uuid::nil()) };

    /// A cursor before a delivery, so that reading on from it finds the delivery.
    #[must_use]
    pub const fn before(due: &Due) -> Self {
        Self::through(Timestamp::from_micros(due.due_at.micros().saturating_sub(1)))
    }

    /// A cursor after all rows that were due at or before `time`.
    #[must_use]
    pub const fn through(time: Timestamp) -> Self {
        Self { due_at: time, id: DeliveryId::from_uuid(uuid::Uuid::max()) }
    }

    /// A cursor after a delivery.
    #[must_use]
    pub const fn at(due: &Due) -> Self {
        Self { due_at: due.due_at, id: due.id }
    }
}

/// What a feed read found.
#[derive(Debug, Clone)]
pub struct FeedPage {
    /// The database's clock when it was read.
    pub now: Timestamp,
    /// Due rows, in order of (shard, `due_at`, `id`).
    pub rows: Vec<Due>,
}

/// A lane that has pending deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingLane {
    /// The lane.
    pub lane: LaneId,
    /// Its endpoint; `None` for one of inline destinations.
    pub endpoint: Option<EndpointId>,
    /// When its first delivery is due, or was.
    pub due_at: Timestamp,
}

/// An event, as sending needs it.
#[derive(Debug, Clone)]
pub struct LoadedEvent {
    /// Everything but the payload.
    pub event: Event,
    /// The bytes to sign and send; `None` once expunged.
    pub payload: Option<Bytes>,
}

/// A due delivery, with its event if that is in memory.
pub(crate) type Fresh = (Due, Option<Arc<LoadedEvent>>);

/// What an outcome does to its delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// Moves to `finished`, with the attempt inside; a replay of a delivered one is only removed.
    Delivered,
    /// Due again after this long from now, by the database's clock.
    Retry {
        /// From the moment of recording.
        after: Duration,
    },
    /// Stays due: the lane is held or paused, and the retry schedule does not apply.
    Keep,
    /// Moves to `dead_letter`; a replay of a delivered one is only removed.
    Dead {
        /// Why.
        reason: DeadReason,
        /// The text for `last_error`, if there is no attempt that has one.
        detail: Option<String>,
        /// Whether it blocks later deliveries of its ordering key.
        blocks: bool,
    },
}

/// One outcome to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The delivery.
    pub id: DeliveryId,
    /// Its lane.
    pub lane: LaneId,
    /// The delivery's `attempts` when it was sent. If the row has another number by now, the row does not change, and the
    /// attempt is kept as stale.
    pub fence: i32,
    /// What to do with it.
    pub settlement: Settlement,
    /// What was sent and answered; `None` if nothing was tried (unroutable), and then no attempt is counted.
    pub attempt: Option<Attempt>,
}

/// A lane that may not send before a given time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// The lane.
    pub lane: LaneId,
    /// Until then, by the database's clock.
    pub until: Timestamp,
    /// Why.
    pub reason: HoldReason,
    /// How many times in a row it was held for failing: each doubles the wait.
    pub streak: i32,
}

/// Reads due deliveries and writes outcomes.
#[async_trait::async_trait]
pub trait Work {
    /// For each shard at most `limit` deliveries after its cursor that are due by now.
    ///
    /// A read: it locks and writes nothing. A delivery with an ordering key appears only while it is the
    /// head of its key (smallest unfinished `seq` of (lane, ordering key), no blocking dead letter before it).
    async fn feed(&self, cursors: &[(Shard, Cursor)], limit: u32) -> Result<FeedPage>;

    /// The same for single lanes: rows that the lanes had no room for when [`Work::feed`] read them.
    async fn feed_lanes(&self, lanes: &[(LaneId, Cursor)], limit: u32) -> Result<FeedPage>;

    /// At most `limit` lanes with pending deliveries after `after`, in order. The cost grows with the number of lanes, not
    /// of deliveries.
    async fn pending_lanes(&self, after: Option<LaneId>, limit: u32) -> Result<Vec<PendingLane>>;

    /// The head of each of these ordering keys, if it is due.
    async fn heads(&self, keys: &[(LaneId, Box<str>)]) -> Result<FeedPage>;

    /// The events with these ids, in any order; absent ones are left out.
    async fn load_events(&self, ids: &[EventId]) -> Result<Vec<LoadedEvent>>;

    /// Records up to 512 outcomes in one statement, one commit; returns for each whether it was applied (not stale).
    /// An outcome that was applied before counts as applied: the answer to the first call may have been lost.
    ///
    /// # Errors
    /// [`super::Error::Refused`] when the database refuses a value among them: the caller halves the batch.
    async fn record(&self, outcomes: &[Recorded]) -> Result<Vec<bool>>;

    /// Those of these deliveries that are still pending and have so many attempts as given, so no outcome was recorded
    /// since. The outcomes of all others are committed.
    async fn find_untried(&self, deliveries: &[(DeliveryId, i32)]) -> Result<Vec<DeliveryId>>;

    /// At most `limit` deliveries of these shards that expired before an attempt was recorded, each with its tenant. A
    /// request of one of them may be open: only the node that owns the shard knows.
    async fn find_overdue(&self, shards: &[Shard], limit: u32) -> Result<Vec<(Due, String)>>;

    /// Sets holds, replacing those of the same lanes; one whose `until` is past ends the hold. A lane whose shard is not
    /// `node`'s stays as it is: its owner knows something newer.
    async fn set_holds(&self, node: NodeId, holds: &[Hold]) -> Result<()>;

    /// Holds of these shards' lanes that have not ended.
    async fn load_holds(&self, shards: &[Shard]) -> Result<Vec<Hold>>;
}
