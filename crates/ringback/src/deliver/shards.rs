//! Which shards this node owns: it registers, claims shards that nobody owns, and gives shards to nodes that join.
//!
//! Each shard belongs to the live node with the highest score for it (rendezvous hashing), so a node that joins or leaves
//! moves only its own share. A shard is handed over with the list of its open requests; neither node waits for their end.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::time::Instant;

use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::{
    Delivering, hold,
    lanes::{ChangedHold, LeftOpen},
    lease::{Keeper, Lease, Leaseholder},
};
use crate::{
    delivery::{SHARDS, Shard},
    store::{self, Claimed, Hold, NodeId, OpenRequest, ShardMap},
};

/// How many times in a lease the node looks at the map of shards.
const LOOKS_PART: u32 = 12;

/// After an error, and between tries to register.
const PAUSE_ERROR: Duration = Duration::from_millis(500);

/// Before another registration, when the lease was lost.
const PAUSE_LOST: Duration = Duration::from_secs(1);

/// How long a node whose pipeline stood still waits before it registers again, in leases. It would take shards from nodes
/// that serve them and not serve them itself. The wait doubles each time that the node stalls again before it has worked
/// for as long as it waited.
const LEASES_AFTER_STALL: u32 = 4;
const LEASES_AFTER_STALL_MAX: u32 = 64;

/// How long a node that leaves waits for its shards to be given back; the second while it is dropped and blocks a thread.
const PATIENCE: Duration = Duration::from_secs(5);
const PATIENCE_OF_DROP: Duration = Duration::from_secs(1);

/// How long a node that leaves may take to store its holds: other nodes wait for its shards.
const PATIENCE_WITH_HOLDS: Duration = Duration::from_secs(1);

/// Owns shards until `stop`; gives none back: [`give_back`] does.
pub(crate) async fn own(delivering: Arc<Delivering>, stop: CancellationToken) {
    let mut abstinence = Abstinence::default();
    // After a panic of this task a registration is left over: given back, other nodes need not wait for its lease to end.
    give_back(&delivering).await;
    while !stop.is_cancelled() {
        drop_all(&delivering);
        match register(&delivering).await {
            Ok(Some((node, keeper))) => {
                *delivering.lease.node() = Some((node, keeper));
                let begun = Instant::now();
                keep(&delivering, node, &stop).await;
                if !stop.is_cancelled() {
                    // Before the pause: a pipeline that stands still counts only while the node owns shards.
                    drop_all(&delivering);
                    // The lease may have ended because the database was restored to an older state: read everything again.
                    delivering.engine.directories().forget();
                    match abstinence.after(begun.elapsed(), delivering.lease.was_given_up(), &delivering.lease) {
                        Some(pause) => delivering.abstain(pause, &stop).await,
                        None => delivering.pause(PAUSE_LOST, &stop).await,
                    }
                }
            }
            Ok(None) => delivering.pause(Duration::from_secs(1), &stop).await,
            Err(error) => {
                tracing::warn!(%error, "cannot register as a node");
                delivering.pause(PAUSE_ERROR, &stop).await;
            }
        }
    }
}

/// For how long a node takes no shards after it stalled.
#[derive(Default)]
struct Abstinence {
    /// The length of the last such pause, in leases.
    leases: u32,
}

impl Abstinence {
    /// The pause after a registration that was `held` for this long; `None` unless the node gave it up for a fault of its
    /// own.
    fn after(&mut self, held: Duration, was_given_up: bool, lease: &Lease) -> Option<Duration> {
        if held > lease.length() * self.leases.max(LEASES_AFTER_STALL) {
            self.leases = 0;
        }
        if !was_given_up {
            return None;
        }
        self.leases = (self.leases * 2).clamp(LEASES_AFTER_STALL, LEASES_AFTER_STALL_MAX);
        let pause = lease.length() * self.leases;
        tracing::warn!("this node holds no shards for {} s", pause.as_secs());
        Some(pause)
    }
}

async fn register(delivering: &Arc<Delivering>) -> store::Result<Option<(NodeId, Keeper)>> {
    let store = delivering.engine.store();
    let length = delivering.lease.length();
    let asked = Instant::now();
    let Some(node) = store.register_node(length).await? else { return Ok(None) };
    let (apart, pipeline) = (&*delivering.outside.apart, Pipeline(Arc::downgrade(delivering)));
    let keeper = Keeper::start(apart, Arc::clone(store), node, length, pipeline)
        .map_err(|error| store::Error::Unavailable(error.into()))?;
    delivering.lease.granted(asked);
    tracing::info!(node = %node, "registered");
    Ok(Some((node, keeper)))
}

/// The pipeline that works under the lease.
struct Pipeline(Weak<Delivering>);

impl Leaseholder for Pipeline {
    fn may_renew(&self) -> Result<(), String> {
        let Some(delivering) = self.0.upgrade() else { return Ok(()) };
        match delivering.stalled().filter(|_| delivering.lanes.lock().owns_any()) {
            Some(stalled) => Err(stalled.to_string()),
            None => Ok(()),
        }
    }

