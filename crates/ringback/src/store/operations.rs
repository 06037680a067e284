//! What operators ask for: lists, single lookups, replays, the ledger.
//!
//! Lists are newest first by id, and a page reads at most a fixed number of rows: then it returns what it has found, with
//! the place where the next page begins.

use std::time::Duration;

use bytes::Bytes;

use super::{
    Created, Elsewhere, Expected, Outcome, ReplayListFilter, ReplayOf, ReplayOne, ReplayRow, ReplayScope,
    ReplayToCreate, Result,
};
use crate::{
    attempt::Attempt,
    audit::Entry,
    delivery::{DeadReason, HoldReason, LaneId, Marks, Status},
    event::Event,
    id::{DeliveryId, EndpointId, EventId, ReplayId},
    metadata::Metadata,
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
    /// With all of these entries among their metadata.
    pub metadata: Metadata,
    /// Accepted in this time.
    pub accepted: Span,
}

words! {
    /// What became of an event in routing.
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
    /// What became of it in routing.
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

/// The result of reading a payload.
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
    /// Inline to this host (the URL's host), or to one of these endpoints, which are at that host.
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
    /// Its state. A delivered delivery that is being replayed stays `delivered`.
    pub status: Status,
    /// Why it is dead.
    pub reason: Option<DeadReason>,
    /// Attempts made, ever.
    pub attempts: i32,
    /// When it is due, if it is pending, or delivered and being replayed.
    pub due_at: Option<Timestamp>,
    /// A hold of its lane that has not ended, by the database's clock.
    pub hold: Option<(Timestamp, HoldReason)>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was delivered, died or was cancelled.
    pub finished_at: Option<Timestamp>,
    /// Dead letters: the status code of the last attempt.
    pub last_status: Option<u16>,
    /// Dead letters: the error of the last attempt, or what made it unroutable.
    pub last_error: Option<String>,
}

/// Which dead letters to group; all given conditions hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupFilter {
    /// Of this tenant.
    pub tenant: Option<String>,
    /// To this endpoint.
    pub endpoint: Option<EndpointId>,
    /// Of this type.
    pub event_type: Option<String>,
    /// Given up for this reason.
    pub reason: Option<DeadReason>,
    /// Died in this time.
    pub died: Span,
}

/// Dead letters that have destination, type, cause and last answer in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadGroup {
    /// Where they were to go. All of a lane are of one tenant.
    pub lane: LaneId,
    /// The endpoint; `None` if inline.
    pub endpoint: Option<EndpointId>,
    /// The tenant of their events.
    pub tenant: String,
    /// The type of their events.
    pub event_type: String,
    /// Why they were given up.
    pub reason: DeadReason,
    /// The status code of their last attempts.
    pub last_status: Option<u16>,
    /// The error of their last attempts, or what made them unroutable.
    pub last_error: Option<String>,
    /// How many there are.
    pub count: u64,
    /// When the first of them died.
    pub first_died_at: Timestamp,
    /// When the last of them died.
    pub last_died_at: Timestamp,
    /// The last of them that died.
    pub example: DeliveryId,
}

/// Groups of dead letters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeadGroups {
    /// Newest death first.
    pub items: Vec<DeadGroup>,
    /// How many more groups there are.
    pub more: u64,
}

/// Events that were accepted, by what became of them. `accepted = unrouted + duplicate + unmatched + routed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct LedgerEvents {
    /// Stored events, counted in `event`.
    pub accepted: i64,
    /// Events in the outbox.
    pub unrouted: i64,
    /// Events that routing folded into earlier ones.
    pub duplicate: i64,
    /// Events that no endpoint wanted.
    pub unmatched: i64,
    /// Events with deliveries, counted by their first deliveries, in whichever table those are.
    pub routed: i64,
}

/// Deliveries, by what became of them. `owed = pending + delivered + dead + cancelled`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct LedgerDeliveries {
    /// All deliveries ever created.
    pub owed: i64,
    /// In `delivery`, without replays of delivered ones.
    pub pending: i64,
    /// In `finished` as delivered.
    pub delivered: i64,
    /// In `dead_letter`.
    pub dead: i64,
    /// In `finished` as cancelled.
    pub cancelled: i64,
}

/// The conservation ledger: all counts are of one snapshot, so none can be missing in the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Ledger {
    /// Events.
    pub events: LedgerEvents,
    /// Deliveries.
    pub deliveries: LedgerDeliveries,
}

/// How much waits, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Pending deliveries, without replays of delivered ones.
    pub pending: u32,
    /// Dead letters.
    pub dead: u32,
}

/// How many events were accepted since a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ingest {
    /// How many.
    pub count: u32,
    /// From here on, up to now.
    pub since: Timestamp,
}

/// So many due deliveries of each shard are looked at first by [`Operations::oldest_due_outside`]: enough to see past a few
/// held ones, and 64 shards together stay a few thousand rows.
pub const UNHELD_ROWS_OF_SHARD: u32 = 64;

/// Most lanes that [`Operations::oldest_due_outside`] looks at, where held ones stand before all others: some tens of
/// milliseconds of a database's time.
pub const UNHELD_LANES: u32 = 5_000;

