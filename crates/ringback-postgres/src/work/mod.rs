//! Feeding lanes with due deliveries, and recording outcomes.

mod feed;
mod holds;
mod record;

pub(crate) use self::record::SETTLEMENTS;
use ringback::{
    delivery::{Due, LaneId, Shard},
    id::{DeliveryId, EventId},
    store::{Cursor, FeedPage, Hold, LoadedEvent, NodeId, PendingLane, Recorded, Result, Work},
};

use crate::{Postgres, error::from_sqlx, rows, sql::prepared};

#[async_trait::async_trait]
impl Work for Postgres {
    async fn feed(&self, cursors: &[(Shard, Cursor)], limit: u32) -> Result<FeedPage> {
        feed::shards(self, cursors, limit).await
    }

    async fn feed_lanes(&self, lanes: &[(LaneId, Cursor)], limit: u32) -> Result<FeedPage> {
        feed::lanes(self, lanes, limit).await
    }

    async fn pending_lanes(&self, after: Option<LaneId>, limit: u32) -> Result<Vec<PendingLane>> {
        feed::pending_lanes(self, after, limit).await
    }

    async fn heads(&self, keys: &[(LaneId, Box<str>)]) -> Result<FeedPage> {
        feed::heads(self, keys).await
    }

    async fn load_events(&self, ids: &[EventId]) -> Result<Vec<LoadedEvent>> {
        let ids: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
        let rows = prepared(&self.sql().load_events)
            .bind(&ids)
            .fetch_all(&mut *self.work().await?)
            .await
            .map_err(from_sqlx)?;
        rows.iter()
            .map(|row| {
                let payload: Option<Vec<u8>> = rows::get(row, "payload")?;
                Ok(LoadedEvent { event: rows::event(row)?, payload: payload.map(Into::into) })
            })
            .collect()
    }

    async fn record(&self, outcomes: &[Recorded]) -> Result<Vec<bool>> {
        record::record(self, outcomes).await
    }

    async fn find_untried(&self, deliveries: &[(DeliveryId, i32)]) -> Result<Vec<DeliveryId>> {
        let (ids, attempts): (Vec<_>, Vec<_>) = deliveries.iter().map(|(id, attempts)| (id.uuid(), *attempts)).unzip();
        let rows = prepared(&self.sql().find_untried)
            .bind(&ids)
            .bind(&attempts)
            .fetch_all(&mut *self.work().await?)
            .await
            .map_err(from_sqlx)?;
        rows.iter().map(|row| Ok(DeliveryId::from_uuid(rows::get(row, "id")?))).collect()
    }

    async fn find_overdue(&self, shards: &[Shard], limit: u32) -> Result<Vec<(Due, String)>> {
        feed::overdue(self, shards, limit).await
    }

    async fn set_holds(&self, node: NodeId, holds: &[Hold]) -> Result<()> {
        holds::set(self, node, holds).await
    }

    async fn load_holds(&self, shards: &[Shard]) -> Result<Vec<Hold>> {
        holds::load(self, shards).await
    }
}