    fn renewed(&self, asked: Instant) {
        if let Some(delivering) = self.0.upgrade() {
            delivering.lease.granted(asked);
        }
    }

    fn ended(&self, alone: bool) {
        if let Some(delivering) = self.0.upgrade() {
            delivering.lease.end();
            if alone {
                delivering.lease.give_up();
            }
        }
    }
}

/// Takes and gives shards until `stop` or until the lease is lost.
async fn keep(delivering: &Arc<Delivering>, node: NodeId, stop: &CancellationToken) {
    let pause = delivering.lease.length() / LOOKS_PART;
    while !stop.is_cancelled() {
        if delivering.lease.is_lost() {
            tracing::warn!(node = %node, "the lease has ended; registering again");
            break;
        }
        if let Err(error) = balance(delivering, node).await {
            tracing::warn!(%error, "cannot look at the map of shards");
        }
        if let Err(error) = ask_after_open(delivering).await {
            tracing::warn!(%error, "cannot ask what became of requests that other nodes had open");
        }
        delivering.pause(pause, stop).await;
    }
}

/// Ends the lease on this node and drops all its shards: without a registration it owns none.
fn drop_all(delivering: &Delivering) {
    delivering.lease.end();
    *delivering.lease.node() = None;
    let mut lanes = delivering.lanes.lock();
    let owned = lanes.owned_shards();
    lanes.drop_shards(&owned, Instant::now());
}

async fn balance(delivering: &Arc<Delivering>, node: NodeId) -> store::Result<()> {
    let store = delivering.engine.store();
    let asked = Instant::now();
    let map = store.shard_map().await?;
    delivering.clock.hear(map.now, asked);
    let owned = delivering.lanes.lock().owned_shards();
    let share = share(&map, node);

    // Includes shards that this node owns only by the map: an earlier `release_shards` failed after the lanes were dropped,
    // and no other node may take them while this node's lease runs.
    let by_map = |shard: Shard| map.owners[usize::from(shard)] == Some(node);
    let surplus: Vec<Shard> =
        (0..SHARDS).filter(|shard| (owned.contains(shard) || by_map(*shard)) && !share.contains(shard)).collect();
    if !surplus.is_empty() {
        let count = surplus.len();
        hand_over(delivering, node, surplus).await?;
        tracing::info!(count, "gave shards to another node");
    }

    let wanted: Vec<Shard> = share.into_iter().filter(|shard| !owned.contains(shard)).collect();
    if !wanted.is_empty() {
        // Read what is needed before the claim: a failure after it would leave shards that nobody serves.
        delivering.engine.directory().await?;
        let claimed = store.claim_shards(node, &wanted).await?;
        if !claimed.is_empty() {
            take(delivering, &claimed).await;
            tracing::info!(count = claimed.len(), "took shards");
        }
    }
    Ok(())
}

/// Gives shards up for the nodes with higher scores. Changes of their holds are stored before: afterwards only the next
/// owner may store them, and it does not know of them.
async fn hand_over(delivering: &Delivering, node: NodeId, surplus: Vec<Shard>) -> store::Result<()> {
    let pen = delivering.holds.lock().await;
    let given = release(delivering, &surplus);
    hold::write(delivering, Some(node), &pen).await?;
    delivering.engine.store().release_shards(node, &given).await
}

/// The shards for which `node` has the highest score among the live.
fn share(map: &ShardMap, node: NodeId) -> Vec<Shard> {
    let score = |node: NodeId, shard: Shard| {
        let digest = Sha256::new().chain_update(node.0.as_bytes()).chain_update(shard.to_be_bytes()).finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        u64::from_be_bytes(first)
    };
    let is_first = |shard: &Shard| {
        let own = score(node, *shard);
        map.nodes.iter().all(|other| *other == node || score(*other, *shard) < own)
    };
    (0..SHARDS).filter(is_first).collect()
}

/// Drops these shards' lanes; returns each shard with the list of its open requests.
fn release(delivering: &Delivering, shards: &[Shard]) -> Vec<Claimed> {
    let now = Instant::now();
    let left = delivering.lanes.lock().drop_shards(shards, now);
    let mut open = HashMap::<Shard, Vec<OpenRequest>>::new();
    for LeftOpen { delivery, attempts, lane, until } in left {
        let until = delivering.clock.after(until.saturating_duration_since(now));
        open.entry(lane.shard()).or_default().push(OpenRequest { delivery, attempts, lane, until });
    }
    shards.iter().map(|&shard| Claimed { shard, open: open.remove(&shard).unwrap_or_default() }).collect()
}

