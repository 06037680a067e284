//! The questions and repairs of operators.

mod attempts;
pub(crate) mod cancel;
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
pub(crate) mod scan;

use std::time::Duration;

use ringback::{
    attempt::Attempt,
    audit::Entry,
    delivery::LaneId,
    id::{DeliveryId, EventId, ReplayId},
    store::{
        Backlog, Created, DeadGroups, DeliveryFilter, DeliveryRow, Elsewhere, EventFilter, EventRow, Expected,
        GroupFilter, Ingest, Ledger, Operations, Outcome, Page, PayloadRead, ReplayListFilter, ReplayOf, ReplayOne,
        ReplayRow, ReplayScope, ReplayToCreate, Result, Span, rules::idempotency::holders_now,
    },
    time::Timestamp,
};

use crate::Sqlite;

#[async_trait::async_trait]
impl Operations for Sqlite {
    async fn check_ready(&self) -> Result<()> {
        self.check_schema().await
    }

    async fn list_events(
        &self,
        filter: &EventFilter,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Page<EventRow, EventId>> {
        let mut snapshot = self.snapshot().await?;
        events::list(&mut snapshot, filter, before, limit).await.map_err(|error| self.error(error))
    }

    async fn keys_near(&self, tenant: Option<&str>, text: &str, most: u32) -> Result<Vec<String>> {
        let mut snapshot = self.snapshot().await?;
        events::keys_near(&mut snapshot, tenant, text, most).await.map_err(|error| self.error(error))
    }

    async fn key_holders(&self, tenant: Option<&str>, key: &str, window: Duration, most: u32) -> Result<Vec<EventId>> {
        let mut snapshot = self.snapshot().await?;
        let took = events::key_takers(&mut snapshot, tenant, key).await.map_err(|error| self.error(error))?;
        Ok(holders_now(took, Timestamp::now(), window, most))
    }

    async fn event(&self, id: EventId) -> Result<Option<EventRow>> {
        let mut snapshot = self.snapshot().await?;
        events::one(&mut snapshot, id).await.map_err(|error| self.error(error))
    }

    async fn payload(&self, id: EventId) -> Result<PayloadRead> {
        let mut snapshot = self.snapshot().await?;
        events::payload(&mut snapshot, id).await.map_err(|error| self.error(error))
    }

    async fn list_deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Page<DeliveryRow, DeliveryId>> {
        let mut snapshot = self.snapshot().await?;
        deliveries::list(&mut snapshot, filter, before, limit).await.map_err(|error| self.error(error))
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryRow>> {
        let mut snapshot = self.snapshot().await?;
        deliveries::one(&mut snapshot, id).await.map_err(|error| self.error(error))
    }

    async fn attempts(&self, id: DeliveryId) -> Result<Vec<Attempt>> {
        let mut snapshot = self.snapshot().await?;
        attempts::of(&mut snapshot, id).await.map_err(|error| self.error(error))
    }

    async fn outcomes_of_keys(&self, keys: &[String], expected: &Expected) -> Result<Vec<Outcome>> {
        let mut snapshot = self.snapshot().await?;
        gaps::outcomes(&mut snapshot, keys, expected).await.map_err(|error| self.error(error))
    }

    async fn list_dead_letters(
        &self,
        filter: &DeliveryFilter,
        before: Option<(Timestamp, DeliveryId)>,
        limit: u32,
    ) -> Result<Page<DeliveryRow, (Timestamp, DeliveryId)>> {
        let mut snapshot = self.snapshot().await?;
        dead_letters::list(&mut snapshot, filter, before, limit).await.map_err(|error| self.error(error))
    }

    async fn group_dead_letters(&self, filter: &GroupFilter, most: u32) -> Result<DeadGroups> {
        let mut snapshot = self.snapshot().await?;
        groups::read(&mut snapshot, filter, most).await.map_err(|error| self.error(error))
    }

    async fn discard_dead_letter(&self, id: DeliveryId, record: &Entry) -> Result<bool> {
        let record = record.clone();
        self.apply(move |tx| Box::pin(cancel::discard(tx, id, record))).await
    }

    async fn replay_one(&self, id: DeliveryId, of: ReplayOf, record: &Entry) -> Result<ReplayOne> {
        let record = record.clone();
        self.apply(move |tx| Box::pin(release::one(tx, id, of, None, record))).await
    }

    async fn replay_elsewhere(
        &self,
        id: DeliveryId,
        of: ReplayOf,
        to: &Elsewhere,
        record: &Entry,
    ) -> Result<ReplayOne> {
        let (to, record) = (Some(to.clone()), record.clone());
        self.apply(move |tx| Box::pin(release::one(tx, id, of, to, record))).await
    }

    async fn create_replay(&self, replay: &ReplayToCreate, record: &Entry) -> Result<Created> {
        let found = {
            let mut snapshot = self.snapshot().await?;
            replays::find(&mut snapshot, &replay.scope).await.map_err(|error| self.error(error))?
        };
        if replay.dry_run {
            return Ok(Created::Replay(Box::new(replays::preview(replay, &found))));
        }
        let (replay, record) = (replay.clone(), record.clone());
        self.apply(move |tx| Box::pin(async move { replays::create(tx, &replay, &found, &record).await })).await
    }

    async fn replay(&self, id: ReplayId) -> Result<Option<ReplayRow>> {
        let mut snapshot = self.snapshot().await?;
        replays::read(&mut snapshot, id).await.map_err(|error| self.error(error))
    }

    async fn list_replays(
        &self,
        filter: &ReplayListFilter<'_>,
        before: Option<ReplayId>,
        limit: u32,
    ) -> Result<Page<ReplayRow, ReplayId>> {
        let mut snapshot = self.snapshot().await?;
        replays::list(&mut snapshot, filter, before, limit).await.map_err(|error| self.error(error))
    }

    async fn cancel_replay(&self, id: ReplayId, record: &Entry) -> Result<Option<ReplayRow>> {
        let record = record.clone();
        self.apply(move |tx| Box::pin(replays::cancel(tx, id, record))).await
    }

    async fn running_replays(&self) -> Result<Vec<ReplayId>> {
        let mut snapshot = self.snapshot().await?;
        replays::running(&mut snapshot).await.map_err(|error| self.error(error))
    }

    async fn release_replayed(&self, id: ReplayId, scope: &ReplayScope, count: u32) -> Result<u32> {
        let scope = scope.clone();
        self.apply(move |tx| Box::pin(async move { release::next(tx, id, &scope, count).await })).await
    }

    async fn ledger(&self, tenant: Option<&str>, accepted: Span) -> Result<Ledger> {
        let mut snapshot = self.snapshot().await?;
        ledger::count(&mut snapshot, tenant, accepted).await.map_err(|error| self.error(error))
    }

    async fn backlog(&self, counted_max: u32) -> Result<Backlog> {
        let mut snapshot = self.snapshot().await?;
        figures::backlog(&mut snapshot, counted_max).await.map_err(|error| self.error(error))
    }

    async fn oldest_due(&self) -> Result<Option<Duration>> {
        let mut snapshot = self.snapshot().await?;
        figures::oldest_due(&mut snapshot).await.map_err(|error| self.error(error))
    }

    async fn accepted_since(&self, tenant: Option<&str>, since: Timestamp, looked_at_max: u32) -> Result<Ingest> {
        let mut snapshot = self.snapshot().await?;
        let counted = figures::accepted_since(&mut snapshot, tenant, since, looked_at_max).await;
        counted.map_err(|error| self.error(error))
    }

    async fn oldest_due_outside(&self, held: &[LaneId]) -> Result<Option<Duration>> {
        let mut snapshot = self.snapshot().await?;
        figures::oldest_due_outside(&mut snapshot, held).await.map_err(|error| self.error(error))
    }

    async fn count_pending_in(&self, lanes: &[LaneId], counted_max: u32) -> Result<u32> {
        let mut snapshot = self.snapshot().await?;
        figures::count_pending_in(&mut snapshot, lanes, counted_max).await.map_err(|error| self.error(error))
    }
}
