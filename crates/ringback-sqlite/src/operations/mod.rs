//! What operators ask and put right.

mod attempts;
mod cancel;
mod dead_letters;
mod deliveries;
mod events;
mod figures;
mod ledger;
mod release;
mod replays;
mod scan;

use ringback::{
    attempt::Attempt,
    audit::Record,
    id::{DeliveryId, EndpointId, EventId, ReplayId},
    store::{
        Backlog, DeliveryFilter, DeliveryRow, EventFilter, EventRow, Ledger, Operations, Page, PayloadRead,
        RecentAttempt, ReplayOne, ReplayRow, ReplayToCreate, Result, Span,
    },
    time::Timestamp,
};

use crate::{Sqlite, error::store_error};

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
        events::list(&mut snapshot, filter, before, limit).await.map_err(store_error)
    }

    async fn event(&self, id: EventId) -> Result<Option<EventRow>> {
        let mut snapshot = self.snapshot().await?;
        events::one(&mut snapshot, id).await.map_err(store_error)
    }

    async fn payload(&self, id: EventId) -> Result<PayloadRead> {
        let mut snapshot = self.snapshot().await?;
        events::payload(&mut snapshot, id).await.map_err(store_error)
    }

    async fn expunge(&self, id: EventId, record: &Record) -> Result<bool> {
        let record = record.clone();
        self.apply(move |tx| Box::pin(cancel::expunge(tx, id, record))).await
    }

    async fn list_deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Page<DeliveryRow, DeliveryId>> {
        let mut snapshot = self.snapshot().await?;
        deliveries::list(&mut snapshot, filter, before, limit).await.map_err(store_error)
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryRow>> {
        let mut snapshot = self.snapshot().await?;
        deliveries::one(&mut snapshot, id).await.map_err(store_error)
    }

    async fn attempts(&self, id: DeliveryId) -> Result<Vec<Attempt>> {
        let mut snapshot = self.snapshot().await?;
        attempts::of(&mut snapshot, id).await.map_err(store_error)
    }

    async fn list_dead_letters(
        &self,
        filter: &DeliveryFilter,
        before: Option<(Timestamp, DeliveryId)>,
        limit: u32,
    ) -> Result<Page<DeliveryRow, (Timestamp, DeliveryId)>> {
        let mut snapshot = self.snapshot().await?;
        dead_letters::list(&mut snapshot, filter, before, limit).await.map_err(store_error)
    }

    async fn discard_dead_letter(&self, id: DeliveryId, record: &Record) -> Result<bool> {
        let record = record.clone();
        self.apply(move |tx| Box::pin(cancel::discard(tx, id, record))).await
    }

    async fn replay_one(&self, id: DeliveryId, record: &Record) -> Result<ReplayOne> {
        let record = record.clone();
        self.apply(move |tx| Box::pin(release::one(tx, id, record))).await
    }

    async fn create_replay(&self, replay: &ReplayToCreate, record: &Record) -> Result<ReplayRow> {
        let found = {
            let mut snapshot = self.snapshot().await?;
            replays::find(&mut snapshot, &replay.filter).await.map_err(store_error)?
        };
        if replay.dry_run {
            return Ok(replays::preview(replay, &found));
        }
        let (replay, record) = (replay.clone(), record.clone());
        self.apply(move |tx| Box::pin(async move { replays::create(tx, &replay, &found, &record).await })).await
    }

    async fn replay(&self, id: ReplayId) -> Result<Option<ReplayRow>> {
        let mut snapshot = self.snapshot().await?;
        replays::read(&mut snapshot, id).await.map_err(store_error)
    }

    async fn cancel_replay(&self, id: ReplayId, record: &Record) -> Result<Option<ReplayRow>> {
        let record = record.clone();
        self.apply(move |tx| Box::pin(replays::cancel(tx, id, record))).await
    }

    async fn running_replays(&self) -> Result<Vec<ReplayRow>> {
        let mut snapshot = self.snapshot().await?;
        replays::running(&mut snapshot).await.map_err(store_error)
    }

    async fn release_replayed(&self, id: ReplayId, count: u32) -> Result<u32> {
        self.apply(move |tx| Box::pin(release::next(tx, id, count))).await
    }

    async fn ledger(&self, tenant: Option<&str>, accepted: Span) -> Result<Ledger> {
        let mut snapshot = self.snapshot().await?;
        ledger::count(&mut snapshot, tenant, accepted).await.map_err(store_error)
    }

    async fn backlog(&self, counted_max: u32) -> Result<Backlog> {
        let mut snapshot = self.snapshot().await?;
        figures::backlog(&mut snapshot, counted_max).await.map_err(store_error)
    }

    async fn oldest_due(&self) -> Result<Option<std::time::Duration>> {
        let mut snapshot = self.snapshot().await?;
        figures::oldest_due(&mut snapshot).await.map_err(store_error)
    }

    async fn recent_attempts(&self, endpoint: EndpointId, since: Timestamp, most: u32) -> Result<Vec<RecentAttempt>> {
        let mut snapshot = self.snapshot().await?;
        figures::recent_attempts(&mut snapshot, endpoint, since, most).await.map_err(store_error)
    }
}
