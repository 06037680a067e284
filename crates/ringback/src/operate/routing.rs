//! Why an endpoint got an event, or did not.
//!
//! No row stores that for each event and endpoint. The event's row has the configuration version that it was routed with,
//! and the selectors of every version are kept; so the decision is made again here, by the same rule.

use std::collections::{HashMap, HashSet};

use crate::{
    Engine,
    compute::compute,
    endpoint::{
        Filter, KeptDestination,
        filter::{self, Facts},
        selects,
    },
    event::Event,
    id::EndpointId,
    store::{self, DeliveryFilter, EndpointAsOf, EventRow, EventState, PayloadRead},
    word::words,
};

/// Most entries of an answer.
pub const ENTRIES_MAX: usize = 1_000;

words! {
    /// Why an endpoint was skipped.
    #[non_exhaustive]
    Skipped {
        TypeNotSelected "type_not_selected": "none of its selectors fits the event's type",
        NotAddressed "not_addressed":
            "the event named others: by `endpoint_keys`, by its own destination, or as a test",
        Filtered "filtered": "its filter left the event out",
        UnknownEndpointKey "unknown_endpoint_key": "the event named a key that no endpoint of the tenant had",
    }
}

/// What routing decided about one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutingEntry {
    /// The endpoint; `None` for an inline destination, and for a key that no endpoint has.
    pub endpoint: Option<EndpointId>,
    /// The endpoint's key at that time, or the key that the event named.
    pub endpoint_key: Option<String>,
    /// Why it got nothing; `None` if it got a delivery.
    pub skipped: Option<Skipped>,
    /// Why its filter said neither yes nor no, so that the event went through.
    pub filter_failed: Option<String>,
}

/// What an endpoint's filter says about an event.
enum Said {
    Wanted,
    NotWanted,
    Failed(String),
}

impl Engine {
    /// What routing decided about each endpoint of the event's tenant, at most [`ENTRIES_MAX`]. Empty for an
    /// event that is not routed yet, or was folded into another.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn routing(&self, row: &EventRow) -> store::Result<Vec<RoutingEntry>> {
        let (Some(version), EventState::Routed | EventState::Unmatched) = (row.config_version, row.state) else {
            return Ok(Vec::new());
        };
        // Reads all endpoints, also if there are more than an answer has: those that the event named must be among them.
        let limit = self.settings().max_endpoints_per_tenant.max(1);
        let endpoints = self.store().endpoints_as_of(&row.event.tenant, version, limit).await?;
        if row.event.test {
            let tested = self.tested_endpoint(row).await?;
            return Ok(of_test(tested, endpoints));
        }
        let said = self.said_by_filters(row, &endpoints).await?;
        let mut entries = decide(&row.event, endpoints, &said);
        if row.state == EventState::Routed {
            self.add_owed_since(row, &mut entries).await?;
        }
        Ok(shown(entries))
    }

    /// What the filters say of those endpoints that the event would go to otherwise. Once its payload is gone, it is told by
    /// its deliveries.
    async fn said_by_filters(
        &self,
        row: &EventRow,
        endpoints: &[EndpointAsOf],
    ) -> store::Result<HashMap<EndpointId, Said>> {
        let named = named(&row.event);
        let is_asked = |endpoint: &&EndpointAsOf| verdict(&row.event, named.as_ref(), endpoint).is_none();
        let asked = endpoints.iter().filter(is_asked);
        let asked: Vec<_> = asked.filter_map(|endpoint| Some((endpoint.id, endpoint.filter.clone()?))).collect();
        if asked.is_empty() {
            return Ok(HashMap::new());
        }
        if let PayloadRead::Bytes(payload) = self.payload(row.event.id).await? {
            let (event, effort) = (row.event.clone(), filter::effort(asked.len(), payload.len()));
            return Ok(compute(effort, move || said(asked, &Facts::of(&event, Some(&payload)))).await);
        }
        let deliveries = self.deliveries_of(row.event.id, ENTRIES_MAX).await?;
        let there: HashSet<_> = deliveries.iter().filter_map(|delivery| delivery.endpoint).collect();
        let of = |id| if there.contains(&id) { Said::Wanted } else { Said::NotWanted };
        Ok(asked.into_iter().map(|(id, _)| (id, of(id))).collect())
    }

    /// Adds deliveries that a replay of missing ones has created since the event was routed.
    async fn add_owed_since(&self, row: &EventRow, entries: &mut Vec<RoutingEntry>) -> store::Result<()> {
        let filter = DeliveryFilter { event: Some(row.event.id), ..DeliveryFilter::default() };
        let page = self.deliveries(&filter, None, ENTRIES_MAX as u32).await?;
        let directory = self.directory().await?;
        for id in page.items.iter().filter(|delivery| delivery.marks.replay).filter_map(|delivery| delivery.endpoint) {
            match entries.iter_mut().find(|entry| entry.endpoint == Some(id)) {
                Some(entry) => entry.skipped = None,
                None => entries.push(RoutingEntry {
                    endpoint: Some(id),
                    endpoint_key: directory.endpoint(id).and_then(|endpoint| endpoint.key.clone()),
                    skipped: None,
                    filter_failed: None,
                }),
            }
        }
        Ok(())
    }

    /// The endpoint of a test event, which only its one delivery names.
    async fn tested_endpoint(&self, row: &EventRow) -> store::Result<Option<EndpointId>> {
        let filter = DeliveryFilter { event: Some(row.event.id), ..DeliveryFilter::default() };
        let page = self.deliveries(&filter, None, 1).await?;
        Ok(page.items.first().and_then(|delivery| delivery.endpoint))
    }
}