/// So many due deliveries of a lane are looked at then: the first ones may wait for others of their ordering keys.
pub const UNHELD_ROWS_OF_LANE: u32 = 16;

/// The questions and repairs of operators.
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

    /// Keys of events that stand beside `text` in the order of the database: at most `most` before it and at most `most`
    /// from it on, each once, in that order. Looks at a bounded number of events, so that of one tenant there may be more.
    async fn keys_near(&self, tenant: Option<&str>, text: &str, most: u32) -> Result<Vec<String>>;

    /// The events that hold this idempotency key now, under whatever type: the newest first, at most `most`. A key is held for
    /// `window` ([`super::rules::idempotency::holders_now`]). Without a tenant it is looked for under a bounded number of
    /// pairs of tenant and type ([`super::rules::idempotency::NAMES_MAX`]).
    async fn key_holders(&self, tenant: Option<&str>, key: &str, window: Duration, most: u32) -> Result<Vec<EventId>>;

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

    /// What became of the events with each of these keys, in their order ([`super::rules::gaps`]). The statements are as many,
    /// however many keys there are; each key costs a look into an index.
    async fn outcomes_of_keys(&self, keys: &[String], expected: &Expected) -> Result<Vec<Outcome>>;

    /// Dead letters, newest death first; the next page begins before (`died_at`, id).
    async fn list_dead_letters(
        &self,
        filter: &DeliveryFilter,
        before: Option<(Timestamp, DeliveryId)>,
        limit: u32,
    ) -> Result<Page<DeliveryRow, (Timestamp, DeliveryId)>>;

    /// All dead letters that match, grouped by destination, type, cause and last answer: the `most` groups with the newest
    /// deaths. Counts are exact. Reads every dead letter of the given time.
    async fn group_dead_letters(&self, filter: &GroupFilter, most: u32) -> Result<DeadGroups>;

    /// Moves a dead letter to cancelled. False if there is none.
    async fn discard_dead_letter(&self, id: DeliveryId, record: &Entry) -> Result<bool>;

    /// Puts one delivery back into its lane, due now, under the same id, with a refilled budget; a change
    /// tells its lane's owner. [`super::rules::standing`] decides, in the same transaction.
    async fn replay_one(&self, id: DeliveryId, of: ReplayOf, record: &Entry) -> Result<ReplayOne>;

    /// The same for an inline delivery, which goes to another URL from then on: where it is put back, its event gets the
    /// destination and it gets the lane, in the same transaction.
    async fn replay_elsewhere(&self, id: DeliveryId, of: ReplayOf, to: &Elsewhere, record: &Entry)
    -> Result<ReplayOne>;

    /// Fixes the set that the filter finds now. A dry run only counts it and does not write `record`. If the request is to
    /// be carried out once and was before, nothing is created.
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
    /// [`Operations::replay_one`], if it still fits `scope`: the replay's own filter, by the present configuration. A
    /// missing delivery is created, due now. Completes the replay when none remains. Returns how many it looked at.
    async fn release_replayed(&self, id: ReplayId, scope: &ReplayScope, count: u32) -> Result<u32>;

    /// The ledger of one tenant or of all. `accepted` selects by the time when the event was accepted, also for deliveries;
    /// what retention has dropped is counted by whole UTC days.
    async fn ledger(&self, tenant: Option<&str>, accepted: Span) -> Result<Ledger>;

    /// How many deliveries wait, and how many dead letters there are. Cheap enough to be asked every few seconds, since
    /// counting stops at `counted_max`.
    async fn backlog(&self, counted_max: u32) -> Result<Backlog>;

    /// For how long the oldest due delivery has been due, whatever it waits for: a hold, a pause, an earlier delivery of
    /// its ordering key. `None` if none is due. As cheap as [`Operations::backlog`].
    async fn oldest_due(&self) -> Result<Option<Duration>>;

    /// How many events of one tenant, or of all, were accepted since a moment. Looks at the newest `looked_at_max` events alone:
    /// if there are more, it tells since when it has counted ([`super::rules::ingest`]).
    async fn accepted_since(&self, tenant: Option<&str>, since: Timestamp, looked_at_max: u32) -> Result<Ingest>;

    /// For how long the oldest due delivery has been due of those that nothing keeps from being sent: its lane is none of
    /// `held`, and no earlier delivery of its ordering key keeps it back. `None` if there is none.
    ///
    /// Bounded, however much waits: it looks at the first [`UNHELD_ROWS_OF_SHARD`] due deliveries of each shard. Where all
    /// of those are kept back, it looks at the first [`UNHELD_ROWS_OF_LANE`] due ones of each lane, in at most
    /// [`UNHELD_LANES`] lanes. With more lanes than that the answer may be younger than the truth.
    async fn oldest_due_outside(&self, held: &[LaneId]) -> Result<Option<Duration>>;

    /// How many pending deliveries these lanes have, replays of delivered ones aside. Counting stops at `counted_max`.
    async fn count_pending_in(&self, lanes: &[LaneId], counted_max: u32) -> Result<u32>;
}