/// Creates the lanes of shards that the database has given this node, and restores their holds.
async fn take(delivering: &Arc<Delivering>, claimed: &[Claimed]) {
    let shards: Vec<_> = claimed.iter().map(|one| one.shard).collect();
    let Some(holds) = holds(delivering, &shards).await else { return };
    let mut lanes = delivering.lanes.lock();
    // Under the lock: a lane created from an older directory would miss a change that lanes were told already.
    let directory = &delivering.engine.directories().newest();
    let now = Instant::now();
    let open: Vec<_> = claimed
        .iter()
        .flat_map(|one| &one.open)
        .map(|&OpenRequest { delivery, attempts, lane, until }| LeftOpen {
            delivery,
            attempts,
            lane,
            until: delivering.clock.instant(until),
        })
        .collect();
    lanes.take_shards(&shards, &open, directory, now);
    for hold in holds {
        let restored = ChangedHold {
            until: delivering.clock.instant(hold.until),
            reason: hold.reason,
            streak: u32::try_from(hold.streak).unwrap_or(0),
        };
        lanes.restore_hold(hold.lane, restored, directory, now);
    }
    drop(lanes);
    delivering.feed_wanted.notify_one();
}

/// Asks the database which requests of the last owners have ended. Most are answered moments after the handover; without
/// asking, each would count as open until its time-out.
async fn ask_after_open(delivering: &Delivering) -> store::Result<()> {
    let open = delivering.lanes.lock().foreign();
    if open.is_empty() {
        return Ok(());
    }
    let pending: HashSet<_> = delivering.engine.store().find_untried(&open).await?.into_iter().collect();
    let settled = open.into_iter().map(|(id, _)| id).filter(|id| !pending.contains(id)).collect();
    delivering.lanes.lock().foreign_settled(&settled);
    delivering.ready.notify_one();
    delivering.feed_wanted.notify_one();
    Ok(())
}

/// The holds of shards that this node owns already, so it tries until the database answers or the lease is lost.
async fn holds(delivering: &Delivering, shards: &[Shard]) -> Option<Vec<Hold>> {
    while !delivering.lease.is_lost() {
        match delivering.engine.store().load_holds(shards).await {
            Ok(holds) => return Some(holds),
            Err(error) => tracing::warn!(%error, "shards wait for their holds"),
        }
        tokio::time::sleep(PAUSE_ERROR).await;
    }
    None
}

/// Gives all shards back, each with the list of its open requests. This node starts no request from now on.
pub(crate) async fn give_back(delivering: &Delivering) {
    let Some((node, keeper, given)) = withdraw(delivering) else { return };
    let written = async { hold::write(delivering, Some(node), &*delivering.holds.lock().await).await };
    if !matches!(tokio::time::timeout(PATIENCE_WITH_HOLDS, written).await, Ok(Ok(()))) {
        tracing::warn!("could not write down in time which lanes are held; whoever takes them finds it out");
    }
    if !keeper.leave(given, PATIENCE).await {
        tracing::warn!("could not give shards back in time; their lease runs out");
    }
}

/// The same where nothing can be awaited.
pub(crate) fn give_back_blocking(delivering: &Delivering) {
    if let Some((_, keeper, given)) = withdraw(delivering)
        && !keeper.leave_blocking(given, PATIENCE_OF_DROP)
    {
        tracing::warn!("could not give shards back in time; their lease runs out");
    }
}

/// Ends the lease on this node. Returns the node, the keeper of its lease, and the shards to give back.
fn withdraw(delivering: &Delivering) -> Option<(NodeId, Keeper, Vec<Claimed>)> {
    let (node, keeper) = delivering.lease.node().take()?;
    delivering.lease.end();
    let owned = delivering.lanes.lock().owned_shards();
    Some((node, keeper, release(delivering, &owned)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn map(nodes: &[NodeId]) -> ShardMap {
        ShardMap { now: Timestamp::default(), nodes: nodes.to_vec(), owners: [None; SHARDS as usize] }
    }

    #[test]
    fn whoever_stands_still_again_and_again_holds_nothing_for_ever_longer() {
        let lease = Lease::new(Duration::from_secs(12));
        let (mut abstinence, long, short) =
            (Abstinence::default(), Duration::from_secs(5_000), Duration::from_secs(24));
        let mut after = |held, was_given_up| abstinence.after(held, was_given_up, &lease).map(|it| it.as_secs());
        assert_eq!(after(short, false), None);
        let pauses: Vec<_> = (0..6).filter_map(|_| after(short, true)).collect();
        assert_eq!(pauses, [48, 96, 192, 384, 768, 768]);
        assert_eq!((after(long, false), after(short, true)), (None, Some(48)), "it had worked for long");
    }

    #[test]
    fn every_shard_has_exactly_one_home_and_a_newcomer_moves_only_its_own() {
        let nodes: Vec<_> = (1..=4).map(|n| NodeId(uuid::Uuid::from_u128(n))).collect();
        let homes = |nodes: &[NodeId]| {
            let mut homes = vec![None; usize::from(SHARDS)];
            for &node in nodes {
                for shard in share(&map(nodes), node) {
                    assert_eq!(homes[usize::from(shard)].replace(node), None);
                }
            }
            homes.into_iter().map(Option::unwrap).collect::<Vec<_>>()
        };
        let before = homes(&nodes[..3]);
        let after = homes(&nodes);
        for (old, new) in before.into_iter().zip(after) {
            assert!(old == new || new == nodes[3]);
        }
    }
}
