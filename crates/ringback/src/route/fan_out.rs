//! Fan-out: which deliveries an event gets. A pure function of the event and the configuration.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    delivery::{LaneId, Marks, NewDelivery},
    directory::Directory,
    egress::Egress,
    endpoint::{
        Endpoint, KeptDestination, TargetUrl,
        filter::{Facts, Failed},
    },
    event::Event,
    id::{EndpointId, EventId},
    schedule::Schedule,
    seal::MasterKeys,
    store::{Routing, Verdict},
};

/// Deliveries are numbered in 16 bits.
const DELIVERIES_MAX: usize = u16::MAX as usize;

/// A filter that said neither yes nor no, and why.
pub(crate) type FailedFilter = (EndpointId, Failed);

/// Decides which deliveries `event` gets, by this version of the configuration. The payload is read only if an endpoint that
/// selects the event has a filter that asks for it; filters that fail are told, and let the event through.
pub(crate) fn fan_out(
    event: &Event,
    payload: Option<&[u8]>,
    directory: &Directory,
    egress: &Egress,
    keys: &MasterKeys,
) -> (Routing, Vec<FailedFilter>) {
    let mut failed = Vec::new();
    let verdict = match (&event.unreadable, &event.destination) {
        (Some(why), _) => set_aside(event, why.clone()),
        (None, Some(destination)) => inline(event, destination, directory, egress, keys),
        (None, None) => registered(event, payload, directory, &mut failed),
    };
    (Routing { config_version: directory.version, verdict }, failed)
}

/// How many filters may be asked about an event.
pub(crate) fn filters_for(event: &Event, directory: &Directory) -> usize {
    let goes_to_endpoints = event.unreadable.is_none() && event.destination.is_none();
    if goes_to_endpoints { directory.filters_of(&event.tenant) } else { 0 }
}

/// The routing of a test event: its endpoint alone, whatever the endpoint's selectors.
pub(crate) fn to_one(event: EventId, endpoint: &Endpoint, directory: &Directory) -> Routing {
    let marks = Marks { test: true, ..Marks::default() };
    let delivery = NewDelivery {
        id: event.delivery(1),
        lane: endpoint.lane(),
        endpoint: Some(endpoint.id),
        ordering_key: None,
        marks,
        schedule: Schedule::default(),
    };
    Routing { config_version: directory.version, verdict: Verdict::Deliveries(vec![delivery]) }
}

/// The verdict on an event whose recipients cannot be read: one dead letter that says why.
pub(super) fn set_aside(event: &Event, detail: String) -> Verdict {
    // A dead letter never waits in a lane, but its row must name one.
    let lane = LaneId::of_inline(&event.tenant, "", "", 0);
    Verdict::Unroutable { delivery: only(event, lane), detail }
}

fn registered(event: &Event, payload: Option<&[u8]>, directory: &Directory, failed: &mut Vec<FailedFilter>) -> Verdict {
    let facts = Facts::of(event, payload);
    let mut wants = |endpoint: &Endpoint| {
        endpoint.wants(&facts).unwrap_or_else(|why| {
            failed.push((endpoint.id, why));
            true
        })
    };
    let deliveries: Vec<_> = addressed(event, directory)
        .filter(|endpoint| endpoint.selects(&event.event_type) && wants(endpoint))
        .take(DELIVERIES_MAX)
        .zip(1..)
        .map(|(endpoint, number)| NewDelivery {
            id: event.id.delivery(number),
            lane: endpoint.lane(),
            endpoint: Some(endpoint.id),
            ordering_key: event.ordering_key.clone().filter(|_| endpoint.spec.ordered),
            marks: Marks::default(),
            schedule: event.schedule,
        })
        .collect();
    if deliveries.is_empty() { Verdict::Unmatched } else { Verdict::Deliveries(deliveries) }
}

/// The endpoints that an event names, or all of its tenant, oldest first. Each name is looked up in a map: comparing it
/// with the keys of ten thousand endpoints would take long.
pub(crate) fn addressed<'d>(
    event: &'d Event,
    directory: &'d Directory,
) -> Box<dyn Iterator<Item = &'d Arc<Endpoint>> + 'd> {
    match &event.endpoint_keys {
        None => Box::new(directory.of_tenant(&event.tenant)),
        Some(keys) => {
            let named = keys.iter().filter_map(|key| directory.by_key(&event.tenant, key));
            let in_order: BTreeMap<_, _> = named.map(|endpoint| (endpoint.id, endpoint)).collect();
            Box::new(in_order.into_values())
        }
    }
}

fn inline(event: &Event, destination: &str, directory: &Directory, egress: &Egress, keys: &MasterKeys) -> Verdict {
    let kept = serde_json::from_str(destination).map_err(|error| format!("destination: {error}"));
    match kept.and_then(|kept| lane_of(&kept, &event.tenant, event.id, directory, egress, keys)) {
        Ok(lane) => Verdict::Deliveries(vec![only(event, lane)]),
        Err(detail) => set_aside(event, detail),
    }
}

fn only(event: &Event, lane: LaneId) -> NewDelivery {
    let (marks, schedule) = (Marks::default(), event.schedule);
    NewDelivery { id: event.id.delivery(1), lane, endpoint: None, ordering_key: None, marks, schedule }
}

