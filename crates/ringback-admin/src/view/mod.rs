//! The forms of answers: the fields of the contract, in its order.

mod attempt;
mod change;
mod delivery;
mod destinations;
mod endpoint;
mod event;
mod expunge;
mod found;
mod group;
mod health;
mod link;
mod list;
mod node;
mod replay;

pub(crate) use self::{
    change::Change,
    delivery::{DeadLetter, Delivery, DeliveryWithAttempts},
    destinations::Destinations,
    endpoint::{Endpoint, EndpointMade, EndpointWithFigures},
    event::{Accepted, Event, EventWithRouting},
    expunge::Expunge,
    found::Found,
    group::DeadLetterGroups,
    health::Health,
    link::LinkMade,
    list::List,
    node::Nodes,
    replay::Replay,
};
