//! Endpoints and events, as far as lanes look at them.

use std::sync::Arc;

use crate::{
    delivery::Due,
    endpoint::{Credentials, Endpoint, Spec},
    event::Event,
    id::EndpointId,
    store::LoadedEvent,
    time::Timestamp,
};

pub(in crate::deliver::lanes) fn endpoint(number: u128, rate_per_second: Option<f64>) -> Endpoint {
    let now = Timestamp::from_millis(1);
    let spec = Spec { max_in_flight: 4, rate_per_second, ..Spec::plain("https://hooks.acme-voice.com/") };
    Endpoint {
        id: EndpointId::from_uuid(uuid::Uuid::from_u128(number)),
        tenant: "default".to_owned(),
        key: None,
        spec,
        credentials: Arc::new(Credentials::default()),
        enabled: true,
        disabled_reason: None,
        paused: false,
        must_be_verified: false,
        version: 1,
        created_at: now,
        unreadable: None,
        updated_at: now,
    }
}

pub(super) fn loaded(due: &Due) -> Arc<LoadedEvent> {
    loaded_of(due, "default")
}

pub(in crate::deliver::lanes) fn loaded_of(due: &Due, tenant: &str) -> Arc<LoadedEvent> {
    let event = Event { tenant: tenant.to_owned(), ..Event::plain(due.id.event()) };
    Arc::new(LoadedEvent { event, payload: Some(bytes::Bytes::from_static(b"{}")) })
}
