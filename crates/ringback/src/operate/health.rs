//! How endpoints do.

use std::sync::Arc;

use super::figures::COUNTED_MAX;
use crate::{
    Engine,
    delivery::HoldReason,
    endpoint::Endpoint,
    store::{
        self,
        rules::health::{self, Health, HealthState, IDLE_AFTER, Standing},
    },
    time::Timestamp,
};

/// So many failing endpoints are looked at for those of one tenant.
pub const LOOKED_AT: u32 = 1_000;

impl Engine {
    /// How endpoints do now, in the order in which they are given. The store is asked once, however many they are. Pending
    /// deliveries are counted up to [`COUNTED_MAX`] of each endpoint.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn health(&self, endpoints: &[&Endpoint]) -> store::Result<Vec<Health>> {
        if endpoints.is_empty() {
            return Ok(Vec::new());
        }
        self.add_figures().await;
        let ids: Vec<_> = endpoints.iter().map(|endpoint| endpoint.id).collect();
        let (vitals, now) = (self.store().vitals(&ids, COUNTED_MAX).await?, Timestamp::now());
        // An endpoint that was just read from the store does not know what the configuration requires.
        let requires = self.settings().require_verification;
        let unverified = |endpoint: &Endpoint| requires && endpoint.spec.verified_at.is_none();
        let standing = |endpoint: &Endpoint| Standing {
            held_by_word: endpoint.hold_reason().or(unverified(endpoint).then_some(HoldReason::Unverified)),
            created_at: endpoint.created_at,
            updated_at: endpoint.updated_at,
        };
        Ok(endpoints
            .iter()
            .zip(&vitals)
            .map(|(endpoint, vitals)| health::health(standing(endpoint), vitals, now))
            .collect())
    }

    /// The endpoints of one tenant, or of all, whose newest attempts failed within the last 24 hours: those that fail longest,
    /// at most `most`, of the [`LOOKED_AT`] that fail longest of all.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn failing(&self, tenant: Option<&str>, most: usize) -> store::Result<Vec<(Arc<Endpoint>, Health)>> {
        self.add_figures().await;
        let (directory, since) = (self.directory().await?, Timestamp::now() - IDLE_AFTER);
        let ids = self.store().failing_endpoints(since, LOOKED_AT).await?;
        let live = ids.into_iter().filter_map(|id| directory.endpoint(id));
        let of_tenant = live.filter(|endpoint| tenant.is_none_or(|tenant| tenant == endpoint.tenant)).take(most);
        let endpoints: Vec<_> = of_tenant.cloned().collect();
        let health = self.health(&endpoints.iter().map(AsRef::as_ref).collect::<Vec<_>>()).await?;
        let failing = endpoints.into_iter().zip(health).filter(|(_, health)| health.state == HealthState::Failing);
        Ok(failing.collect())
    }

    /// How one endpoint does now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn health_of(&self, endpoint: &Endpoint) -> store::Result<Health> {
        let health = self.health(&[endpoint]).await?.pop();
        health.ok_or_else(|| store::Error::corrupt("the store said nothing of an endpoint"))
    }
}
