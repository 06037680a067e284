//! All live endpoints, in memory: routing matches events against them, and lanes are configured from them.
//!
//! A [`Directory`] is one version of the configuration. [`Follower`] keeps the newest version, and tells its listener, the
//! task that updates lanes, each change once.

use std::{
    ops::Bound,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use parking_lot::RwLock;
use rpds::{HashTrieMapSync, RedBlackTreeMapSync, RedBlackTreeSetSync};
use tokio::sync::{Mutex, mpsc};

use crate::{
    delivery::LaneId,
    endpoint::{Endpoint, StoredEndpoint},
    id::EndpointId,
    seal::MasterKeys,
    store::{self, Change, EndpointFilter, SharedStore},
};

/// The endpoints at one configuration version.
///
/// Versions share the parts that did not change between them: some task nearly always has a reference to the newest, and a
/// change to one endpoint must not copy a hundred thousand.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// The configuration version.
    pub version: i64,
    by_id: HashTrieMapSync<EndpointId, Arc<Endpoint>>,
    by_lane: HashTrieMapSync<LaneId, EndpointId>,
    /// The endpoints that cannot be read, sorted, so that [`Round`] can visit some at a time.
    unreadable: RedBlackTreeSetSync<EndpointId>,
    tenants: HashTrieMapSync<String, Tenant>,
}

#[derive(Debug, Clone, Default)]
struct Tenant {
    /// In order of their ids: oldest first.
    endpoints: RedBlackTreeMapSync<EndpointId, Arc<Endpoint>>,
    by_key: HashTrieMapSync<String, EndpointId>,
    /// How many of them have a filter.
    filters: usize,
}

impl Directory {
    /// The live endpoint with this id.
    #[must_use]
    pub fn endpoint(&self, id: EndpointId) -> Option<&Arc<Endpoint>> {
        self.by_id.get(&id)
    }

    /// The tenant's live endpoint with this key.
    #[must_use]
    pub fn by_key(&self, tenant: &str, key: &str) -> Option<&Arc<Endpoint>> {
        let tenant = self.tenants.get(tenant)?;
        tenant.endpoints.get(tenant.by_key.get(key)?)
    }

    /// The tenant's live endpoints, oldest first.
    pub fn of_tenant(&self, tenant: &str) -> impl Iterator<Item = &Arc<Endpoint>> {
        self.tenants.get(tenant).into_iter().flat_map(|tenant| tenant.endpoints.values())
    }

    /// How many live endpoints the tenant has.
    pub(crate) fn count_of(&self, tenant: &str) -> usize {
        self.tenants.get(tenant).map_or(0, |tenant| tenant.endpoints.size())
    }

    /// How many of the tenant's live endpoints have a filter.
    pub(crate) fn filters_of(&self, tenant: &str) -> usize {
        self.tenants.get(tenant).map_or(0, |tenant| tenant.filters)
    }

    /// All live endpoints, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Endpoint>> {
        self.by_id.values()
    }

    /// The endpoints whose URLs are at this host, spelled as URLs write it; of one tenant or of all.
    #[must_use]
    pub fn at_host(&self, host: &str, tenant: Option<&str>) -> Vec<EndpointId> {
        let is_there = |url: &str| url::Url::parse(url).is_ok_and(|url| url.host_str() == Some(host));
        self.all()
            .filter(|endpoint| tenant.is_none_or(|tenant| tenant == endpoint.tenant) && is_there(&endpoint.spec.url))
            .map(|endpoint| endpoint.id)
            .collect()
    }

    /// The live endpoints that cannot be read, oldest first.
    pub fn unreadable(&self) -> impl ExactSizeIterator<Item = EndpointId> {
        self.unreadable.iter().copied()
    }

    /// At most `most` of them that come after one, or the first ones.
    fn unreadable_after(&self, after: Option<EndpointId>, most: usize) -> Vec<EndpointId> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.unreadable.range((after, Bound::Unbounded)).take(most).copied().collect()
    }

    /// The endpoint whose lane this is.
    #[must_use]
    pub(crate) fn endpoint_of_lane(&self, lane: LaneId) -> Option<EndpointId> {
        self.by_lane.get(&lane).copied()
    }

    pub(crate) fn put(&mut self, endpoint: Endpoint) {
        self.remove(endpoint.id);
        let endpoint = Arc::new(endpoint);
        self.by_lane.insert_mut(endpoint.lane(), endpoint.id);
        if endpoint.unreadable.is_some() {
            self.unreadable.insert_mut(endpoint.id);
        }
        let mut tenant = self.tenants.get(&endpoint.tenant).cloned().unwrap_or_default();
        if let Some(key) = &endpoint.key {
            tenant.by_key.insert_mut(key.clone(), endpoint.id);
        }
        tenant.endpoints.insert_mut(endpoint.id, Arc::clone(&endpoint));
        tenant.filters += usize::from(endpoint.spec.filter.is_some());
        self.tenants.insert_mut(endpoint.tenant.clone(), tenant);
        self.by_id.insert_mut(endpoint.id, endpoint);
    }

    pub(crate) fn remove(&mut self, id: EndpointId) {
        let Some(endpoint) = self.by_id.get(&id).cloned() else { return };
        self.by_id.remove_mut(&id);
        self.by_lane.remove_mut(&endpoint.lane());
        self.unreadable.remove_mut(&id);
        if let Some(tenant) = self.tenants.get_mut(&endpoint.tenant) {
            tenant.endpoints.remove_mut(&id);
            tenant.filters = tenant.filters.saturating_sub(usize::from(endpoint.spec.filter.is_some()));
            if let Some(key) = &endpoint.key
                && tenant.by_key.get(key) == Some(&id)
            {
                tenant.by_key.remove_mut(key);
            }
            if tenant.endpoints.is_empty() {
                self.tenants.remove_mut(&endpoint.tenant);
            }
        }
    }
}

