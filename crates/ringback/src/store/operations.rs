//! What operators ask: lists, single lookups, replays, the ledger.
//!
//! Lists are newest first by id and bounded: a page reads at most a fixed number of rows and then gives what it
//! has with a place to go on from.

use bytes::Bytes;

use super::{Created, ReplayListFilter, ReplayOf, ReplayOne, ReplayRow, ReplayScope, ReplayToCreate, Result};
use crate::{
    attempt::{Attempt, Conclusion},
    audit::Entry,
    delivery::{DeadReason, HoldReason, LaneId, Marks, Status},
    event::Event,
    id::{DeliveryId, EndpointId, EventId, ReplayId},
    time::Timestamp,
    word::words,
};

/// A half-open stretch of time: `since <= t < until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Span {
    /// From here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Page<T, C> {
    /// Newest first.
    pub items: Vec<T>,
    /// Where the next page begins: strictly before this; `None` at the end.
    pub next: Option<C>,
}

/// Which events to list; all given conditions hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// Of this tenant.
    pub tenant: Option<String>,
    /// Of this type.
    pub event_type: Option<String>,
    /// With this key.
    pub key: Option<String>,
    /// Accepted in this time.
    pub accepted: Span,
}

words! {
    /// What routing made of an event.
    EventState {
        Unrouted "unrouted": "it is still in the outbox",
        Duplicate "duplicate": "it was folded into an earlier one",
        Unmatched "unmatched": "no endpoint wanted it",
        Routed "routed": "it has deliveries, or had some that retention removed",
    }
}

/// An event as listed.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// The event.
    pub event: Event,
    /// What routing made of it.
    pub state: EventState,
    /// The earlier event, for a duplicate.
    pub duplicate_of: Option<EventId>,
    /// Size of the payload as accepted.
    pub payload_bytes: i64,
    /// When its payload was expunged.
    pub expunged_at: Option<Timestamp>,
    /// The configuration version it was routed with; `None` while unrouted.
    pub config_version: Option<i64>,
}

/// What reading a payload came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayloadRead {
    /// The exact bytes.
    Bytes(Bytes),
    /// Expunged on request.
    Expunged,
    /// Removed by retention.
    Expired,
    /// There is no such event.
    Absent,
}

/// Which deliveries, or dead letters, to list; all given conditions hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeliveryFilter {
    /// Of this tenant.
    pub tenant: Option<String>,
    /// To this endpoint.
    pub endpoint: Option<EndpointId>,
    /// Of this event.
    pub event: Option<EventId>,
    /// Of this type.
    pub event_type: Option<String>,
    /// Of events with this key.
    pub key: Option<String>,
    /// To one of these endpoints, or inline to this host: the URL's host.
    pub host: Option<(String, Vec<EndpointId>)>,
    /// In this state.
    pub status: Option<Status>,
    /// Given up for this reason.
    pub reason: Option<DeadReason>,
    /// Created in this time (deliveries), or died in this time (dead letters).
    pub span: Span,
}

/// A delivery as listed.
#[derive(Debug, Clone)]
pub struct DeliveryRow {
    /// Its id.
    pub id: DeliveryId,
    /// Its endpoint; `None` if inline.
    pub endpoint: Option<EndpointId>,
    /// Its lane.
    pub lane: LaneId,
    /// Its event, without the payload.
    pub event: Event,
    /// Why it exists.
    pub marks: Marks,
    /// What has become of it. With a replay of a delivered one under way it stays `delivered`.
    pub status: Status,
    /// Why it is dead.
    pub reason: Option<DeadReason>,
    /// Attempts made, ever.
    pub attempts: i32,
    /// When it is due (pending, or a replay of a delivered one under way).
    pub due_at: Option<Timestamp>,
    /// A hold of its lane that has not ended, by the database's clock.
    pub hold: Option<(Timestamp, HoldReason)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was delivered, died or was cancelled.
    pub finished_at: Option<Timestamp>,
    /// Dead letters: the status code of the last attempt.
    pub last_status: Option<u16>,
    /// Dead letters: the error of the last attempt, or what made it unroutable.
    pub last_error: Option<String>,
}

/// What was accepted and what became of it. `accepted = unrouted + duplicate + unmatched + routed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct LedgerEvents {
    /// Stored events, counted in `event`.
    pub accepted: i64,
    /// Counted in the outbox.
    pub unrouted: i64,
    /// Folded by routing.
    pub duplicate: i64,
    /// Wanted by nobody.
    pub unmatched: i64,
    /// Counted by their first deliveries, wherever those are.
    pub routed: i64,
}