fn said(asked: Vec<(EndpointId, String)>, facts: &Facts<'_>) -> HashMap<EndpointId, Said> {
    let judged = asked.into_iter().map(|(id, text)| {
        let said = Filter::parse(&text).map_err(|wrong| wrong.to_string());
        let said = said.and_then(|filter| filter.judge(facts).map_err(|why| why.to_string()));
        let said = match said {
            Ok(true) => Said::Wanted,
            Ok(false) => Said::NotWanted,
            Err(why) => Said::Failed(why),
        };
        (id, said)
    });
    judged.collect()
}

fn named(event: &Event) -> Option<HashSet<&str>> {
    event.endpoint_keys.as_ref().map(|keys| keys.iter().map(String::as_str).collect())
}

fn decide(event: &Event, endpoints: Vec<EndpointAsOf>, said: &HashMap<EndpointId, Said>) -> Vec<RoutingEntry> {
    let named = named(event);
    let mut entries = match (&event.destination, &event.endpoint_keys) {
        (Some(destination), _) => vec![inline(destination)],
        (None, Some(keys)) => unknown_keys(keys, &endpoints),
        (None, None) => Vec::new(),
    };
    entries.extend(endpoints.into_iter().map(|endpoint| {
        let skipped = verdict(event, named.as_ref(), &endpoint);
        let (filtered, filter_failed) = match said.get(&endpoint.id).filter(|_| skipped.is_none()) {
            Some(Said::NotWanted) => (Some(Skipped::Filtered), None),
            Some(Said::Failed(why)) => (None, Some(why.clone())),
            Some(Said::Wanted) | None => (None, None),
        };
        RoutingEntry {
            skipped: skipped.or(filtered),
            endpoint: Some(endpoint.id),
            endpoint_key: endpoint.key,
            filter_failed,
        }
    }));
    shown(entries)
}

/// Why an event does not go to an endpoint, its filter apart; the same rule as `route::fan_out`.
fn verdict(event: &Event, named: Option<&HashSet<&str>>, endpoint: &EndpointAsOf) -> Option<Skipped> {
    let addressed = match named {
        Some(keys) => endpoint.key.as_deref().is_some_and(|key| keys.contains(key)),
        None => event.destination.is_none() && event.unreadable.is_none(),
    };
    if !addressed {
        Some(Skipped::NotAddressed)
    } else if !selects(&endpoint.event_types, &event.event_type) {
        Some(Skipped::TypeNotSelected)
    } else {
        None
    }
}

