//! Outbox pointer -> deliveries for every matching destination, or a kept "why not".

mod aside;
mod failed;
mod fan_out;
mod locked;
mod payloads;
mod router;

pub(crate) use self::{
    failed::FailedFilters,
    fan_out::{addressed, fan_out, filters_for, lane_of, to_one},
    router::route,
};
