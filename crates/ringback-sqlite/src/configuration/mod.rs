//! Endpoints, their versions, and the log of changes.

mod changes;
mod edit;
mod load;

use ringback::{
    audit::Entry,
    endpoint::StoredEndpoint,
    id::EndpointId,
    store::{Changes, Configuration, EndpointAsOf, EndpointFilter, Once, Result, Updated},
};
use sqlx::SqliteConnection;

pub(crate) use self::changes::change;
use crate::Sqlite;

#[async_trait::async_trait]
impl Configuration for Sqlite {
    async fn changes_since(&self, version: i64) -> Result<Changes> {
        let mut snapshot = self.snapshot().await?;
        changes::since(&mut snapshot, version).await.map_err(|error| self.error(error))
    }

    async fn load_endpoints(&self, filter: &EndpointFilter) -> Result<Vec<StoredEndpoint>> {
        let mut snapshot = self.snapshot().await?;
        load::matching(&mut snapshot, filter).await.map_err(|error| self.error(error))
    }

    async fn endpoint_by_key(&self, tenant: &str, key: &str) -> Result<Option<StoredEndpoint>> {
        let mut snapshot = self.snapshot().await?;
        load::by_key(&mut snapshot, tenant, key).await.map_err(|error| self.error(error))
    }

    async fn create_endpoint(
        &self,
        endpoint: &StoredEndpoint,
        tenant_max: u32,
        once: Option<&Once>,
        record: &Entry,
    ) -> Result<Updated> {
        let (endpoint, once, record) = (endpoint.clone(), once.cloned(), record.clone());
        self.apply(move |tx| Box::pin(edit::create(tx, endpoint, tenant_max, once, record))).await
    }

    async fn update_endpoint(&self, endpoint: &StoredEndpoint, record: &Entry) -> Result<Updated> {
        let (endpoint, record) = (endpoint.clone(), record.clone());
        self.apply(move |tx| Box::pin(edit::update(tx, endpoint, record))).await
    }

    async fn delete_endpoint(&self, id: EndpointId, version: Option<i64>, record: &Entry) -> Result<Updated> {
        let record = record.clone();
        self.apply(move |tx| Box::pin(edit::delete(tx, id, version, record))).await
    }

    async fn disable_endpoint(&self, endpoint: EndpointId, version: i64, reason: &str, record: &Entry) -> Result<()> {
        let (reason, record) = (reason.to_owned(), record.clone());
        self.apply(move |tx| Box::pin(edit::disable(tx, endpoint, version, reason, record))).await
    }

    async fn endpoints_as_of(&self, tenant: &str, version: i64, limit: u32) -> Result<Vec<EndpointAsOf>> {
        let mut snapshot = self.snapshot().await?;
        load::as_of(&mut snapshot, tenant, version, limit).await.map_err(|error| self.error(error))
    }

    async fn keep_setting(&self, name: &str, value: &[u8]) -> Result<Vec<u8>> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.apply(move |tx| Box::pin(keep_setting(tx, name, value))).await
    }

    async fn put_setting(&self, name: &str, value: &[u8]) -> Result<()> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.apply(move |tx| Box::pin(put_setting(tx, name, value))).await
    }

    async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let mut snapshot = self.snapshot().await?;
        let value =
            sqlx::query_scalar(sql!("configuration/read_setting")).bind(name).fetch_optional(&mut *snapshot).await;
        value.map_err(|error| self.error(error))
    }
}

/// Stores the value unless the name has one; returns the stored value.
async fn keep_setting(tx: &mut SqliteConnection, name: String, value: Vec<u8>) -> sqlx::Result<Vec<u8>> {
    sqlx::query(sql!("configuration/keep_setting")).bind(name.as_str()).bind(value).execute(&mut *tx).await?;
    sqlx::query_scalar(sql!("configuration/read_setting")).bind(name).fetch_one(tx).await
}

async fn put_setting(tx: &mut SqliteConnection, name: String, value: Vec<u8>) -> sqlx::Result<()> {
    sqlx::query(sql!("configuration/put_setting")).bind(name).bind(value).execute(tx).await.map(drop)
}
