//! Endpoints read from the store: pages of a list, and the URLs of deleted ones. Frequent questions about live endpoints are
//! answered from memory, by [`Engine::directory`].

use crate::{
    Engine,
    endpoint::Endpoint,
    id::EndpointId,
    store::{self, EndpointFilter, Page},
};

impl Engine {
    /// Endpoints of one tenant or of all, newest first: at most `limit` of those with an id before `before`.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn endpoints(
        &self,
        tenant: Option<&str>,
        before: Option<EndpointId>,
        limit: u32,
    ) -> store::Result<Page<Endpoint, EndpointId>> {
        let shown = usize::try_from(limit).unwrap_or(usize::MAX);
        // One more than is shown tells whether there is a next page.
        let tenant = tenant.map(str::to_owned);
        let filter = EndpointFilter::Page { tenant, before, limit: limit.saturating_add(1) };
        let mut stored = self.store().load_endpoints(&filter).await?;
        let has_more = stored.len() > shown;
        stored.truncate(shown);
        let next = stored.last().filter(|_| has_more).map(|last| last.id);
        let keys = &self.settings().keys;
        Ok(Page { items: stored.into_iter().map(|stored| Endpoint::open(stored, keys)).collect(), next })
    }

    /// The URLs of endpoints, also of deleted ones. Ids that never existed are left out.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn urls_of(&self, endpoints: Vec<EndpointId>) -> store::Result<Vec<(EndpointId, String)>> {
        let stored = self.store().load_endpoints(&EndpointFilter::Ids(endpoints)).await?;
        Ok(stored.into_iter().map(|stored| (stored.id, stored.url())).collect())
    }
}
