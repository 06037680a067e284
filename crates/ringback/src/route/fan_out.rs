//! Whom an event goes to. Pure: the event, the endpoints, an answer.

use crate::{
    deliver::send::Egress,
    delivery::{LaneId, Marks, NewDelivery},
    directory::Directory,
    endpoint::{Endpoint, KeptDestination},
    event::Event,
    id::EventId,
    seal::MasterKeys,
    store::{Routing, Verdict},
};

/// Deliveries are numbered in 16 bits.
const DELIVERIES_MAX: usize = u16::MAX as usize;

/// Decides whom `event` goes to, by this version of the configuration.
pub(crate) fn fan_out(event: &Event, directory: &Directory, egress: &Egress, keys: &MasterKeys) -> Routing {
    let verdict = match &event.destination {
        Some(destination) => inline(event, destination, directory, egress, keys),
        None => registered(event, directory),
    };
    Routing { config_version: directory.version, verdict }
}

/// The routing of a test event: its endpoint alone, whatever that selects.
pub(crate) fn to_one(event: EventId, endpoint: &Endpoint, directory: &Directory) -> Routing {
    let marks = Marks { test: true, ..Marks::default() };
    let delivery = NewDelivery {
        id: event.delivery(1),
        lane: endpoint.lane(),
        endpoint: Some(endpoint.id),
        ordering_key: None,
        marks,
    };
    Routing { config_version: directory.version, verdict: Verdict::Deliveries(vec![delivery]) }
}

fn registered(event: &Event, directory: &Directory) -> Verdict {
    let addressed = |endpoint: &Endpoint| match &event.endpoint_keys {
        Some(keys) => endpoint.key.as_ref().is_some_and(|key| keys.contains(key)),
        None => true,
    };
    let deliveries: Vec<_> = directory
        .of_tenant(&event.tenant)
        .filter(|endpoint| addressed(endpoint) && endpoint.selects(&event.event_type))
        .take(DELIVERIES_MAX)
        .zip(1..)
        .map(|(endpoint, number)| NewDelivery {
            id: event.id.delivery(number),
            lane: endpoint.lane(),
            endpoint: Some(endpoint.id),
            ordering_key: event.ordering_key.clone().filter(|_| endpoint.spec.ordered),
            marks: Marks::default(),
        })
        .collect();
    if deliveries.is_empty() { Verdict::Unmatched } else { Verdict::Deliveries(deliveries) }
}

fn inline(event: &Event, destination: &str, directory: &Directory, egress: &Egress, keys: &MasterKeys) -> Verdict {
    let lane = inline_lane(event, destination, directory, egress, keys);
    let delivery = |lane| NewDelivery {
        id: event.id.delivery(1),
        lane,
        endpoint: None,
        ordering_key: None,
        marks: Marks::default(),
    };
    match lane {
        Ok(lane) => Verdict::Deliveries(vec![delivery(lane)]),
        Err(detail) => {
            // It never waits in a lane, but its row names one like every other.
            let lane = LaneId::of_inline(&event.tenant, "", "", 0);
            Verdict::Unroutable { delivery: delivery(lane), detail }
        }
    }
}

fn inline_lane(
    event: &Event,
    destination: &str,
    directory: &Directory,
    egress: &Egress,
    keys: &MasterKeys,
) -> Result<LaneId, String> {
    let kept: KeptDestination = serde_json::from_str(destination).map_err(|error| format!("destination: {error}"))?;
    let inherit = kept.endpoint_key.as_deref().and_then(|key| directory.by_key(&event.tenant, key));
    let target = kept.usable(event.id, keys, inherit.map(AsRef::as_ref), egress)?;
    let url = &target.url;
    Ok(LaneId::of_inline(&event.tenant, url.scheme(), url.host(), url.port()))
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
            test: false,
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