fn inline(destination: &str) -> RoutingEntry {
    let kept = serde_json::from_str::<KeptDestination>(destination).ok();
    let endpoint_key = kept.and_then(|kept| kept.endpoint_key);
    RoutingEntry { endpoint: None, endpoint_key, skipped: None, filter_failed: None }
}

fn unknown_keys(keys: &[String], endpoints: &[EndpointAsOf]) -> Vec<RoutingEntry> {
    let mut known: HashSet<_> = endpoints.iter().filter_map(|endpoint| endpoint.key.as_deref()).collect();
    let unknown = keys.iter().filter(|key| known.insert(key));
    unknown
        .map(|key| RoutingEntry {
            endpoint: None,
            endpoint_key: Some(key.clone()),
            skipped: Some(Skipped::UnknownEndpointKey),
            filter_failed: None,
        })
        .collect()
}

fn of_test(tested: Option<EndpointId>, endpoints: Vec<EndpointAsOf>) -> Vec<RoutingEntry> {
    let entry = |endpoint: EndpointAsOf| RoutingEntry {
        skipped: (tested != Some(endpoint.id)).then_some(Skipped::NotAddressed),
        endpoint: Some(endpoint.id),
        endpoint_key: endpoint.key,
        filter_failed: None,
    };
    shown(endpoints.into_iter().map(entry).collect())
}

/// The entries of an answer. If there are too many, the most telling come first: deliveries, then near misses, then others.
fn shown(mut entries: Vec<RoutingEntry>) -> Vec<RoutingEntry> {
    if entries.len() > ENTRIES_MAX {
        entries.sort_by_key(|entry| match entry.skipped {
            None => 0,
            Some(Skipped::UnknownEndpointKey) => 1,
            Some(Skipped::Filtered) => 2,
            Some(Skipped::TypeNotSelected) => 3,
            Some(Skipped::NotAddressed) => 4,
        });
        entries.truncate(ENTRIES_MAX);
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::EventId, time::Timestamp};

    fn event() -> Event {
        Event::plain(EventId::new(Timestamp::from_millis(1_700_000_000_000)))
    }

    fn endpoint(key: &str, selector: &str) -> EndpointAsOf {
        EndpointAsOf {
            id: EndpointId::new(Timestamp::now()),
            key: Some(key.to_owned()),
            event_types: vec![selector.to_owned()],
            filter: None,
        }
    }

    fn told(event: &Event, endpoints: Vec<EndpointAsOf>) -> Vec<(Option<String>, Option<Skipped>)> {
        decide(event, endpoints, &HashMap::new()).into_iter().map(|entry| (entry.endpoint_key, entry.skipped)).collect()
    }

    #[test]
    fn every_endpoint_has_a_reason() {
        let endpoints = vec![endpoint("a", "call.*"), endpoint("b", "sms.*")];
        assert_eq!(
            told(&event(), endpoints.clone()),
            [(Some("a".into()), None), (Some("b".into()), Some(Skipped::TypeNotSelected))]
        );
        let named = Event { endpoint_keys: Some(vec!["b".into(), "c".into(), "c".into()]), ..event() };
        assert_eq!(
            told(&named, endpoints.clone()),
            [
                (Some("c".into()), Some(Skipped::UnknownEndpointKey)),
                (Some("a".into()), Some(Skipped::NotAddressed)),
                (Some("b".into()), Some(Skipped::TypeNotSelected)),
            ]
        );
        let inline = Event { destination: Some(r#"{"url":"https://example.com/"}"#.to_owned()), ..event() };
        assert_eq!(told(&inline, endpoints)[..2], [(None, None), (Some("a".into()), Some(Skipped::NotAddressed))]);
    }

    #[test]
    fn deliveries_are_told_first_where_there_are_too_many() {
        let mut endpoints: Vec<_> = (0..ENTRIES_MAX).map(|n| endpoint(&n.to_string(), "sms.*")).collect();
        endpoints.push(endpoint("last", "*"));
        let told = told(&event(), endpoints);
        assert_eq!(told.len(), ENTRIES_MAX);
        assert_eq!(told[0], (Some("last".into()), None));
    }
}
