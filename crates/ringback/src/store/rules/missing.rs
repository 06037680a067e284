//! Which events are missing at an endpoint: those that it now selects and has no delivery of.

use crate::{
    delivery::{LaneId, Marks, NewDelivery},
    endpoint::selects,
    id::EventId,
    schedule::Schedule,
    store::Wanting,
};

/// What a store has read of one event, in the transaction that acts on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routed {
    /// The event.
    pub event: EventId,
    /// Its type.
    pub event_type: String,
    /// Events with the same ordering key are delivered in order.
    pub ordering_key: Option<String>,
    /// Only to endpoints with these keys.
    pub endpoint_keys: Option<Vec<String>>,
    /// It came with a destination of its own.
    pub is_inline: bool,
    /// It is a test, which is for one endpoint alone.
    pub is_test: bool,
    /// Its payload is expunged or expired.
    pub payload_gone: bool,
    /// Routing found no endpoint that wants it. Otherwise it has deliveries, is not routed yet, or is a duplicate.
    pub is_unmatched: bool,
    /// The number of its last delivery; `None` if it has none.
    pub last: Option<u16>,
    /// It has a delivery to the endpoint, in whatever state.
    pub is_there: bool,
}

impl Routed {
    /// The delivery to create for the endpoint, with the event's next number; `None` if none is missing.
    #[must_use]
    pub fn missing_at(&self, wanting: &Wanting) -> Option<NewDelivery> {
        let is_named = match (&self.endpoint_keys, &wanting.key) {
            (None, _) => true,
            (Some(keys), Some(key)) => keys.contains(key),
            (Some(_), None) => false,
        };
        let is_for_endpoints = !self.is_inline && !self.is_test && is_named;
        let is_routed = self.is_unmatched || self.last.is_some();
        let is_missing = is_routed && !self.is_there && !self.payload_gone;
        if !is_for_endpoints || !is_missing || !selects(&wanting.event_types, &self.event_type) {
            return None;
        }
        let number = self.last.unwrap_or(0).checked_add(1)?;
        Some(NewDelivery {
            id: self.event.delivery(number),
            lane: LaneId::of_endpoint(wanting.endpoint),
            endpoint: Some(wanting.endpoint),
            ordering_key: self.ordering_key.clone().filter(|_| wanting.ordered),
            marks: Marks { replay: true, ..Marks::default() },
            // A replay is now: the time of its event does not count any more.
            schedule: Schedule::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::EndpointId, time::Timestamp};

    fn wanting() -> Wanting {
        Wanting {
            endpoint: EndpointId::new(Timestamp::from_millis(1)),
            tenant: "acme".to_owned(),
            key: Some("crm".to_owned()),
            event_types: vec!["call.*".to_owned()],
            ordered: false,
        }
    }

    fn routed() -> Routed {
        Routed {
            event: EventId::floor(Timestamp::from_millis(2)),
            event_type: "call.ended".to_owned(),
            ordering_key: Some("call-1".to_owned()),
            endpoint_keys: None,
            is_inline: false,
            is_test: false,
            payload_gone: false,
            is_unmatched: true,
            last: None,
            is_there: false,
        }
    }

    #[test]
    fn the_new_delivery_has_the_next_free_number() {
        let number = |last| {
            let event = Routed { last, is_unmatched: last.is_none(), ..routed() };
            event.missing_at(&wanting()).map(|delivery| delivery.id)
        };
        let event = routed().event;
        assert_eq!(number(None), Some(event.delivery(1)));
        assert_eq!(number(Some(2)), Some(event.delivery(3)));
        assert_eq!(number(Some(u16::MAX)), None, "there is no number left");
        let delivery = routed().missing_at(&wanting()).unwrap();
        assert!(delivery.marks.replay && delivery.ordering_key.is_none());
        let ordered = routed().missing_at(&Wanting { ordered: true, ..wanting() }).unwrap();
        assert_eq!(ordered.ordering_key.as_deref(), Some("call-1"));
    }

    #[test]
    fn only_what_the_endpoint_now_selects_and_does_not_have_is_missing() {
        type Change = fn(&mut Routed);
        let cases: [(&str, Change); 7] = [
            ("another type", |event| event.event_type = "agent.saved".to_owned()),
            ("a destination of its own", |event| event.is_inline = true),
            ("a test", |event| event.is_test = true),
            ("others named", |event| event.endpoint_keys = Some(vec!["other".to_owned()])),
            ("nothing to send", |event| event.payload_gone = true),
            ("not routed, or a duplicate", |event| event.is_unmatched = false),
            ("there already", |event| event.is_there = true),
        ];
        for (what, change) in cases {
            let mut event = routed();
            change(&mut event);
            assert_eq!(event.missing_at(&wanting()), None, "{what}");
        }
        let named = Routed { endpoint_keys: Some(vec!["crm".to_owned()]), ..routed() };
        assert!(named.missing_at(&wanting()).is_some());
        assert!(named.missing_at(&Wanting { key: None, ..wanting() }).is_none());
    }
}
