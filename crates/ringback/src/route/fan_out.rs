//! Fan-out: which deliveries an event gets. A pure function of the event and the configuration.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    delivery::{LaneId, Marks, NewDelivery},
    directory::Directory,
    egress::Egress,
    endpoint::{Endpoint, KeptDestination, TargetUrl},
    event::Event,
    id::EventId,
    schedule::Schedule,
    seal::MasterKeys,
    store::{Routing, Verdict},
};

/// Deliveries are numbered in 16 bits.
const DELIVERIES_MAX: usize = u16::MAX as usize;

/// Decides which deliveries `event` gets, by this version of the configuration.
pub(crate) fn fan_out(event: &Event, directory: &Directory, egress: &Egress, keys: &MasterKeys) -> Routing {
    let verdict = match (&event.unreadable, &event.destination) {
        (Some(why), _) => set_aside(event, why.clone()),
        (None, Some(destination)) => inline(event, destination, directory, egress, keys),
        (None, None) => registered(event, directory),
    };
    Routing { config_version: directory.version, verdict }
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

fn registered(event: &Event, directory: &Directory) -> Verdict {
    let deliveries: Vec<_> = addressed(event, directory)
        .filter(|endpoint| endpoint.selects(&event.event_type))
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
    use crate::time::Timestamp;

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
        let routing = fan_out(&event(None), &Directory::default(), &Egress::default(), &keys());
        assert_eq!(routing.verdict, Verdict::Unmatched);
    }

    #[test]
    fn an_event_that_cannot_be_read_is_dead_at_once_and_says_why() {
        let event = Event { unreadable: Some("endpoint_keys has 1001 entries".to_owned()), ..event(None) };
        let routing = fan_out(&event, &Directory::default(), &Egress::default(), &keys());
        assert!(matches!(routing.verdict, Verdict::Unroutable { detail, .. } if detail.contains("1001 entries")));
    }

    #[test]
    fn an_inline_destination_that_cannot_be_used_is_dead_at_once() {
        for destination in [r#"{"url":"ftp://example.com"}"#, r#"{"url":"http://0x7f.1/"}"#, "{}"] {
            let routing = fan_out(&event(Some(destination)), &Directory::default(), &Egress::default(), &keys());
            assert!(matches!(routing.verdict, Verdict::Unroutable { .. }), "{destination}");
        }
    }

    #[test]
    fn inline_destinations_of_one_origin_share_a_lane() {
        let lane = |url: &str| {
            let destination = format!(r#"{{"url":"{url}"}}"#);
            match fan_out(&event(Some(&destination)), &Directory::default(), &Egress::default(), &keys()).verdict {
                Verdict::Deliveries(deliveries) => deliveries[0].lane,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(lane("https://hooks.acme-voice.com/a"), lane("https://hooks.acme-voice.com/b?c=1"));
        assert_ne!(lane("https://hooks.acme-voice.com/a"), lane("https://hooks.acme-voice.com:8443/a"));
    }
}