/// How often endpoints that cannot be read are tried again.
const UNREADABLE_PAUSE: Duration = Duration::from_secs(2);

/// Most of them in one try.
const UNREADABLE_MAX: usize = 1_000;

/// Keeps the newest [`Directory`].
pub(crate) struct Follower {
    store: SharedStore,
    keys: Arc<MasterKeys>,
    requires_verification: bool,
    newest: RwLock<Arc<Directory>>,
    /// Whether the configuration was read. The version does not tell: it is 0 before, and also of an empty configuration.
    loaded: AtomicBool,
    /// Locked while changes are read, so that each is applied, and told, once and in order.
    reading: Mutex<Reading>,
}

struct Reading {
    /// When endpoints that cannot be read were last looked at, and which of them.
    unreadable_read: Instant,
    unreadable: Round,
    listener: Option<mpsc::UnboundedSender<Vec<Change>>>,
}

impl Follower {
    pub(crate) fn new(store: SharedStore, keys: Arc<MasterKeys>, requires_verification: bool) -> Self {
        let reading = Reading { unreadable_read: Instant::now(), unreadable: Round::default(), listener: None };
        let reading = Mutex::new(reading);
        let (newest, loaded) = (RwLock::default(), AtomicBool::new(false));
        Self { store, keys, requires_verification, newest, loaded, reading }
    }

    /// The newest version this node has read.
    pub(crate) fn newest(&self) -> Arc<Directory> {
        Arc::clone(&self.newest.read())
    }

    /// A version at least as new as what was committed when this was called.
    pub(crate) async fn current(&self) -> store::Result<Arc<Directory>> {
        let known = self.newest().version;
        let committed = self.store.config_version().await?;
        // The database was restored to an older state, so the directory is read again.
        if committed < known {
            self.read_changes().await?;
        }
        self.at_least(committed).await
    }

    /// A version at least as new as `version`, which must be committed.
    pub(crate) async fn at_least(&self, version: i64) -> store::Result<Arc<Directory>> {
        let newest = self.newest();
        if newest.version >= version && self.loaded.load(Ordering::Acquire) {
            return Ok(newest);
        }
        self.read_changes().await?;
        Ok(self.newest())
    }

    /// From now on `listener` is told every change. Earlier ones are in the directory that the caller starts from.
    pub(crate) async fn listen(&self, listener: mpsc::UnboundedSender<Vec<Change>>) {
        self.reading.lock().await.listener = Some(listener);
    }

    /// The database may have been restored: with the next read of changes everything is read again, and told.
    pub(crate) fn forget(&self) {
        self.loaded.store(false, Ordering::Release);
    }

    /// Reads what has changed since the newest version and applies it.
    pub(crate) async fn read_changes(&self) -> store::Result<()> {
        let mut reading = self.reading.lock().await;
        if !self.loaded.load(Ordering::Acquire) {
            self.load_all(&reading).await?;
            self.loaded.store(true, Ordering::Release);
        }
        loop {
            let since = self.newest().version;
            let changes = self.store.changes_since(since).await?;
            if changes.version < since {
                tracing::error!(
                    "the configuration is older than it was (version {} after {since}): the database was restored, or a \
                     standby took over that lagged behind; it is read anew",
                    changes.version
                );
            }
            if changes.truncated || changes.version < since {
                self.load_all(&reading).await?;
                continue;
            }
            if changes.items.is_empty() {
                if changes.version > since {
                    Arc::make_mut(&mut self.newest.write()).version = changes.version;
                }
                return self.read_unreadable_again(&mut reading).await;
            }
            self.apply(changes.version, &changes.items).await?;
            reading.tell(changes.items);
        }
    }

