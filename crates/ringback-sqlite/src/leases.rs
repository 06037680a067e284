//! Which process sends: the one that has the lock on `<database>.lock` owns every shard.
//!
//! The operating system releases the lock when the process ends, however it ends. Within the process there is one node at
//! a time: a new one is registered once the last one has left or its lease has ended, which then ends the last one for good.

use std::{
    fs::{File, TryLockError},
    io::{ErrorKind, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use ringback::{
    delivery::{SHARDS, Shard},
    store::{Claimed, Error, LeaseKeeper, Leases, NodeId, Nodes, OpenRequest, Renewal, Result, ShardMap, rules},
    time::Timestamp,
};
use uuid::Uuid;

use crate::{
    Sqlite,
    file::{beside, open_lock, real},
    presence::{Files, Identity},
};

/// The lock file, this process's node, and the shards.
pub(crate) struct Ownership {
    files: Arc<Files>,
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

/// A shard: its owner, and the requests that the last owner had open when it handed the shard over.
#[derive(Clone, Default)]
struct Slot {
    owner: Option<NodeId>,
    open: Vec<OpenRequest>,
}

impl Ownership {
    pub(crate) fn beside(database: &Path, files: Arc<Files>) -> Self {
        Self {
            files,
            lock_file: beside(&real(database), ".lock"),
            registered: Mutex::default(),
            shards: Mutex::new(vec![Slot::default(); usize::from(SHARDS)]),
        }
    }

    fn register(&self, lease: Duration) -> Result<Option<NodeId>> {
        self.files.check()?;
        let mut registered = self.registered.lock();
        if registered.as_ref().is_some_and(|node| Instant::now() < node.lease_until) {
            return Ok(None);
        }
        // If the last node of this process has gone silent, the process still has the lock, and the next node keeps it.
        let lock = match registered.take() {
            Some(silent) => silent.lock,
            None => match self.try_lock()? {
                Some(lock) => lock,
                None => return Ok(None),
            },
        };
        let node = NodeId(Uuid::now_v7());
        sign(&lock, node);
        *registered = Some(Registered { node, lease_until: Instant::now() + lease, lock });
        Ok(Some(node))
    }

    /// The node of this process, or the one of whichever process has the lock, as far as it can be known from here.
    fn nodes(&self) -> Result<Nodes> {
        let now = Timestamp::now();
        let lease_until = {
            let registered = self.registered.lock();
            let until = |node: &Registered| {
                let moment = Instant::now();
                match node.lease_until.checked_duration_since(moment) {
                    Some(left) => now + left,
                    None => now - moment.duration_since(node.lease_until),
                }
            };
            registered.as_ref().map(|node| (node.node, until(node)))
        };
        if let Some((node, until)) = lease_until {
            return Ok(rules::nodes::nodes(now, &[(node, Some(until))], &self.map().owners));
        }
        if !self.is_locked()? {
            return Ok(rules::nodes::nodes(now, &[], &[None; SHARDS as usize]));
        }
        // Whichever process has the lock owns every shard.
        let other = std::fs::read_to_string(&self.lock_file).ok().and_then(|text| text.parse().ok()).map(NodeId);
        Ok(match other {
            Some(node) => rules::nodes::nodes(now, &[(node, None)], &[Some(node); SHARDS as usize]),
            None => Nodes { items: Vec::new(), unowned: 0 },
        })
    }

    /// Whether a process has the lock. Makes no lock file, and keeps nobody else who asks from the answer.
    fn is_locked(&self) -> Result<bool> {
        let file = match File::open(&self.lock_file) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(Error::Unavailable(Box::new(error))),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(Error::Unavailable(Box::new(error))),
        }
    }

    fn try_lock(&self) -> Result<Option<File>> {
        let unavailable = |error: std::io::Error| Error::Unavailable(Box::new(error));
        let file = open_lock(&self.lock_file).map_err(unavailable)?;
        match file.try_lock() {
            Ok(()) => {
                let locked = Identity::of_open(&file).map_err(unavailable)?;
                // The file was replaced in between: the lock that was taken is not the one that others see.
                if Identity::of(&self.lock_file).map_err(unavailable)? != locked {
                    return Ok(None);
                }
                self.files.keep_lock(&self.lock_file, locked);
                Ok(Some(file))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(unavailable(error)),
        }
    }

    fn renew(&self, node: NodeId, lease: Duration) -> Result<bool> {
        // A node whose database files are gone could record no outcome, so it must not be registered.
        self.files.check()?;
        let mut registered = self.registered.lock();
        let now = Instant::now();
        match registered.as_mut().filter(|registered| registered.node == node && now < registered.lease_until) {
            Some(registered) => {
                registered.lease_until = now + lease;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn deregister(&self, node: NodeId) {
        let mut registered = self.registered.lock();
        if registered.as_ref().is_some_and(|registered| registered.node == node) {
            self.files.forget_lock();
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
            // Any other owner has ended: this process has one node at a time.
            slot.owner = Some(node);
            // The open requests stay here until this node hands the shard over itself, since it may claim again.
            claimed.push(Claimed { shard, open: slot.open.clone() });
        }
        claimed
    }

    /// Whether a shard is a node's.
    pub(crate) fn owns(&self, node: NodeId, shard: Shard) -> bool {
        self.shards.lock().get(usize::from(shard)).is_some_and(|slot| slot.owner == Some(node))
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

/// Writes into the lock file who has the lock, for other processes that are asked which nodes there are. The lock holds
/// without it, so a full disk keeps nobody from sending.
fn sign(mut lock: &File, node: NodeId) {
    let written = lock.set_len(0).and_then(|()| lock.seek(SeekFrom::Start(0))).and_then(|_| write!(lock, "{}", node.0));
    if let Err(error) = written {
        tracing::debug!(%error, "the lock file does not tell who has the lock");
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

    async fn nodes(&self) -> Result<Nodes> {
        self.ownership.nodes()
    }

    async fn claim_shards(&self, node: NodeId, wanted: &[Shard]) -> Result<Vec<Claimed>> {
        Ok(self.ownership.claim(node, wanted))
    }

    async fn release_shards(&self, node: NodeId, shards: &[Claimed]) -> Result<()> {
        self.ownership.release(node, shards);
        Ok(())
    }
}

/// Renews in memory only: while this process has the lock and the lock's file is in place, no other process can own a shard.
struct Keeper(Arc<Ownership>);

#[async_trait::async_trait]
impl LeaseKeeper for Keeper {
    async fn renew(&mut self, node: NodeId, lease: Duration) -> Result<Renewal> {
        Ok(if self.0.renew(node, lease)? { Renewal::Renewed } else { Renewal::Ended })
    }

    async fn leave(&mut self, node: NodeId, shards: &[Claimed]) -> Result<()> {
        self.0.release(node, shards);
        self.0.deregister(node);
        Ok(())
    }
}
