//! What the admin API and the CLI ask for: lists, single lookups, replays, the ledger.

mod attempts;
mod dead_letters;
mod deliveries;
mod events;
mod figures;
mod gaps;
mod groups;
mod ledger;
mod missing;
mod release;
mod replays;
mod scan;

pub(crate) use self::scan::ids;

use std::time::Duration;

use ringback::{
    attempt::Attempt,
    audit::Entry,
    delivery::LaneId,
    id::{DeliveryId, EventId, ReplayId},
    store::{
        Backlog, Created, DeadGroups, DeliveryFilter, DeliveryRow, Elsewhere, EventFilter, EventRow, Expected,
        GroupFilter, Ingest, Ledger, Operations, Outcome, Page, PayloadRead, ReplayListFilter, ReplayOf, ReplayOne,
        ReplayRow, ReplayScope, ReplayToCreate, Result, Span,
    },
    time::Timestamp,
};

use crate::Postgres;

#[async_trait::async_trait]
impl Operations for Postgres {
    async fn check_ready(&self) -> Result<()> {
        self.check_schema().await
    }

    async fn list_events(
        &self,
        filter: &EventFilter,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Page<EventRow, EventId>> {
        events::list(self, filter, before, limit).await
    }

    async fn keys_near(&self, tenant: Option<&str>, text: &str, most: u32) -> Result<Vec<String>> {
        events::keys_near(self, tenant, text, most).await
    }

    async fn key_holders(&self, tenant: Option<&str>, key: &str, window: Duration, most: u32) -> Result<Vec<EventId>> {
        events::key_holders(self, tenant, key, window, most).await
    }

    async fn event(&self, id: EventId) -> Result<Option<EventRow>> {
        events::find(self, id).await
    }

    async fn payload(&self, id: EventId) -> Result<PayloadRead> {
        events::payload(self, id).await
    }

    async fn list_deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Page<DeliveryRow, DeliveryId>> {
        deliveries::list(self, filter, before, limit).await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryRow>> {
        deliveries::find(self, id).await
    }

    async fn attempts(&self, id: DeliveryId) -> Result<Vec<Attempt>> {
        attempts::read(self, id).await
    }

    async fn outcomes_of_keys(&self, keys: &[String], expected: &Expected) -> Result<Vec<Outcome>> {
        gaps::outcomes(self, keys, expected).await
    }

    async fn list_dead_letters(
        &self,
        filter: &DeliveryFilter,
        before: Option<(Timestamp, DeliveryId)>,
        limit: u32,
    ) -> Result<Page<DeliveryRow, (Timestamp, DeliveryId)>> {
        dead_letters::list(self, filter, before, limit).await
    }

    async fn group_dead_letters(&self, filter: &GroupFilter, most: u32) -> Result<DeadGroups> {
        groups::read(self, filter, most).await
    }

    async fn discard_dead_letter(&self, id: DeliveryId, record: &Entry) -> Result<bool> {
        dead_letters::discard(self, id, record).await
    }

    async fn replay_one(&self, id: DeliveryId, of: ReplayOf, record: &Entry) -> Result<ReplayOne> {
        release::one(self, id, of, None, record).await
    }

    async fn replay_elsewhere(
        &self,
        id: DeliveryId,
        of: ReplayOf,
        to: &Elsewhere,
        record: &Entry,
    ) -> Result<ReplayOne> {
        release::one(self, id, of, Some(to), record).await
    }

    async fn create_replay(&self, replay: &ReplayToCreate, record: &Entry) -> Result<Created> {
        replays::create(self, replay, record).await
    }

    async fn replay(&self, id: ReplayId) -> Result<Option<ReplayRow>> {
        replays::find(self, id).await
    }

    async fn list_replays(
        &self,
        filter: &ReplayListFilter<'_>,
        before: Option<ReplayId>,
        limit: u32,
    ) -> Result<Page<ReplayRow, ReplayId>> {
        replays::list(self, filter, before, limit).await
    }

    async fn cancel_replay(&self, id: ReplayId, record: &Entry) -> Result<Option<ReplayRow>> {
        replays::cancel(self, id, record).await
    }

    async fn running_replays(&self) -> Result<Vec<ReplayId>> {
        replays::running(self).await
    }

    async fn release_replayed(&self, id: ReplayId, scope: &ReplayScope, count: u32) -> Result<u32> {
        replays::release(self, id, scope, count).await
    }

    async fn ledger(&self, tenant: Option<&str>, accepted: Span) -> Result<Ledger> {
        ledger::count(self, tenant, accepted).await
    }

    async fn backlog(&self, counted_max: u32) -> Result<Backlog> {
        figures::backlog(self, counted_max).await
    }

    async fn oldest_due(&self) -> Result<Option<Duration>> {
        figures::oldest_due(self).await
    }

    async fn accepted_since(&self, tenant: Option<&str>, since: Timestamp, looked_at_max: u32) -> Result<Ingest> {
        figures::accepted_since(self, tenant, since, looked_at_max).await
    }

    async fn oldest_due_outside(&self, held: &[LaneId]) -> Result<Option<Duration>> {
        figures::oldest_due_outside(self, held).await
    }

    async fn count_pending_in(&self, lanes: &[LaneId], counted_max: u32) -> Result<u32> {
        figures::count_pending_in(self, lanes, counted_max).await
    }
}
