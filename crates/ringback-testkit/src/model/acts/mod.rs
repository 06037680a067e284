//! One call, chosen by chance: made to the store, and then to the model, which foretells the answer.

mod arriving;
mod operating;
mod recording;

use ringback::{id::DeliveryId, store::Store};

pub(super) use self::operating::erase;
use super::{house::House, jobs};
use crate::{Random, contract::given};

const TENANTS: [&str; 2] = ["default", "acme"];

/// Makes one call, or the few that belong together.
pub(super) async fn act(store: &dyn Store, house: &mut House, random: &mut Random) {
    match random.below(100) {
        0..=21 => arriving::accept(store, house, random).await,
        22..=29 => arriving::emit(store, house, random).await,
        30..=37 => arriving::route(store, house, random).await,
        38..=62 => recording::record(store, house, random).await,
        63..=68 => operating::replay_one(store, house, random).await,
        69..=76 => jobs::replay(store, house, random).await,
        77..=78 => operating::discard(store, house, random).await,
        79..=81 => operating::expunge(store, house, random).await,
        82..=85 => jobs::expunge(store, house, random).await,
        86..=92 => operating::change_endpoint(store, house, random).await,
        93..=94 => operating::expire(store, house).await,
        95..=97 => operating::keep_house(store, house, random).await,
        _ => operating::reseal(store, house).await,
    }
}

/// Some delivery; now and then one that never was.
pub(super) fn some_delivery(house: &House, random: &mut Random) -> DeliveryId {
    let ids: Vec<_> = house.deliveries.keys().collect();
    if ids.is_empty() || random.percent(5) { given::event_id().delivery(1) } else { **random.pick(&ids) }
}
