//! Ownership of shards by lease. The database's clock decides when a lease ends.

use std::time::Duration;

use ringback::{
    delivery::{SHARDS, Shard},
    store::{Claimed, Error, LeaseKeeper, Leases, NodeId, Nodes, OpenRequest, Renewal, Result, ShardMap, rules},
    time::Timestamp,
};
use sqlx::{Connection as _, PgConnection, SqlStr, postgres::PgConnectOptions};
use uuid::Uuid;

use crate::{
    Postgres,
    error::from_sqlx,
    open::prepare_session,
    rows,
    sql::{Statements, query},
};

#[async_trait::async_trait]
impl Leases for Postgres {
    async fn register_node(&self, lease: Duration) -> Result<Option<NodeId>> {
        let node = Uuid::now_v7();
        query(&self.sql().register_node)
            .bind(node)
            .bind(rows::micros(lease))
            .execute(&mut *self.look().await?)
            .await
            .map_err(from_sqlx)?;
        Ok(Some(NodeId(node)))
    }

    async fn lease_keeper(&self) -> Result<Box<dyn LeaseKeeper>> {
        let (options, sql) = (self.options().clone(), self.sql().clone());
        let mut keeper = Keeper { options, sql, connection: None, renewals: None, timeline: None };
        keeper.connect().await?;
        Ok(Box::new(keeper))
    }

    async fn shard_map(&self) -> Result<ShardMap> {
        let rows = query(&self.sql().read_shard_map).fetch_all(&mut *self.look().await?).await.map_err(from_sqlx)?;
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

    async fn nodes(&self) -> Result<Nodes> {
        let rows = query(&self.sql().read_nodes).fetch_all(&mut *self.desk().await?).await.map_err(from_sqlx)?;
        let (mut now, mut registered, mut owners) = (Timestamp::default(), Vec::new(), [None; SHARDS as usize]);
        for row in &rows {
            now = rows::time(row, "now")?;
            let Some(node) = rows::get::<Option<Uuid>, _>(row, "node_id")?.map(NodeId) else { continue };
            match shard(rows::get(row, "shard")?).and_then(|shard| owners.get_mut(usize::from(shard))) {
                Some(owner) => *owner = Some(node),
                None => registered.push((node, rows::time_or_none(row, "lease_until")?)),
            }
        }
        Ok(rules::nodes::nodes(now, &registered, &owners))
    }

    async fn claim_shards(&self, node: NodeId, wanted: &[Shard]) -> Result<Vec<Claimed>> {
        let mut transaction = self.begin_look().await?;
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
            transaction.commit().await.map_err(from_sqlx)?;
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
        release(&self.sql().release_shards, &mut *self.look().await?, node, shards).await
    }
}

fn shard(number: Option<i16>) -> Option<Shard> {
    number.and_then(|number| Shard::try_from(number).ok())
}

/// Those of these nodes whose lease runs; the others are removed. Waits for renewals under way, so that a lease that is
/// being renewed counts as running.
async fn running_nodes(store: &Postgres, connection: &mut PgConnection, nodes: &[Uuid]) -> Result<Vec<Uuid>> {
    let rows = query(&store.sql().lock_nodes).bind(nodes).fetch_all(&mut *connection).await.map_err(from_sqlx)?;
    let (mut running, mut ended) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in &rows {
        let id: Uuid = rows::get(row, "id")?;
        if rows::get(row, "running")? { running.push(id) } else { ended.push(id) }
    }
    if !ended.is_empty() {
        query(&store.sql().remove_nodes).bind(ended).execute(connection).await.map_err(from_sqlx)?;
    }
    Ok(running)
}

async fn release(statement: &SqlStr, connection: &mut PgConnection, node: NodeId, shards: &[Claimed]) -> Result<()> {
    let mut shards: Vec<_> = shards.iter().collect();
    shards.sort_unstable_by_key(|claimed| claimed.shard);
    let numbers: Vec<i16> = shards.iter().map(|claimed| claimed.shard.cast_signed()).collect();
    let open: Vec<String> = shards.iter().map(|claimed| OpenRequest::to_json(&claimed.open)).collect();
    query(statement).bind(node.0).bind(&numbers).bind(&open).execute(connection).await.map_err(from_sqlx)?;
    Ok(())
}

/// The least time that a renewal is given, however short the lease.
const PATIENCE_MIN: Duration = Duration::from_secs(1);

/// The time that leaving may take: the process may be about to end, and the lease runs out by itself.
const PATIENCE_TO_LEAVE: Duration = Duration::from_secs(5);

/// Keeps a lease over a connection of its own, which no work can occupy. It remembers what the last renewal committed: if
/// the database does not have that any more, it was restored to an older state.
struct Keeper {
    options: PgConnectOptions,
    sql: Statements,
    connection: Option<PgConnection>,
    /// The node, and how many of its renewals are known to be committed.
    renewals: Option<(NodeId, i64)>,
    /// The timeline that the database was on. Each promotion of a standby and each point-in-time recovery begins another.
    timeline: Option<String>,
}

impl Keeper {
    /// The connection, and in words how the database's past has changed since the last connection was made, if it has.
    async fn connect(&mut self) -> Result<(&mut PgConnection, Option<String>)> {
        let mut other_past = None;
        if self.connection.is_none() {
            let mut connection = PgConnection::connect_with(&self.options).await.map_err(from_sqlx)?;
            prepare_session(&mut connection).await.map_err(from_sqlx)?;
            let timeline = timeline(&mut connection, &self.sql).await?;
            let before = std::mem::replace(&mut self.timeline, timeline);
            other_past = before.zip(self.timeline.as_ref()).filter(|(before, now)| before != *now).map(|(before, now)| {
                format!("it was on timeline {before} and is on timeline {now}: a standby was promoted, or a backup restored")
            });
            self.connection = Some(connection);
        }
        let connection = self.connection.as_mut().ok_or_else(|| Error::corrupt("a connection that was just made"))?;
        Ok((connection, other_past))
    }