    /// Reads everything. Since the changes are unknown, all former and present endpoints are told as changed.
    async fn load_all(&self, reading: &Reading) -> store::Result<()> {
        // The version is read first: later changes may then be applied twice, which does no harm.
        let mut directory = Directory { version: self.store.config_version().await?, ..Directory::default() };
        for stored in self.store.load_endpoints(&EndpointFilter::Live).await? {
            directory.put(self.open(stored));
        }
        let after = Arc::new(directory);
        let before = std::mem::replace(&mut *self.newest.write(), Arc::clone(&after));
        let ids = before.all().chain(after.all()).map(|endpoint| Change::Endpoint(endpoint.id));
        reading.tell(ids.collect());
        Ok(())
    }

    async fn apply(&self, version: i64, changes: &[Change]) -> store::Result<()> {
        let mut ids: Vec<_> = changes
            .iter()
            .filter_map(|change| match change {
                Change::Endpoint(id) => Some(*id),
                Change::EventExpunged(_) | Change::DeliveryReleased(_) => None,
            })
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let mut endpoints = Vec::with_capacity(ids.len());
        if !ids.is_empty() {
            for stored in self.store.load_endpoints(&EndpointFilter::Ids(ids)).await? {
                let live = stored.deleted_at.is_none();
                endpoints.push((live, self.open(stored)));
            }
        }
        let mut newest = self.newest.write();
        let directory = Arc::make_mut(&mut newest);
        for (live, endpoint) in endpoints {
            if live {
                directory.put(endpoint);
            } else {
                directory.remove(endpoint.id);
            }
        }
        directory.version = version;
        Ok(())
    }

    fn open(&self, stored: StoredEndpoint) -> Endpoint {
        let endpoint = self.read(stored);
        if let Some(unreadable) = &endpoint.unreadable {
            tracing::error!(endpoint = %endpoint.id, why = %unreadable.why, "endpoint {} cannot be read; it alone is held", endpoint.id);
        }
        endpoint
    }

    fn read(&self, stored: StoredEndpoint) -> Endpoint {
        Endpoint { must_be_verified: self.requires_verification, ..Endpoint::open(stored, &self.keys) }
    }

    /// Tries again to read endpoints that could not be read. A rekey may have sealed a row anew under a key that this node
    /// has, and a rekey raises no version, so no change tells of it.
    async fn read_unreadable_again(&self, reading: &mut Reading) -> store::Result<()> {
        if reading.unreadable_read.elapsed() < UNREADABLE_PAUSE {
            return Ok(());
        }
        let ids = reading.unreadable.next(&self.newest(), UNREADABLE_MAX);
        if ids.is_empty() {
            return Ok(());
        }
        let found = self.store.load_endpoints(&EndpointFilter::Ids(ids)).await?;
        reading.unreadable_read = Instant::now();
        let live = found.into_iter().filter(|stored| stored.deleted_at.is_none());
        let readable: Vec<_> =
            live.map(|stored| self.read(stored)).filter(|found| found.unreadable.is_none()).collect();
        if readable.is_empty() {
            return Ok(());
        }
        let changes = readable.iter().map(|endpoint| Change::Endpoint(endpoint.id)).collect();
        let mut newest = self.newest.write();
        let directory = Arc::make_mut(&mut newest);
        readable.into_iter().for_each(|endpoint| directory.put(endpoint));
        drop(newest);
        reading.tell(changes);
        Ok(())
    }
}

/// Visits the endpoints that cannot be read, some of them at a time, round and round.
#[derive(Debug, Default)]
struct Round {
    /// The last one that was looked at.
    last: Option<EndpointId>,
}

impl Round {
    /// The next ones, at most `most`; after the last of all, the first again.
    fn next(&mut self, directory: &Directory, most: usize) -> Vec<EndpointId> {
        let mut ids = directory.unreadable_after(self.last, most);
        if ids.is_empty() {
            ids = directory.unreadable_after(None, most);
        }
        self.last = ids.last().copied();
        ids
    }
}

impl Reading {
    fn tell(&self, changes: Vec<Change>) {
        if let Some(listener) = &self.listener {
            // Fails once sending was shut down, when nobody needs the changes.
            let _ = listener.send(changes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn looking_at_what_cannot_be_read_goes_round_all_of_it() {
        let mut ids: Vec<_> = (0..5).map(|millis| EndpointId::new(Timestamp::from_millis(millis))).collect();
        let mut directory = Directory { unreadable: ids.iter().copied().collect(), ..Directory::default() };
        let mut round = Round::default();
        let mut looked_at = |directory: &Directory| round.next(directory, 2);
        assert_eq!(looked_at(&directory), ids[..2]);
        assert_eq!(looked_at(&directory), ids[2..4]);
        directory.unreadable.remove_mut(&ids.remove(3));
        assert_eq!(looked_at(&directory), ids[3..], "also where the last one can be read by now");
        assert_eq!(looked_at(&directory), ids[..2], "and from the beginning");
        assert_eq!(looked_at(&Directory::default()), []);
    }
}
