//! Ownership of shards by lease, the database's clock being the judge.

use std::time::Duration;

use ringback::{
    delivery::{SHARDS, Shard},
    store::{Claimed, Error, LeaseKeeper, Leases, NodeId, OpenRequest, Result, ShardMap},
    time::Timestamp,
};
use sqlx::{Connection as _, PgConnection, SqlStr, postgres::PgConnectOptions};
use uuid::Uuid;

use crate::{Postgres, error::from_sqlx, open::prepare_session, rows, sql::query};

#[async_trait::async_trait]
impl Leases for Postgres {
    async fn register_node(&self, lease: Duration) -> Result<Option<NodeId>> {
        let node = Uuid::now_v7();
        query(&self.sql().register_node)
            .bind(node)
            .bind(rows::micros(lease))
            .execute(&mut *self.desk().await?)
            .await
            .map_err(from_sqlx)?;
        Ok(Some(NodeId(node)))
    }

    async fn lease_keeper(&self) -> Result<Box<dyn LeaseKeeper>> {
        let mut keeper =
            Keeper { options: self.options().clone(), statement: self.sql().renew_lease.clone(), connection: None };
        keeper.connect().await?;
        Ok(Box::new(keeper))
    }

    async fn shard_map(&self) -> Result<ShardMap> {
        let rows = query(&self.sql().read_shard_map).fetch_all(&mut *self.desk().await?).await.map_err(from_sqlx)?;
        let mut map = ShardMap { now: Timestamp::default(), nodes: Vec::new(), owners: [None; SHARDS as usize] };
        for row in &rows {
            map.now = rows::time(row, "now")?;
            let node = rows::get::<Option<Uuid>, _>(row, "node_id")?.map(NodeId);
            match (shard(rows::get(row, "shard")?), node) {
                (Some(shard), owner) => {
                    if let Some(slot) = map.owners.get_mut(usize::from(shard)) {
                        *slot = owner;
                    }
                }
                (None, Some(node)) => map.nodes.push(node),
                (None, None) => {}
            }
        }
        map.nodes.sort_unstable();
        Ok(map)
    }

    async fn claim_shards(&self, node: NodeId, wanted: &[Shard]) -> Result<Vec<Claimed>> {
        let mut transaction = self.begin().await?;
        let wanted: Vec<i16> = wanted.iter().map(|shard| shard.cast_signed()).collect();
        let rows =
            query(&self.sql().lock_shards).bind(&wanted).fetch_all(&mut *transaction).await.map_err(from_sqlx)?;
        let mut owners = vec![node.0];
        for row in &rows {
            owners.extend(rows::get::<Option<Uuid>, _>(row, "node_id")?);
        }
        owners.sort_unstable();
        owners.dedup();
        let running = running_nodes(self, &mut transaction, &owners).await?;
        if !running.contains(&node.0) {
            return Ok(Vec::new());
        }
        let mut claimed = Vec::new();
        for row in &rows {
            let owner: Option<Uuid> = rows::get(row, "node_id")?;
            if owner.is_some_and(|owner| owner != node.0 && running.contains(&owner)) {
                continue;
            }
            if let Some(shard) = shard(rows::get(row, "shard")?) {
                claimed.push(Claimed { shard, open: OpenRequest::from_json(rows::get(row, "open")?)? });
            }
        }
        let taken: Vec<i16> = claimed.iter().map(|claimed| claimed.shard.cast_signed()).collect();
        query(&self.sql().claim_shards)
            .bind(node.0)
            .bind(&taken)
            .execute(&mut *transaction)
            .await
            .map_err(from_sqlx)?;
        transaction.commit().await.map_err(from_sqlx)?;
        Ok(claimed)
    }

    async fn release_shards(&self, node: NodeId, shards: &[Claimed]) -> Result<()> {
        let mut shards: Vec<_> = shards.iter().collect();
        shards.sort_unstable_by_key(|claimed| claimed.shard);
        let numbers: Vec<i16> = shards.iter().map(|claimed| claimed.shard.cast_signed()).collect();
        let open: Vec<String> = shards.iter().map(|claimed| OpenRequest::to_json(&claimed.open)).collect();
        query(&self.sql().release_shards)
            .bind(node.0)
            .bind(&numbers)
            .bind(&open)
            .execute(&mut *self.desk().await?)
            .await
            .map_err(from_sqlx)?;
        Ok(())
    }

    async fn deregister_node(&self, node: NodeId) -> Result<()> {
        query(&self.sql().deregister_node).bind(node.0).execute(&mut *self.desk().await?).await.map_err(from_sqlx)?;
        Ok(())
    }
}

fn shard(number: Option<i16>) -> Option<Shard> {
    number.and_then(|number| Shard::try_from(number).ok())
}

/// Those of these nodes whose lease runs. Waits for renewals under way: a lease that is being renewed is not ended.
async fn running_nodes(store: &Postgres, connection: &mut PgConnection, nodes: &[Uuid]) -> Result<Vec<Uuid>> {
    let rows = query(&store.sql().lock_nodes).bind(nodes).fetch_all(connection).await.map_err(from_sqlx)?;
    let mut running = Vec::with_capacity(rows.len());
    for row in &rows {
        if rows::get(row, "running")? {
            running.push(rows::get(row, "id")?);
        }
    }
    Ok(running)
}

/// The least time that a renewal is given, however short the lease.
const PATIENCE_MIN: Duration = Duration::from_secs(1);

/// Renews over a connection of its own, which no work can occupy.
struct Keeper {
    options: PgConnectOptions,
    statement: SqlStr,
    connection: Option<PgConnection>,
}

impl Keeper {
    async fn connect(&mut self) -> Result<&mut PgConnection> {
        if self.connection.is_none() {
            let mut connection = PgConnection::connect_with(&self.options).await.map_err(from_sqlx)?;
            prepare_session(&mut connection).await.map_err(from_sqlx)?;
            self.connection = Some(connection);
        }
        self.connection.as_mut().ok_or_else(|| Error::corrupt("a connection that was just made"))
    }

    async fn try_renew(&mut self, node: NodeId, lease: Duration) -> Result<bool> {
        let statement = self.statement.clone();
        let connection = self.connect().await?;
        let done =
            query(&statement).bind(node.0).bind(rows::micros(lease)).execute(connection).await.map_err(from_sqlx)?;
        Ok(done.rows_affected() == 1)
    }
}

#[async_trait::async_trait]
impl LeaseKeeper for Keeper {
    async fn renew(&mut self, node: NodeId, lease: Duration) -> Result<bool> {
        // A connection that hangs is as good as broken: there must be time left for another.
        let answer = tokio::time::timeout((lease / 3).max(PATIENCE_MIN), self.try_renew(node, lease)).await;
        let answer = answer.unwrap_or_else(|elapsed| Err(Error::Unavailable(Box::new(elapsed))));
        if answer.is_err() {
            self.connection = None;
        }
        answer
    }
}
