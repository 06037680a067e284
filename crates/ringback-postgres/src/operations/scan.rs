//! Bounded reads: how far a page may look, and stretches of time as stretches of ids.

use ringback::{
    delivery::{LaneId, Status},
    endpoint::KeptDestination,
    event::Event,
    id::{EndpointId, EventId},
    store::{DeliveryFilter, EventFilter, Span},
    time::Timestamp,
};
use uuid::Uuid;

/// Most rows that a page reads when its filter has conditions that no index serves.
pub(super) const ROWS_MAX: u32 = 2_000;

/// Most events of one key that a page of deliveries looks at.
pub(super) const EVENTS_OF_KEY_MAX: u32 = 1_000;

/// The ids of events accepted in a stretch of time, and of their deliveries: from the first to below the second.
pub(super) fn ids(span: Span) -> (Uuid, Uuid) {
    let bound = |time: Timestamp| {
        // Ids hold milliseconds: an event accepted at or after `time` has at least the next whole one.
        EventId::floor(Timestamp::from_micros(time.micros().saturating_add(999))).uuid()
    };
    (span.since.map_or(Uuid::nil(), bound), span.until.map_or(Uuid::max(), bound))
}

/// Whether an event is one that a list of events asks for, its time and key aside.
pub(super) fn admits_event(filter: &EventFilter, event: &Event) -> bool {
    filter.tenant.as_ref().is_none_or(|tenant| *tenant == event.tenant)
        && filter.event_type.as_ref().is_none_or(|event_type| *event_type == event.event_type)
        && filter.key.as_ref().is_none_or(|key| Some(key) == event.key.as_ref())
}

/// Whether a list of deliveries has conditions that only the delivery's event can answer.
pub(super) const fn needs_event(filter: &DeliveryFilter) -> bool {
    filter.tenant.is_some() || filter.event_type.is_some() || filter.host.is_some()
}

/// Whether a delivery's event and destination are what a list of deliveries asks for.
pub(super) fn admits_delivery(filter: &DeliveryFilter, event: &Event, endpoint: Option<EndpointId>) -> bool {
    filter.tenant.as_ref().is_none_or(|tenant| *tenant == event.tenant)
        && filter.event_type.as_ref().is_none_or(|event_type| *event_type == event.event_type)
        && filter.key.as_ref().is_none_or(|key| Some(key) == event.key.as_ref())
        && filter.host.as_ref().is_none_or(|(host, endpoints)| match endpoint {
            Some(endpoint) => endpoints.contains(&endpoint),
            None => inline_host(event).is_some_and(|inline| inline.eq_ignore_ascii_case(host)),
        })
}

/// The host of an event's inline destination, read leniently: what came by SQL may lack its scheme.
fn inline_host(event: &Event) -> Option<String> {
    let kept: KeptDestination = serde_json::from_str(event.destination.as_deref()?).ok()?;
    let rest = kept.url.split_once("://").map_or(&*kept.url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.starts_with('[') {
        return host.split_inclusive(']').next().map(str::to_owned);
    }
    host.split(':').next().map(str::to_owned)
}

/// The number that `delivery_anywhere` shows for a status.
pub(super) const fn status_code(status: Status) -> i16 {
    match status {
        Status::Pending => 1,
        Status::Delivered => 2,
        Status::Dead => 3,
        Status::Cancelled => 4,
    }
}

/// Reads [`status_code`] back.
pub(super) const fn status_of(code: i16) -> Option<Status> {
    match code {
        1 => Some(Status::Pending),
        2 => Some(Status::Delivered),
        3 => Some(Status::Dead),
        4 => Some(Status::Cancelled),
        _ => None,
    }
}

/// The lanes of these rows, each once.
pub(super) fn lanes(lanes: impl Iterator<Item = LaneId>) -> Vec<i64> {
    let mut lanes: Vec<i64> = lanes.map(LaneId::as_i64).collect();
    lanes.sort_unstable();
    lanes.dedup();
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(url: &str) -> Event {
        Event {
            id: EventId::floor(Timestamp::from_millis(1)),
            seq: 1,
            tenant: "default".to_owned(),
            event_type: "CALL_ENDED".to_owned(),
            key: None,
            ordering_key: None,
            idempotency_key: None,
            occurred_at: Timestamp::default(),
            endpoint_keys: None,
            destination: Some(serde_json::json!({ "url": url }).to_string()),
            test: false,
        }
    }

    #[test]
    fn the_host_of_an_inline_destination_is_found_without_a_scheme_too() {
        for url in ["https://u:p@example.com:8443/hook", "example.com/hook", "http://example.com?x=/y", "example.com"] {
            assert_eq!(inline_host(&to(url)).as_deref(), Some("example.com"), "{url}");
        }
        assert_eq!(inline_host(&to("http://[::1]:8080/")).as_deref(), Some("[::1]"));
    }

    #[test]
    fn a_stretch_of_time_holds_its_beginning_and_not_its_end() {
        let at = |micros| Timestamp::from_micros(micros);
        let (from, to) = ids(Span { since: Some(at(5_000)), until: Some(at(7_000)) });
        let event = |ms| EventId::floor(Timestamp::from_millis(ms)).uuid();
        assert!(event(5) >= from && event(4) < from);
        assert!(event(6) < to && event(7) >= to);
        let (from, _) = ids(Span { since: Some(at(5_001)), until: None });
        assert!(event(5) < from && event(6) >= from);
    }
}
