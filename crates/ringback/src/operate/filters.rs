//! Trying a filter before it is kept.

use bytes::Bytes;

use crate::{
    Engine,
    compute::compute,
    endpoint::{
        Filter,
        filter::{Facts, Failed, effort},
    },
    event::Event,
    store::{self, PayloadRead},
};

/// What a filter is tried on.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Sample {
    /// An event that was emitted.
    Event(Box<Event>),
    /// One that was not.
    Made {
        /// Its type.
        event_type: String,
        /// Its key.
        key: Option<String>,
        /// Its tenant.
        tenant: String,
        /// Its payload.
        payload: Bytes,
    },
}

/// What came of trying.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tried {
    /// Whether the event is wanted; otherwise why the filter says neither yes nor no, so that the event goes through.
    Said(Result<bool, Failed>),
    /// The event's payload is not kept any more; why.
    Gone(PayloadRead),
}

impl Engine {
    /// What a filter says about an event.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn try_filter(&self, filter: Filter, sample: Sample) -> store::Result<Tried> {
        let (event_type, key, tenant, payload) = match sample {
            Sample::Made { event_type, key, tenant, payload } => (event_type, key, tenant, payload),
            Sample::Event(event) => match self.payload(event.id).await? {
                PayloadRead::Bytes(payload) => (event.event_type, event.key, event.tenant, payload),
                gone => return Ok(Tried::Gone(gone)),
            },
        };
        let effort = effort(1, payload.len());
        let judge = move || filter.judge(&Facts::new(&event_type, key.as_deref(), &tenant, Some(&payload)));
        Ok(Tried::Said(compute(effort, judge).await))
    }
}
