//! Configuration, upkeep and liveness over the line.

use std::{collections::BTreeSet, sync::atomic::Ordering, time::Duration};

use super::{
    super::database::{Database, Lock},
    Line, unavailable,
};
use crate::{
    audit::Entry,
    endpoint::StoredEndpoint,
    id::EndpointId,
    store::{
        Changes, Configuration, EndpointAsOf, EndpointFilter, Liveness, Once, Result, Retention, Step, Updated, Upkeep,
    },
    time::Timestamp,
};

#[async_trait::async_trait]
impl Configuration for Line {
    async fn changes_since(&self, version: i64) -> Result<Changes> {
        self.read(move |database| database.changes_since(version)).await
    }

    async fn load_endpoints(&self, filter: &EndpointFilter) -> Result<Vec<StoredEndpoint>> {
        let filter = filter.clone();
        let is_meant = move |endpoint: &StoredEndpoint| match &filter {
            EndpointFilter::Ids(ids) => ids.contains(&endpoint.id),
            EndpointFilter::Live | EndpointFilter::Page { .. } => true,
        };
        self.read(move |database| {
            database.tables.endpoints.values().rev().filter(|endpoint| is_meant(endpoint)).cloned().collect()
        })
        .await
    }

    async fn endpoint_by_key(&self, _: &str, _: &str) -> Result<Option<StoredEndpoint>> {
        Err(unavailable("no endpoint of the simulation has a key"))
    }

    async fn create_endpoint(&self, endpoint: &StoredEndpoint, _: u32, _: Option<&Once>, _: &Entry) -> Result<Updated> {
        let endpoint = endpoint.clone();
        let locks = BTreeSet::from([Lock::Configuration]);
        let write = move |database: &mut Database, ()| Updated::Done(Box::new(database.put_endpoint(endpoint.clone())));
        self.transact(locks, |_| (), write).await
    }

    async fn update_endpoint(&self, endpoint: &StoredEndpoint, _: &Entry) -> Result<Updated> {
        let endpoint = endpoint.clone();
        let write = move |database: &mut Database, ()| {
            let version = database.tables.endpoints.get(&endpoint.id).map(|before| before.version);
            if version == Some(endpoint.version) {
                Updated::Done(Box::new(database.put_endpoint(endpoint.clone())))
            } else {
                Updated::VersionMismatch
            }
        };
        self.transact(BTreeSet::from([Lock::Configuration]), |_| (), write).await
    }

    async fn delete_endpoint(&self, _: EndpointId, _: Option<i64>, _: &Entry) -> Result<Updated> {
        Err(unavailable("no endpoint of the simulation is deleted"))
    }

    async fn disable_endpoint(&self, _: EndpointId, _: i64, _: &str, _: &Entry) -> Result<()> {
        Err(unavailable("no receiver of the simulation answers 410"))
    }

    async fn endpoints_as_of(&self, _: &str, _: i64, _: u32) -> Result<Vec<EndpointAsOf>> {
        Err(unavailable("nobody asks in the simulation"))
    }

    async fn keep_setting(&self, name: &str, value: &[u8]) -> Result<Vec<u8>> {
        let (name, value) = (name.to_owned(), value.to_vec());
        self.write(move |database| {
            database.tables.settings.entry(name.clone()).or_insert_with(|| value.clone()).clone()
        })
        .await
    }

    async fn put_setting(&self, name: &str, value: &[u8]) -> Result<()> {
        let (name, value) = (name.to_owned(), value.to_vec());
        self.write(move |database| {
            database.tables.settings.insert(name.clone(), value.clone());
        })
        .await
    }

    async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let name = name.to_owned();
        self.read(move |database| database.tables.settings.get(&name).cloned()).await
    }
}

#[async_trait::async_trait]
impl Upkeep for Line {
    async fn clock(&self) -> Result<Timestamp> {
        self.read(|database| database.clock()).await
    }

    async fn written_until(&self) -> Result<Timestamp> {
        self.clock().await
    }

    async fn expire_held(&self, expires_after: Duration) -> Result<u64> {
        self.write(move |database| database.expire_held(expires_after)).await
    }

    async fn take_step(&self, _: Step, _: &Retention) -> Result<bool> {
        self.read(|_| false).await
    }
}

#[async_trait::async_trait]
impl Liveness for Line {
    fn distrust(&self, _: std::time::Instant) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    async fn probe(&self) -> Result<()> {
        self.write(|_| ()).await
    }
}
