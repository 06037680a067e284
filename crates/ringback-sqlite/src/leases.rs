//! Who sends: the one process that holds the lock on `<database>.lock` owns every shard.
//!
//! The operating system gives the lock back when the process ends, however it ends. Within the process, nodes follow
//! each other: a new one is registered once the last one has gone, or its lease has ended, which is then its end.

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
    lock: File,
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
        // The lock of a node that has gone silent is this process's own: the next one keeps it.
        let lock = match registered.take() {
            Some(silent) => silent.lock,
            None => match self.try_lock()? {
                Some(lock) => lock,
                None => return Ok(None),
            },
        };
        let node = NodeId(Uuid::now_v7());
        *registered = Some(Registered { node, lease_until: Instant::now() + lease, lock });
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
        let mut registered = self.registered.lock();
        let now = Instant::now();
        match registered.as_mut().filter(|registered| registered.node == node && now < registered.lease_until) {
            Some(registered) => {
                registered.lease_until = now + lease;
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
        if self.alive() != Some(node) {
            return Vec::new();
        }
        let mut shards = self.shards.lock();
        let mut claimed = Vec::new();
        for &shard in wanted {
            let Some(slot) = shards.get_mut(usize::from(shard)) else { continue };
            // Whoever else is noted is alive no more: this process has one node at a time.
            slot.owner = Some(node);
            claimed.push(Claimed { shard, open: std::mem::take(&mut slot.open) });
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

/// Renews in memory alone: while the lock is held, no other process can own anything.
struct Keeper(Arc<Ownership>);

#[async_trait::async_trait]
impl LeaseKeeper for Keeper {
    async fn renew(&mut self, node: NodeId, lease: Duration) -> Result<bool> {
        Ok(self.0.renew(node, lease))
    }
}
