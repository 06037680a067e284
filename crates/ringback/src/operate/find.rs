//! What a key or an id stands for: the first question of whoever is asked about a call.

use std::{collections::HashSet, sync::Arc};

use crate::{
    Engine,
    endpoint::Endpoint,
    event::is_key,
    id::{DeliveryId, EndpointId, EventId, ReplayId},
    store::{self, DeliveryRow, EventFilter, EventRow, ReplayRow},
};

/// Most events that are found under one key, or under one idempotency key.
const EVENTS_MAX: u32 = 100;

/// Most keys that are found by their beginning, and most on either side that are told if there is none.
const KEYS_MAX: u32 = 10;

/// Of each key that is found by its beginning, so many events are shown.
const EVENTS_OF_KEY_MAX: u32 = 5;

/// Shorter texts stand at the beginning of too many keys.
const BEGINNING_MIN: usize = 3;

/// What a text may stand for. A key may look like an id: what no id is found for is looked for among keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sought<'a> {
    /// An event by its id, which is the `webhook-id` of its requests, too.
    Event(EventId),
    /// A delivery by its id.
    Delivery(DeliveryId),
    /// An endpoint by its id.
    Endpoint(EndpointId),
    /// A replay of many by its id.
    Replay(ReplayId),
    /// Events by their key, the beginning of their key, or their idempotency key.
    Key(&'a str),
}

impl<'a> Sought<'a> {
    /// What this text may stand for; `None` if it is neither an id nor a possible key, so that nothing can be found by it.
    #[must_use]
    pub fn of(text: &'a str) -> Option<Self> {
        let id = text.parse().map(Self::Event);
        let id = id.or_else(|_| text.parse().map(Self::Delivery));
        let id = id.or_else(|_| text.parse().map(Self::Endpoint));
        let id = id.or_else(|_| text.parse().map(Self::Replay));
        id.ok().or_else(|| is_key(text).then_some(Self::Key(text)))
    }
}

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
    /// By its id, its key, its idempotency key, or the beginning of its key.
    Event(Box<EventRow>),
    /// By its id.
    Delivery(Box<DeliveryRow>),
    /// By its id.
    Endpoint(Arc<Endpoint>),
    /// By its id.
    Replay(Box<ReplayRow>),
}

impl Engine {
    /// Finds what a text stands for ([`Sought`]), among one tenant's things or all. Events are found by an idempotency key as
    /// long as the key holds them. A replay of all tenants is nobody's in particular, so a search for one tenant does not find
    /// it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn find(&self, text: &str, tenant: Option<&str>) -> store::Result<Found> {
        let Some(sought) = Sought::of(text) else { return Ok(Found::default()) };
        if let Some(item) = self.find_by_id(sought, tenant).await? {
            return Ok(Found { items: vec![item], nearest: Vec::new() });
        }
        let mut rows = self.events_of(text, tenant, EVENTS_MAX).await?;
        let found: HashSet<_> = rows.iter().map(|row| row.event.id).collect();
        let holders = self.held_by(text, tenant).await?;
        rows.extend(holders.into_iter().filter(|row| !found.contains(&row.event.id)));
        if !rows.is_empty() {
            return Ok(Found { items: items(rows), nearest: Vec::new() });
        }
        let near = self.store().keys_near(tenant, text, KEYS_MAX).await?;
        let begins = |key: &&String| text.len() >= BEGINNING_MIN && key.starts_with(text);
        for key in near.iter().filter(begins) {
            rows.extend(self.events_of(key, tenant, EVENTS_OF_KEY_MAX).await?);
        }
        Ok(Found { nearest: if rows.is_empty() { near } else { Vec::new() }, items: items(rows) })
    }

    async fn events_of(&self, key: &str, tenant: Option<&str>, most: u32) -> store::Result<Vec<EventRow>> {
        let filter =
            EventFilter { tenant: tenant.map(str::to_owned), key: Some(key.to_owned()), ..EventFilter::default() };
        Ok(self.events(&filter, None, most).await?.items)
    }

    /// The events that hold an idempotency key, as far as they are still stored.
    async fn held_by(&self, key: &str, tenant: Option<&str>) -> store::Result<Vec<EventRow>> {
        let window = self.settings().retention.idempotency_window;
        let mut rows = Vec::new();
        for id in self.store().key_holders(tenant, key, window, EVENTS_MAX).await? {
            rows.extend(self.event(id).await?);
        }
        Ok(rows)
    }

    async fn find_by_id(&self, sought: Sought<'_>, tenant: Option<&str>) -> store::Result<Option<Item>> {
        let ours = |owner: &str| tenant.is_none_or(|tenant| tenant == owner);
        Ok(match sought {
            Sought::Event(id) => {
                let row = self.event(id).await?.filter(|row| ours(&row.event.tenant));
                row.map(|row| Item::Event(Box::new(row)))
            }
            Sought::Delivery(id) => {
                let row = self.delivery(id).await?.filter(|row| ours(&row.event.tenant));
                row.map(|row| Item::Delivery(Box::new(row)))
            }
            Sought::Endpoint(id) => {
                let directory = self.directory().await?;
                let endpoint = directory.endpoint(id).filter(|endpoint| ours(&endpoint.tenant));
                endpoint.map(|endpoint| Item::Endpoint(Arc::clone(endpoint)))
            }
            Sought::Replay(id) => {
                let row = self.replay(id).await?;
                let row = row.filter(|row| row.filter.tenant.as_deref().map_or(tenant.is_none(), ours));
                row.map(|row| Item::Replay(Box::new(row)))
            }
            Sought::Key(_) => None,
        })
    }
}

fn items(rows: Vec<EventRow>) -> Vec<Item> {
    rows.into_iter().map(|row| Item::Event(Box::new(row))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_an_id_or_a_possible_key_or_nothing() {
        let id = |prefix: &str| format!("{prefix}_{}", "0".repeat(32));
        assert!(matches!(Sought::of(&id("evt")), Some(Sought::Event(_))));
        assert!(matches!(Sought::of(&id("ep")), Some(Sought::Endpoint(_))));
        assert!(matches!(Sought::of(&id("rpl")), Some(Sought::Replay(_))));
        assert!(matches!(Sought::of(&id("dlv").replace("00", "01")), Some(Sought::Delivery(_))));
        assert_eq!(Sought::of("evt_1"), Some(Sought::Key("evt_1")));
        assert_eq!(Sought::of(&id("tok")), Some(Sought::Key(&id("tok"))), "tokens are not found");
        for nothing in ["", "a\nb", &"x".repeat(257)] {
            assert_eq!(Sought::of(nothing), None, "{nothing:?}");
        }
    }
}