/// What is owed and what became of it. `owed = pending + delivered + dead + cancelled`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct LedgerDeliveries {
    /// All deliveries ever made.
    pub owed: i64,
    /// In `delivery` (replays of delivered ones aside).
    pub pending: i64,
    /// In `finished` as delivered.
    pub delivered: i64,
    /// In `dead_letter`.
    pub dead: i64,
    /// In `finished` as cancelled.
    pub cancelled: i64,
}

/// The conservation ledger: every count of one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Ledger {
    /// Events.
    pub events: LedgerEvents,
    /// Deliveries.
    pub deliveries: LedgerDeliveries,
}

/// What waits, of one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Deliveries that are owed, replays of delivered ones aside.
    pub pending: u32,
    /// Dead letters.
    pub dead: u32,
}

/// How one attempt ended, for statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecentAttempt {
    /// Delivered or failed.
    pub conclusion: Conclusion,
    /// How long it took.
    pub duration: std::time::Duration,
}

/// Looks things up and puts them right.
#[async_trait::async_trait]
pub trait Operations {
    /// Whether the database answers and has the schema that this program needs.
    async fn check_ready(&self) -> Result<()>;

    /// Events, newest first.
    async fn list_events(
        &self,
        filter: &EventFilter,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Page<EventRow, EventId>>;

    /// One event.
    async fn event(&self, id: EventId) -> Result<Option<EventRow>>;

    /// One event's payload.
    async fn payload(&self, id: EventId) -> Result<PayloadRead>;

    /// Deliveries, newest first.
    async fn list_deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Page<DeliveryRow, DeliveryId>>;

    /// One delivery.
    async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryRow>>;

    /// A delivery's attempts in order of (number, at).
    async fn attempts(&self, id: DeliveryId) -> Result<Vec<Attempt>>;

    /// Dead letters, newest death first; the place to go on from is (`died_at`, id).
    async fn list_dead_letters(
        &self,
        filter: &DeliveryFilter,
        before: Option<(Timestamp, DeliveryId)>,
        limit: u32,
    ) -> Result<Page<DeliveryRow, (Timestamp, DeliveryId)>>;

    /// Moves a dead letter to cancelled. False if there is none.
    async fn discard_dead_letter(&self, id: DeliveryId, record: &Entry) -> Result<bool>;

    /// Puts one delivery back into its lane, due now, under the same id, with a refilled budget; a change
    /// tells its lane's owner. [`super::rules::standing`] decides, in the same transaction.
    async fn replay_one(&self, id: DeliveryId, of: ReplayOf, record: &Entry) -> Result<ReplayOne>;

    /// Fixes the set that the filter finds now, or only counts it, and then `record` is not written. Where its request is
    /// to be carried out once and was before, nothing is made.
    async fn create_replay(&self, replay: &ReplayToCreate, record: &Entry) -> Result<Created>;

    /// One replay with its counts.
    async fn replay(&self, id: ReplayId) -> Result<Option<ReplayRow>>;

    /// Replays, newest first.
    async fn list_replays(
        &self,
        filter: &ReplayListFilter<'_>,
        before: Option<ReplayId>,
        limit: u32,
    ) -> Result<Page<ReplayRow, ReplayId>>;

    /// Cancels a running replay; `None` if there is no such replay, unchanged if it had ended.
    async fn cancel_replay(&self, id: ReplayId, record: &Entry) -> Result<Option<ReplayRow>>;

    /// Replays that are running, oldest first.
    async fn running_replays(&self) -> Result<Vec<ReplayId>>;

    /// Releases up to `count` further deliveries of a running replay, in order of their events, each like
    /// [`Operations::replay_one`], if it still fits `scope`: the replay's own filter, by the present configuration. Of
    /// missing ones the delivery is made, due now. Completes the replay when none remains. Returns how many it looked
    /// at.
    async fn release_replayed(&self, id: ReplayId, scope: &ReplayScope, count: u32) -> Result<u32>;

    /// The ledger of one tenant or of all. `accepted` goes by the event's time, for deliveries too; what
    /// retention has dropped is counted by whole UTC days.
    async fn ledger(&self, tenant: Option<&str>, accepted: Span) -> Result<Ledger>;

    /// What waits and what was given up. Cheap enough to be asked every few seconds however much it is: counting
    /// stops at `counted_max`.
    async fn backlog(&self, counted_max: u32) -> Result<Backlog>;

    /// How long the delivery that has been due for longest has been, whatever keeps it back: a hold, a pause, an earlier
    /// one of its ordering key. `None` if none is due. As cheap as [`Operations::backlog`].
    async fn oldest_due(&self) -> Result<Option<std::time::Duration>>;

    /// An endpoint's attempts since a moment, newest first, stale ones left out: at most `most`, looked for at the
    /// newest `most` of its deliveries that are finished, of those that are dead, and of those that are pending.
    async fn recent_attempts(&self, endpoint: EndpointId, since: Timestamp, most: u32) -> Result<Vec<RecentAttempt>>;
}
