//! Outbox pointer -> deliveries for every matching destination, or a kept "why not".

mod aside;
mod fan_out;
mod locked;
mod router;

pub(crate) use self::{
    fan_out::{addressed, fan_out, lane_of, to_one},
    router::route,
};
