//! Endpoints, their versions, and the log of changes that every node follows.
//!
//! Every transaction that makes a change raises the version first, and so locks the version's row until its commit: changes,
//! replays and expunging take turns, and versions become visible in order.

mod changes;
mod endpoints;

use ringback::audit::Entry;
use ringback::endpoint::StoredEndpoint;
use ringback::id::EndpointId;
use ringback::store::{Changes, Configuration, EndpointAsOf, EndpointFilter, Error, Once, Result, Updated};

pub(crate) use self::changes::announce;
use crate::{Postgres, error::from_sqlx, rows, sql::query};

#[async_trait::async_trait]
impl Configuration for Postgres {
    async fn changes_since(&self, version: i64) -> Result<Changes> {
        changes::since(self, version).await
    }

    async fn load_endpoints(&self, filter: &EndpointFilter) -> Result<Vec<StoredEndpoint>> {
        endpoints::load(self, filter).await
    }

    async fn endpoint_by_key(&self, tenant: &str, key: &str) -> Result<Option<StoredEndpoint>> {
        let row = query(&self.sql().find_endpoint)
            .bind(tenant)
            .bind(key)
            .fetch_optional(&mut *self.desk().await?)
            .await
            .map_err(from_sqlx)?;
        row.as_ref().map(endpoints::read).transpose()
    }

    async fn create_endpoint(
        &self,
        endpoint: &StoredEndpoint,
        tenant_max: u32,
        once: Option<&Once>,
        record: &Entry,
    ) -> Result<Updated> {
        endpoints::create(self, endpoint, tenant_max, once, record).await
    }

    async fn update_endpoint(&self, endpoint: &StoredEndpoint, record: &Entry) -> Result<Updated> {
        endpoints::update(self, endpoint, record).await
    }

    async fn delete_endpoint(&self, id: EndpointId, version: Option<i64>, record: &Entry) -> Result<Updated> {
        endpoints::delete(self, id, version, record).await
    }

    async fn disable_endpoint(&self, endpoint: EndpointId, version: i64, reason: &str, record: &Entry) -> Result<()> {
        endpoints::disable(self, endpoint, version, reason, record).await
    }

    async fn endpoints_as_of(&self, tenant: &str, version: i64, limit: u32) -> Result<Vec<EndpointAsOf>> {
        let rows = query(&self.sql().read_endpoints_as_of)
            .bind(tenant)
            .bind(version)
            .bind(i64::from(limit))
            .fetch_all(&mut *self.desk().await?)
            .await
            .map_err(from_sqlx)?;
        rows.iter()
            .map(|row| {
                Ok(EndpointAsOf {
                    id: EndpointId::from_uuid(rows::get(row, "endpoint_id")?),
                    key: rows::get(row, "key")?,
                    event_types: endpoints::event_types(row)?,
                    filter: rows::get(row, "filter")?,
                })
            })
            .collect()
    }

    async fn keep_setting(&self, name: &str, value: &[u8]) -> Result<Vec<u8>> {
        let mut connection = self.look().await?;
        query(&self.sql().keep_setting).bind(name).bind(value).execute(&mut *connection).await.map_err(from_sqlx)?;
        drop(connection);
        self.setting(name).await?.ok_or_else(|| Error::corrupt(format_args!("the setting {name} is gone")))
    }

    async fn put_setting(&self, name: &str, value: &[u8]) -> Result<()> {
        let put = query(&self.sql().put_setting).bind(name).bind(value).execute(&mut *self.desk().await?).await;
        put.map(drop).map_err(from_sqlx)
    }

    async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let mut connection = self.look().await?;
        let row = query(&self.sql().read_setting).bind(name).fetch_optional(&mut *connection).await;
        row.map_err(from_sqlx)?.map(|row| rows::get(&row, "value")).transpose()
    }
}