    async fn try_renew(&mut self, node: NodeId, lease: Duration) -> Result<Renewal> {
        let (renew, remove) = (self.sql.renew_lease.clone(), self.sql.deregister_node.clone());
        let known = self.renewals.filter(|(of, _)| *of == node).map_or(0, |(_, known)| known);
        let (connection, other_past) = self.connect().await?;
        if let Some(how) = other_past {
            return Ok(Renewal::OtherPast(how));
        }
        let renewal = query(&renew).bind(node.0).bind(rows::micros(lease)).fetch_optional(&mut *connection);
        let Some(row) = renewal.await.map_err(from_sqlx)? else {
            // The lease has ended for good. Removing the node makes that true even if the clock is set back later.
            query(&remove).bind(node.0).execute(connection).await.map_err(from_sqlx)?;
            return Ok(Renewal::Ended);
        };
        let renewals: i64 = rows::get(&row, "renewals")?;
        if renewals <= known {
            let how = format!("this node had renewed its lease {known} times, and there it has {} times", renewals - 1);
            return Ok(Renewal::OtherPast(how));
        }
        self.renewals = Some((node, renewals));
        Ok(Renewal::Renewed)
    }

    /// Runs `ask` for at most `patience`. A connection that hangs is given up, so that there is time for another within the
    /// lease.
    async fn within<T>(&mut self, patience: Duration, ask: impl AsyncFnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let answer = tokio::time::timeout(patience, ask(self)).await;
        let answer = answer.unwrap_or_else(|elapsed| Err(Error::Unavailable(Box::new(elapsed))));
        if answer.is_err() {
            self.connection = None;
        }
        answer
    }
}

/// The database's timeline; `None` if the database does not tell it, as some services do not. Then only the count of
/// renewals shows a changed past.
async fn timeline(connection: &mut PgConnection, sql: &Statements) -> Result<Option<String>> {
    match query(&sql.read_timeline).fetch_one(connection).await.map_err(from_sqlx) {
        Ok(row) => rows::get(&row, "timeline").map(Some),
        // There is no such function, or it may not be called.
        Err(Error::Schema(_) | Error::Refused(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

#[async_trait::async_trait]
impl LeaseKeeper for Keeper {
    async fn renew(&mut self, node: NodeId, lease: Duration) -> Result<Renewal> {
        self.within((lease / 3).max(PATIENCE_MIN), async |keeper| keeper.try_renew(node, lease).await).await
    }

    async fn leave(&mut self, node: NodeId, shards: &[Claimed]) -> Result<()> {
        let (release_shards, deregister) = (self.sql.release_shards.clone(), self.sql.deregister_node.clone());
        self.within(PATIENCE_TO_LEAVE, async |keeper| {
            let (connection, _) = keeper.connect().await?;
            let mut transaction = connection.begin().await.map_err(from_sqlx)?;
            release(&release_shards, &mut transaction, node, shards).await?;
            query(&deregister).bind(node.0).execute(&mut *transaction).await.map_err(from_sqlx)?;
            transaction.commit().await.map_err(from_sqlx)
        })
        .await
    }
}