/// The lane of an inline destination of an event; otherwise why nothing can be sent there, for operators.
pub(crate) fn lane_of(
    kept: &KeptDestination,
    tenant: &str,
    event: EventId,
    directory: &Directory,
    egress: &Egress,
    keys: &MasterKeys,
) -> Result<LaneId, String> {
    let inherit = kept.endpoint_key.as_deref().and_then(|key| directory.by_key(tenant, key));
    let url = match inherit {
        // The delivery waits until the endpoint that it inherits from can be read; the rest is checked then.
        Some(endpoint) if endpoint.unreadable.is_some() => {
            TargetUrl::parse(&kept.url, egress).map_err(|invalid| invalid.to_string())?.0
        }
        _ => kept.usable(event, keys, inherit.map(AsRef::as_ref), egress)?.url,
    };
    Ok(LaneId::of_inline(tenant, url.scheme(), url.host(), url.port()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{endpoint::Spec, time::Timestamp};

    fn event(destination: Option<&str>) -> Event {
        Event {
            id: EventId::new(Timestamp::now()),
            seq: 1,
            tenant: "default".to_owned(),
            event_type: "CALL_ENDED".to_owned(),
            key: None,
            ordering_key: None,
            idempotency_key: None,
            occurred_at: Timestamp::now(),
            endpoint_keys: None,
            destination: destination.map(str::to_owned),
            trace: None,
            schedule: Default::default(),
            metadata: None,
            test: false,
            unreadable: None,
        }
    }

    fn keys() -> MasterKeys {
        MasterKeys::parse(&"0".repeat(64), &[]).unwrap()
    }

    #[test]
    fn an_event_that_nobody_wants_is_unmatched_and_no_dead_letter() {
        let (routing, _) = fan_out(&event(None), None, &Directory::default(), &Egress::default(), &keys());
        assert_eq!(routing.verdict, Verdict::Unmatched);
    }

    fn registered_at(now: Timestamp) -> Endpoint {
        Endpoint {
            id: EndpointId::new(now),
            tenant: "default".to_owned(),
            key: None,
            spec: Spec::plain("https://example.com/"),
            credentials: Arc::default(),
            enabled: true,
            disabled_reason: None,
            paused: false,
            version: 1,
            created_at: now,
            updated_at: now,
            unreadable: None,
            must_be_verified: false,
        }
    }

    #[test]
    fn filters_leave_events_out_and_those_that_fail_let_them_through() {
        let mut directory = Directory::default();
        for (millis, filter) in [(1, "payload.n > 1"), (2, "payload.n < 1"), (3, "payload.missing == 1")] {
            let now = Timestamp::from_millis(millis);
            let mut endpoint = registered_at(now);
            endpoint.spec.filter = Some(filter.parse().unwrap());
            directory.put(endpoint);
        }
        assert_eq!(filters_for(&event(None), &directory), 3);
        assert_eq!(filters_for(&event(Some(r#"{"url":"https://example.com/"}"#)), &directory), 0);
        let routed = |payload: Option<&[u8]>| {
            let (routing, failed) = fan_out(&event(None), payload, &directory, &Egress::default(), &keys());
            let count = match routing.verdict {
                Verdict::Deliveries(deliveries) => deliveries.len(),
                Verdict::Unmatched => 0,
                other @ Verdict::Unroutable { .. } => panic!("{other:?}"),
            };
            (count, failed.len())
        };
        assert_eq!(routed(Some(br#"{"n":2}"#)), (2, 1));
        assert_eq!(routed(Some(br#"{"n":2,"missing":2}"#)), (1, 0));
        assert_eq!(routed(Some(b"no JSON")), (3, 3));
        assert_eq!(routed(None), (3, 3));
        let id = directory.all().next().unwrap().id;
        directory.remove(id);
        assert_eq!(filters_for(&event(None), &directory), 2);
    }

    #[test]
    fn an_event_that_cannot_be_read_is_dead_at_once_and_says_why() {
        let event = Event { unreadable: Some("endpoint_keys has 1001 entries".to_owned()), ..event(None) };
        let (routing, _) = fan_out(&event, None, &Directory::default(), &Egress::default(), &keys());
        assert!(matches!(routing.verdict, Verdict::Unroutable { detail, .. } if detail.contains("1001 entries")));
    }

    #[test]
    fn an_inline_destination_that_cannot_be_used_is_dead_at_once() {
        for destination in [r#"{"url":"ftp://example.com"}"#, r#"{"url":"http://0x7f.1/"}"#, "{}"] {
            let (routing, _) =
                fan_out(&event(Some(destination)), None, &Directory::default(), &Egress::default(), &keys());
            assert!(matches!(routing.verdict, Verdict::Unroutable { .. }), "{destination}");
        }
    }

    #[test]
    fn inline_destinations_of_one_origin_share_a_lane() {
        let lane = |url: &str| {
            let destination = format!(r#"{{"url":"{url}"}}"#);
            match fan_out(&event(Some(&destination)), None, &Directory::default(), &Egress::default(), &keys())
                .0
                .verdict
            {
                Verdict::Deliveries(deliveries) => deliveries[0].lane,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(lane("https://hooks.acme-voice.com/a"), lane("https://hooks.acme-voice.com/b?c=1"));
        assert_ne!(lane("https://hooks.acme-voice.com/a"), lane("https://hooks.acme-voice.com:8443/a"));
    }
}
