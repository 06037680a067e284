//! What the model says to a request to send again.

use ringback::{
    delivery::Status,
    id::DeliveryId,
    store::{ReplayOf, ReplayOne, ReplayScope, Replayed},
};

use super::house::House;

/// Of one delivery that somebody named.
pub(super) fn again(house: &House, id: DeliveryId, of: ReplayOf) -> ReplayOne {
    let Some(delivery) = house.deliveries.get(&id) else { return ReplayOne::Absent };
    let fits = of == ReplayOf::Either || delivery.status != Status::Delivered;
    outcome(house, id, fits)
}

/// Of one whose turn in a replay has come.
pub(super) fn in_its_turn(house: &House, id: DeliveryId, scope: &ReplayScope) -> ReplayOne {
    let Some(delivery) = house.deliveries.get(&id) else { return ReplayOne::Absent };
    let fits = match scope.filter.status {
        Replayed::Dead => {
            let reason = delivery.death.map(|death| death.reason);
            delivery.status == Status::Dead && scope.filter.reason.is_none_or(|wanted| reason == Some(wanted))
        }
        Replayed::Delivered => delivery.status == Status::Delivered,
        Replayed::Missing => false,
    };
    outcome(house, id, fits)
}

fn outcome(house: &House, id: DeliveryId, fits: bool) -> ReplayOne {
    let (delivery, event) = (&house.deliveries[&id], &house.events[&id.event()]);
    let is_deleted = delivery.endpoint.is_some_and(|endpoint| house.endpoint(endpoint).is_deleted());
    if event.expunged {
        ReplayOne::Expunged
    } else if delivery.status == Status::Cancelled {
        ReplayOne::Cancelled
    } else if delivery.status == Status::Pending || (delivery.owed.is_some() && fits) {
        ReplayOne::Pending
    } else if !fits {
        ReplayOne::Unfit
    } else if is_deleted {
        ReplayOne::EndpointDeleted
    } else if event.faded {
        ReplayOne::Expunged
    } else {
        ReplayOne::Released
    }
}
