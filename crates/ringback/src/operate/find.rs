//! What a key or an id stands for: the first question of whoever is asked about a call.

use std::sync::Arc;

use crate::{
    Engine,
    endpoint::Endpoint,
    event::is_key,
    store::{self, DeliveryRow, EventFilter, EventRow, ReplayRow},
};

/// Most events that are found under one key.
const EVENTS_MAX: u32 = 100;

/// Most keys that are found by their beginning, and most on either side that are told if there is none.
const KEYS_MAX: u32 = 10;

/// Of each key that is found by its beginning, so many events are shown.
const EVENTS_OF_KEY_MAX: u32 = 5;

/// Shorter texts stand at the beginning of too many keys.
const BEGINNING_MIN: usize = 3;

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Newest first within each key.
    pub items: Vec<Item>,
    /// If nothing was: keys that stand beside the text in the order of the database.
    pub nearest: Vec<String>,
}

/// One thing that was found.
#[derive(Debug, Clone)]
pub enum Item {
    /// By its id, its key, or the beginning of its key.
    Event(Box<EventRow>),
    /// By its id.
    Delivery(Box<DeliveryRow>),
    /// By its id.
    Endpoint(Arc<Endpoint>),
    /// By its id.
    Replay(Box<ReplayRow>),
}

impl Engine {
    /// Finds what a text stands for, among one tenant's things or all: an id of Ringback's, a key, or the beginning of keys.
    /// A replay of all tenants is nobody's in particular, so a search for one tenant does not find it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn find(&self, text: &str, tenant: Option<&str>) -> store::Result<Found> {
        if let Some(item) = self.find_by_id(text, tenant).await? {
            return Ok(Found { items: vec![item], nearest: Vec::new() });
        }
        if !is_key(text) {
            return Ok(Found::default());
        }
        let items = self.events_of(text, tenant, EVENTS_MAX).await?;
        if !items.is_empty() {
            return Ok(Found { items, nearest: Vec::new() });
        }
        let near = self.store().keys_near(tenant, text, KEYS_MAX).await?;
        let begins = |key: &&String| text.len() >= BEGINNING_MIN && key.starts_with(text);
        let mut items = Vec::new();
        for key in near.iter().filter(begins) {
            items.extend(self.events_of(key, tenant, EVENTS_OF_KEY_MAX).await?);
        }
        Ok(Found { nearest: if items.is_empty() { near } else { Vec::new() }, items })
    }

    async fn events_of(&self, key: &str, tenant: Option<&str>, most: u32) -> store::Result<Vec<Item>> {
        let filter =
            EventFilter { tenant: tenant.map(str::to_owned), key: Some(key.to_owned()), ..EventFilter::default() };
        let page = self.events(&filter, None, most).await?;
        Ok(page.items.into_iter().map(|row| Item::Event(Box::new(row))).collect())
    }

    async fn find_by_id(&self, text: &str, tenant: Option<&str>) -> store::Result<Option<Item>> {
        let ours = |owner: &str| tenant.is_none_or(|tenant| tenant == owner);
        if let Ok(id) = text.parse() {
            let row = self.event(id).await?.filter(|row| ours(&row.event.tenant));
            return Ok(row.map(|row| Item::Event(Box::new(row))));
        }
        if let Ok(id) = text.parse() {
            let row = self.delivery(id).await?.filter(|row| ours(&row.event.tenant));
            return Ok(row.map(|row| Item::Delivery(Box::new(row))));
        }
        if let Ok(id) = text.parse() {
            let directory = self.directory().await?;
            let endpoint = directory.endpoint(id).filter(|endpoint| ours(&endpoint.tenant));
            return Ok(endpoint.map(|endpoint| Item::Endpoint(Arc::clone(endpoint))));
        }
        let Ok(id) = text.parse() else { return Ok(None) };
        let row = self.replay(id).await?.filter(|row| row.filter.tenant.as_deref().map_or(tenant.is_none(), ours));
        Ok(row.map(|row| Item::Replay(Box::new(row))))
    }
}
