//! What a stretch of work has used: CPU of the nodes and of PostgreSQL, its log, the nodes' memory.

use std::{collections::HashMap, time::Duration};

use super::{
    cpu, memory,
    wal::{self, Position, Written},
};
use crate::{
    database::{Database, Store},
    failure::Result,
    process::cluster::Cluster,
};

/// A stretch that has begun.
pub(crate) struct Window {
    nodes: HashMap<u32, Duration>,
    postgres: Option<Duration>,
    position: Option<Position>,
}

/// What it came to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    pub(crate) engine: Duration,
    pub(crate) postgres: Option<Duration>,
    pub(crate) written: Option<Written>,
    /// Most memory that one node ever had, in bytes.
    pub(crate) peak: u64,
}

/// Begins; of nodes that start later all they use counts.
pub(crate) async fn begin(database: &Database, cluster: Option<&Cluster>, pids: &[u32]) -> Result<Window> {
    let mut before = HashMap::new();
    for &pid in pids {
        before.insert(pid, cpu::of_process(pid)?);
    }
    let cluster = cluster.filter(|_| database.store() == Store::Postgres);
    Ok(Window { nodes: before, position: position(database).await?, postgres: cluster.and_then(Cluster::cpu) })
}

impl Window {
    /// Ends, while the nodes still run.
    pub(crate) async fn end(self, database: &Database, cluster: Option<&Cluster>, pids: &[u32]) -> Result<Used> {
        let postgres = self.postgres.and_then(|before| Some(cluster?.cpu()?.saturating_sub(before)));
        let mut used = Used { postgres, ..Used::default() };
        for &pid in pids {
            let before = self.nodes.get(&pid).copied().unwrap_or_default();
            used.engine += cpu::of_process(pid)?.saturating_sub(before);
            used.peak = used.peak.max(memory::peak(pid)?);
        }
        if let (Some(from), Some(to)) = (self.position, position(database).await?) {
            used.written = wal::between(database.url(), &from, &to).await;
        }
        Ok(used)
    }
}

async fn position(database: &Database) -> Result<Option<Position>> {
    match database.session().await?.postgres() {
        Some(connection) => Ok(Some(wal::position(connection).await?)),
        None => Ok(None),
    }
}
