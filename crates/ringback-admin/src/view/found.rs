//! What was found by a key or an id.

use ringback::operate::find::{self, Item};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Delivery, Destinations, Endpoint, Event, Replay};
use crate::{api::Api, problem::Problem};

/// What was found, and what stands beside it if nothing was.
#[derive(Serialize, ToSchema)]
pub(crate) struct Found {
    items: Vec<FoundItem>,
    nearest: Vec<String>,
}

/// One thing, as its own list shows it.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum FoundItem {
    Event(Event),
    Delivery(Delivery),
    Endpoint(Box<Endpoint>),
    Replay(Replay),
}

impl Found {
    pub(crate) async fn of(api: &Api, found: find::Found) -> Result<Self, Problem> {
        let mut items = Vec::new();
        for item in found.items {
            items.push(match item {
                Item::Event(row) => FoundItem::Event((*row).into()),
                Item::Delivery(row) => {
                    let destinations = Destinations::of(&api.engine, std::slice::from_ref(&row)).await?;
                    FoundItem::Delivery(Delivery::of(&row, &destinations))
                }
                Item::Endpoint(endpoint) => {
                    let health = api.engine.health_of(&endpoint).await?;
                    FoundItem::Endpoint(Box::new(Endpoint::with(&endpoint, Some(health))))
                }
                Item::Replay(row) => FoundItem::Replay((*row).into()),
            });
        }
        Ok(Self { items, nearest: found.nearest })
    }
}
