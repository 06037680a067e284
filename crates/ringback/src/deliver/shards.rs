//! Which shards this node owns: it registers, takes what nobody owns, and shares with nodes that come.
//!
//! Each shard belongs to the live node with the highest score for it (rendezvous hashing), so a node that joins or
//! leaves moves only its own part. A shard is handed over with the list of requests still open; nobody waits for them.

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

/// Between looks at the map of shards: so often in a lease.
const LOOKS_PART: u32 = 12;

/// After an error, and between tries to register.
const PAUSE_ERROR: Duration = Duration::from_millis(500);

/// Before another registration, when the lease was lost.
const PAUSE_LOST: Duration = Duration::from_secs(1);

/// Before another registration of a node whose pipeline stood still, in leases; twice as many each time that it does so again
/// before it has worked for as long. It would take shards from those who serve them, and not serve them.
const LEASES_AFTER_STALL: u32 = 4;
const LEASES_AFTER_STALL_MAX: u32 = 64;

/// What leaving may take, of whoever waits for it and of whoever cannot wait.
const PATIENCE: Duration = Duration::from_secs(5);
const PATIENCE_OF_DROP: Duration = Duration::from_secs(1);

/// What writing holds down may take of a node that leaves: others wait for its shards.
const PATIENCE_WITH_HOLDS: Duration = Duration::from_secs(1);

/// Owns shards until `stop`; gives none back: [`give_back`] does.
pub(crate) async fn own(delivering: Arc<Delivering>, stop: CancellationToken) {
    let mut abstinence = Abstinence::default();
    // Begun again after a panic: others need not wait for the lease that nobody would use.
    give_back(&delivering).await;
    while !stop.is_cancelled() {
        drop_all(&delivering);
        match register(&delivering).await {
            Ok(Some((node, keeper))) => {
                *delivering.lease.node() = Some((node, keeper));
                let begun = Instant::now();
                keep(&delivering, node, &stop).await;
                if !stop.is_cancelled() {
                    // Nothing is ours from here on: a pipeline that stands still is no matter any more while it holds nothing.
                    drop_all(&delivering);
                    // Whatever ended the lease: the database may not be what it was, nor what this node remembers of it.
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

/// For how long a node holds nothing.
#[derive(Default)]
struct Abstinence {
    /// Leases that it held nothing the last time.
    leases: u32,
}

impl Abstinence {
    /// After a lease was lost that lasted this long, if it was because this node alone did not deserve it.
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
    tracing::info!(node = %node.0, "registered");
    Ok(Some((node, keeper)))
}

/// What the lease is for.
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
            tracing::warn!(node = %node.0, "the lease has ended; registering again");
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

/// Without a registration nothing is ours, whatever was before.
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

    // Also what is ours only by the map: giving it back had failed, and nobody may take it while our lease runs.
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
        // Whatever may fail comes before the claim: from then on others leave these shards alone.
        delivering.engine.directory().await?;
        let claimed = store.claim_shards(node, &wanted).await?;
        if !claimed.is_empty() {
            take(delivering, &claimed).await;
            tracing::info!(count = claimed.len(), "took shards");
        }
    }
    Ok(())
}

/// Gives shards to whoever has a better claim. What has changed about their holds is written down before: afterwards it would be
/// another's to write, who could not know of it.
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

/// Stops starting anything of these shards; what is open goes along with each as a list.
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

async fn take(delivering: &Arc<Delivering>, claimed: &[Claimed]) {
    let shards: Vec<_> = claimed.iter().map(|one| one.shard).collect();
    let Some(holds) = holds(delivering, &shards).await else { return };
    let mut lanes = delivering.lanes.lock();
    // Under the lock: a lane made from an older directory would miss a change that lanes were told already.
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

/// What came along as open was mostly answered moments later. Without asking, it would keep its lanes' places until it
/// had timed out if it had hung.
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

/// The holds of shards that are ours by now, so it tries until the database answers or the lease is lost.
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

/// Gives everything back, with what is still open. Nothing is started from now on.
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

/// Ends the lease here; whose it was, who keeps it in the database, and what is to be given back there.
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
