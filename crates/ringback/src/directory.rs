//! Every live endpoint, in memory: what routing matches against and lanes are configured from.
//!
//! A [`Directory`] is one version of the configuration. [`Follower`] keeps the newest and tells what changed since
//! the one before, once, to whoever listens: the lanes.

use std::sync::Arc;

use parking_lot::RwLock;
use rpds::{HashTrieMapSync, RedBlackTreeMapSync};
use tokio::sync::{Mutex, mpsc};

use crate::{
    delivery::LaneId,
    endpoint::Endpoint,
    id::EndpointId,
    seal::MasterKeys,
    store::{self, Change, EndpointFilter, SharedStore},
};

/// The endpoints at one configuration version.
///
/// Versions share what did not change between them: somebody nearly always holds the newest, and a change to one
/// endpoint must not copy a hundred thousand.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// The configuration version.
    pub version: i64,
    by_id: HashTrieMapSync<EndpointId, Arc<Endpoint>>,
    by_lane: HashTrieMapSync<LaneId, EndpointId>,
    tenants: HashTrieMapSync<String, Tenant>,
}

#[derive(Debug, Clone, Default)]
struct Tenant {
    /// In order of their ids: oldest first.
    endpoints: RedBlackTreeMapSync<EndpointId, Arc<Endpoint>>,
    by_key: HashTrieMapSync<String, EndpointId>,
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

    /// All live endpoints, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Endpoint>> {
        self.by_id.values()
    }

    /// The endpoint whose lane this is.
    #[must_use]
    pub fn endpoint_of_lane(&self, lane: LaneId) -> Option<EndpointId> {
        self.by_lane.get(&lane).copied()
    }

    pub(crate) fn put(&mut self, endpoint: Endpoint) {
        self.remove(endpoint.id);
        let endpoint = Arc::new(endpoint);
        self.by_lane.insert_mut(endpoint.lane(), endpoint.id);
        let mut tenant = self.tenants.get(&endpoint.tenant).cloned().unwrap_or_default();
        if let Some(key) = &endpoint.key {
            tenant.by_key.insert_mut(key.clone(), endpoint.id);
        }
        tenant.endpoints.insert_mut(endpoint.id, Arc::clone(&endpoint));
        self.tenants.insert_mut(endpoint.tenant.clone(), tenant);
        self.by_id.insert_mut(endpoint.id, endpoint);
    }

    pub(crate) fn remove(&mut self, id: EndpointId) {
        let Some(endpoint) = self.by_id.get(&id).cloned() else { return };
        self.by_id.remove_mut(&id);
        self.by_lane.remove_mut(&endpoint.lane());
        if let Some(tenant) = self.tenants.get_mut(&endpoint.tenant) {
            tenant.endpoints.remove_mut(&id);
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

/// Keeps the newest [`Directory`].
pub(crate) struct Follower {
    store: SharedStore,
    keys: Arc<MasterKeys>,
    newest: RwLock<Arc<Directory>>,
    /// Held while changes are read: each is applied, and told, once and in order.
    reading: Mutex<Reading>,
}

struct Reading {
    loaded: bool,
    listener: Option<mpsc::UnboundedSender<Vec<Change>>>,
}

impl Follower {
    pub(crate) fn new(store: SharedStore, keys: Arc<MasterKeys>) -> Self {
        let reading = Mutex::new(Reading { loaded: false, listener: None });
        Self { store, keys, newest: RwLock::default(), reading }
    }

    /// The newest version this node has read.
    pub(crate) fn newest(&self) -> Arc<Directory> {
        Arc::clone(&self.newest.read())
    }

    /// A version at least as new as what was committed when this was called.
    pub(crate) async fn current(&self) -> store::Result<Arc<Directory>> {
        let committed = self.store.config_version().await?;
        self.at_least(committed).await
    }

    /// A version at least as new as `version`, which must be committed.
    pub(crate) async fn at_least(&self, version: i64) -> store::Result<Arc<Directory>> {
        let newest = self.newest();
        // Version 0 is an installation without endpoints, and also what an empty directory says of itself.
        if newest.version >= version && (version > 0 || self.reading.lock().await.loaded) {
            return Ok(newest);
        }
        self.read_changes().await?;
        Ok(self.newest())
    }

    /// From now on `listener` is told every change. The caller has seen nothing before: it starts from the directory.
    pub(crate) async fn listen(&self, listener: mpsc::UnboundedSender<Vec<Change>>) {
        self.reading.lock().await.listener = Some(listener);
    }

    /// Reads what has changed since the newest version and applies it.
    pub(crate) async fn read_changes(&self) -> store::Result<()> {
        let mut reading = self.reading.lock().await;
        if !reading.loaded {
            self.load_all().await?;
            reading.loaded = true;
        }
        loop {
            let since = self.newest().version;
            let changes = self.store.changes_since(since).await?;
            if changes.truncated {
                let before = self.newest();
                self.load_all().await?;
                // What changed is unknown: every endpoint there was or is may have.
                let after = self.newest();
                let ids = before.all().chain(after.all()).map(|endpoint| Change::Endpoint(endpoint.id));
                reading.tell(ids.collect());
                continue;
            }
            if changes.items.is_empty() {
                if changes.version > since {
                    Arc::make_mut(&mut self.newest.write()).version = changes.version;
                }
                return Ok(());
            }
            self.apply(changes.version, &changes.items).await?;
            reading.tell(changes.items);
        }
    }

    async fn load_all(&self) -> store::Result<()> {
        // The version first: what changes after it is applied again, which does no harm.
        let mut directory = Directory { version: self.store.config_version().await?, ..Directory::default() };
        for stored in self.store.load_endpoints(&EndpointFilter::Live).await? {
            directory.put(Endpoint::open(stored, &self.keys)?);
        }
        *self.newest.write() = Arc::new(directory);
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
                endpoints.push((live, Endpoint::open(stored, &self.keys)?));
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
}

impl Reading {
    fn tell(&self, changes: Vec<Change>) {
        if let Some(listener) = &self.listener {
            // The listener is gone once sending was shut down; then nobody needs to know.
            let _ = listener.send(changes);
        }
    }
}
