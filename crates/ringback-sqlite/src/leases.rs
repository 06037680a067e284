//! Who sends: the one process that holds the lock on `<database>.lock` owns every shard.
//!
//! The operating system gives the lock back when the process ends, however it ends; nothing has to expire. Within
//! the process, nodes follow each other: a new one is registered once the last one has gone or its lease has ended.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use ringback::{
    delivery::{SHARDS, Shard},
    store::{Claimed, Error, LeaseKeeper, Leases, NodeId, OpenRequest, Result, ShardMap},
    time::Timestamp,
};
use uuid::Uuid;

use crate::Sqlite;

/// The lock file, and what there is to own.
pub(crate) struct Ownership {
    lock_file: PathBuf,
    registered: Mutex<Option<Registered>>,
    shards: Mutex<Vec<Slot>>,
}

/// The node of this process.
struct Registered {
    node: NodeId,
    lease_until: Instant,
    /// Locked as long as it is open.
    _lock: File,
}

/// A shard: its owner, and what the last one still had open when it handed over.
#[derive(Clone, Default)]
struct Slot {
    owner: Option<NodeId>,
    open: Vec<OpenRequest>,
}

impl Ownership {
    pub(crate) fn beside(database: &Path) -> Self {
        let mut lock_file = database.as_os_str().to_owned();
        lock_file.push(".lock");
        Self {
            lock_file: lock_file.into(),
            registered: Mutex::default(),
            shards: Mutex::new(vec![Slot::default(); usize::from(SHARDS)]),
        }
    }

    fn register(&self, lease: Duration) -> Result<Option<NodeId>> {
        let mut registered = self.registered.lock();
        if registered.as_ref().is_some_and(|node| Instant::now() < node.lease_until) {
            return Ok(None);
        }
        // The lock of a node that has gone silent is ours to take: it is this process's own.
        drop(registered.take());
        let Some(lock) = self.try_lock()? else { return Ok(None) };
        let node = NodeId(Uuid::now_v7());
        *registered = Some(Registered { node, lease_until: Instant::now() + lease, _lock: lock });
        Ok(Some(node))
    }

    fn try_lock(&self) -> Result<Option<File>> {
        let unavailable = |error: std::io::Error| Error::Unavailable(Box::new(error));
        let mut open = OpenOptions::new();
        let file = open.create(true).truncate(false).write(true).open(&self.lock_file).map_err(unavailable)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(unavailable(error)),
        }
    }

    fn renew(&self, node: NodeId, lease: Duration) -> bool {
        match self.registered.lock().as_mut().filter(|registered| registered.node == node) {
            Some(registered) => {
                registered.lease_until = Instant::now() + lease;
                true
            }
            None => false,
        }
    }

    fn deregister(&self, node: NodeId) {
        let mut registered = self.registered.lock();
        if registered.as_ref().is_some_and(|registered| registered.node == node) {
            *registered = None;
        }
    }

    fn alive(&self) -> Option<NodeId> {
        let registered = self.registered.lock();
        registered.as_ref().filter(|node| Instant::now() < node.lease_until).map(|node| node.node)
    }

    fn claim(&self, node: NodeId, wanted: &[Shard]) -> Vec<Claimed> {
        let alive = self.alive();
        if alive != Some(node) {
            return Vec::new();
        }
        let mut shards = self.shards.lock();
        let mut claimed = Vec::new();
        for &shard in wanted {
            let Some(slot) = shards.get_mut(usize::from(shard)) else { continue };
            if slot.owner.is_none() || slot.owner != alive {
                // What an owner that never handed over had open is not known.
                let open = std::mem::take(&mut slot.open);
                slot.owner = Some(node);
                claimed.push(Claimed { shard, open });
            }
        }
        claimed
    }

    fn release(&self, node: NodeId, given: &[Claimed]) {
        let mut shards = self.shards.lock();
        for Claimed { shard, open } in given {
            if let Some(slot) = shards.get_mut(usize::from(*shard)).filter(|slot| slot.owner == Some(node)) {
                *slot = Slot { owner: None, open: open.clone() };
            }
        }
    }

    fn map(&self) -> ShardMap {
        let mut owners = [None; SHARDS as usize];
        for (owner, slot) in owners.iter_mut().zip(self.shards.lock().iter()) {
            *owner = slot.owner;
        }
        ShardMap { now: Timestamp::now(), nodes: self.alive().into_iter().collect(), owners }
    }
}

#[async_trait::async_trait]
impl Leases for Sqlite {
    async fn register_node(&self, lease: Duration) -> Result<Option<NodeId>> {
        self.ownership.register(lease)
    }

    async fn lease_keeper(&self) -> Result<Box<dyn LeaseKeeper>> {
        Ok(Box::new(Keeper(Arc::clone(&self.ownership))))
    }

    async fn shard_map(&self) -> Result<ShardMap> {
        Ok(self.ownership.map())
    }

    async fn claim_shards(&self, node: NodeId, wanted: &[Shard]) -> Result<Vec<Claimed>> {
        Ok(self.ownership.claim(node, wanted))
    }

    async fn release_shards(&self, node: NodeId, shards: &[Claimed]) -> Result<()> {
        self.ownership.release(node, shards);
        Ok(())
    }

    async fn deregister_node(&self, node: NodeId) -> Result<()> {
        self.ownership.deregister(node);
        Ok(())
    }
}

/// Renews by memory alone: while the lock is held nobody else can own anything.
struct Keeper(Arc<Ownership>);

#[async_trait::async_trait]
impl LeaseKeeper for Keeper {
    async fn renew(&mut self, node: NodeId, lease: Duration) -> Result<bool> {
        Ok(self.0.renew(node, lease))
    }
}
