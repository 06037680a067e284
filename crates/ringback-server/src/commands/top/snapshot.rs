//! What `top` shows, asked of the API: the ledger, how much waits, and destinations with what waits and died there.

use std::{collections::HashMap, time::Duration};

use ringback::time::Timestamp;
use serde::Serialize;
use tokio::time::Instant;
use url::Url;

use crate::{
    client::{
        Client,
        views::{Delivery, Group, Groups, Ledger, Page},
    },
    failure::{Failure, Result},
};

/// Pending deliveries that are looked at: the most that one page has.
const LOOKED_AT: usize = 1_000;

/// How far back the ledger and dead letters count.
const LATELY: Duration = Duration::from_secs(24 * 60 * 60);

/// The ledger counts every event of the time. A count is followed by a rest of so many times its duration.
const REST: u32 = 20;

/// What was found in one look.
#[derive(Debug, Serialize)]
pub(super) struct Snapshot {
    pub(super) at: Timestamp,
    /// Of the events of the last 24 hours.
    pub(super) ledger: Ledger,
    /// `None` where it was not asked, because one tenant was meant or the token is of one, and where the server's database
    /// did not answer in time.
    pub(super) waiting: Option<Waiting>,
    /// The worst first.
    pub(super) destinations: Vec<Destination>,
}

/// How much waits in the whole installation.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Waiting {
    pub(super) pending: u64,
    pub(super) oldest_due_seconds: f64,
    pub(super) lanes_held: u64,
}

/// An endpoint, or a host of URLs that came with events, with what waits and died there.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Destination {
    pub(super) tenant: String,
    pub(super) endpoint_id: Option<String>,
    pub(super) host: String,
    pub(super) pending: usize,
    pub(super) hold_reason: Option<String>,
    pub(super) dead: u64,
    /// Of the newest dead letter.
    pub(super) last_error: Option<String>,
}

/// The ledger as it was last counted.
#[derive(Debug, Default)]
pub(super) struct Ledgers(Option<(Ledger, Instant)>);

impl Ledgers {
    async fn ledger(&mut self, client: &Client, query: &[(&str, String)]) -> Result<Ledger> {
        if let Some((ledger, rest_until)) = &self.0
            && Instant::now() < *rest_until
        {
            return Ok(ledger.clone());
        }
        let begun = Instant::now();
        let ledger: Ledger = client.get("/v1/ledger", query).await?.accepted(false)?.read()?;
        self.0 = Some((ledger.clone(), Instant::now() + begun.elapsed() * REST));
        Ok(ledger)
    }
}

impl Snapshot {
    /// Asks for everything.
    pub(super) async fn take(client: &Client, tenant: Option<&str>, ledgers: &mut Ledgers) -> Result<Self> {
        let of_tenant: Vec<_> = tenant.map(|tenant| ("tenant", tenant.to_owned())).into_iter().collect();
        let now = Timestamp::now();
        let newest = [("status", "pending".to_owned()), ("limit", LOOKED_AT.to_string())];
        let pending = [&of_tenant[..], &newest].concat();
        let pending: Page<Delivery> = client.get("/v1/deliveries", &pending).await?.accepted(false)?.read()?;
        let lately = [&of_tenant[..], &[("since", (now - LATELY).to_string())]].concat();
        let dead: Groups = client.get("/v1/dead-letters/groups", &lately).await?.accepted(false)?.read()?;
        Ok(Self {
            at: now,
            ledger: ledgers.ledger(client, &lately).await?,
            waiting: if tenant.is_none() { waiting(client).await? } else { None },
            destinations: destinations(pending.items, dead.items),
        })
    }
}

/// How much waits; `None` if the token may not ask because it is of one tenant, or the server does not know.
async fn waiting(client: &Client) -> Result<Option<Waiting>> {
    let answer = client.get("/metrics", &[]).await?;
    if answer.status == http::StatusCode::FORBIDDEN {
        return Ok(None);
    }
    let answer = answer.accepted(false)?;
    let page = str::from_utf8(&answer.body).map_err(Failure::failed)?;
    Ok(read(page))
}

/// Reads the figures of a page in Prometheus' format; `None` if it leaves out what the database is asked for.
fn read(page: &str) -> Option<Waiting> {
    let (mut waiting, mut is_known) = (Waiting::default(), false);
    for line in page.lines() {
        let Some((name, value)) = line.split_once(' ') else { continue };
        let value: f64 = value.parse().unwrap_or_default();
        match name {
            "ringback_store_up" => is_known = value > 0.0,
            "ringback_deliveries_pending" => waiting.pending = value as u64,
            "ringback_oldest_due_age_seconds" => waiting.oldest_due_seconds = value,
            // One for each reason.
            _ if name.starts_with("ringback_lanes_held{") => waiting.lanes_held += value as u64,
            _ => {}
        }
    }
    is_known.then_some(waiting)
}

/// Deliveries and groups of dead letters by destination, most dead ones first, then most pending ones.
fn destinations(pending: Vec<Delivery>, dead: Vec<Group>) -> Vec<Destination> {
    let mut found: HashMap<(String, String), Destination> = HashMap::new();
    let mut at = |tenant: String, endpoint_id: Option<String>, host: String, add: &mut dyn FnMut(&mut Destination)| {
        let place = endpoint_id.clone().unwrap_or_else(|| host.clone());
        let new = || Destination { tenant: tenant.clone(), endpoint_id, host, ..Destination::default() };
        add(found.entry((tenant.clone(), place)).or_insert_with(new));
    };
    for delivery in pending {
        let host = host_of(delivery.to());
        let Delivery { tenant, endpoint_id, mut hold_reason, .. } = delivery;
        at(tenant, endpoint_id, host, &mut |destination| {
            destination.pending += 1;
            destination.hold_reason = destination.hold_reason.take().or_else(|| hold_reason.take());
        });
    }
    // The newest death comes first.
    for group in dead {
        let mut error = match (group.last_status_code, group.last_error) {
            (Some(code), None) => Some(code.to_string()),
            (Some(code), Some(error)) if error == "status" => Some(code.to_string()),
            (_, error) => error,
        };
        at(group.tenant, group.endpoint_id, group.host.unwrap_or_default(), &mut |destination| {
            destination.dead += group.count;
            destination.last_error = destination.last_error.take().or_else(|| error.take());
        });
    }
    let mut found: Vec<_> = found.into_values().collect();
    found.sort_by(|one, other| {
        let rank = |each: &Destination| (each.dead, each.pending);
        rank(other).cmp(&rank(one)).then_with(|| (&one.tenant, &one.host).cmp(&(&other.tenant, &other.host)))
    });
    found
}

/// The host of a URL, with the port if that is not the scheme's own, as groups of dead letters name it.
fn host_of(to: &str) -> String {
    let Ok(url) = Url::parse(to) else { return to.to_owned() };
    let port = url.port().map(|port| format!(":{port}"));
    format!("{}{}", url.host_str().unwrap_or(to), port.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn delivery(endpoint: Option<&str>, url: &str, more: Value) -> Delivery {
        let mut delivery = json!({
            "id": "dlv_1", "event_id": "evt_1", "endpoint_id": endpoint, "tenant": "t", "type": "a", "key": null,
            "url": url, "status": "dead", "dead_reason": null, "attempt_count": 1, "next_attempt_at": null,
            "held_until": null, "hold_reason": null, "created_at": "2026-01-31T12:00:00Z", "finished_at": null,
        });
        for (name, value) in more.as_object().unwrap() {
            delivery[name] = value.clone();
        }
        serde_json::from_value(delivery).unwrap()
    }

    fn group(endpoint: Option<&str>, host: &str, count: u64, more: Value) -> Group {
        let mut group = json!({
            "tenant": "t", "endpoint_id": endpoint, "host": host, "type": "a", "reason": "exhausted", "count": count,
            "first_died_at": "2026-01-31T12:00:00Z", "last_died_at": "2026-01-31T12:00:00Z", "example": "dlv_1",
        });
        for (name, value) in more.as_object().unwrap() {
            group[name] = value.clone();
        }
        serde_json::from_value(group).unwrap()
    }

    #[test]
    fn the_destination_with_most_dead_letters_comes_first_with_the_newest_answer() {
        let held = json!({"status": "pending", "hold_reason": "failing"});
        let pending = vec![
            delivery(Some("ep_1"), "https://a/", held.clone()),
            delivery(None, "https://b:8443/x", held.clone()),
            delivery(None, "https://b:8443/y", held),
        ];
        let dead = vec![
            group(Some("ep_1"), "a", 1_200, json!({"last_status_code": 503, "last_error": "status"})),
            group(Some("ep_1"), "old", 3, json!({"last_error": "timeout"})),
            group(None, "b:8443", 1, json!({"last_error": "dns"})),
        ];
        let found = destinations(pending, dead);
        let first = &found[0];
        assert_eq!((first.host.as_str(), first.dead, first.pending), ("a", 1_203, 1));
        assert_eq!((first.last_error.as_deref(), first.hold_reason.as_deref()), (Some("503"), Some("failing")));
        let second = &found[1];
        assert_eq!((found.len(), second.host.as_str(), second.endpoint_id.as_ref()), (2, "b:8443", None));
        assert_eq!((second.dead, second.pending), (1, 2), "one host, whatever the paths");
    }

    #[test]
    fn figures_are_read_by_their_names() {
        let page = "# HELP ringback_lanes_held x\nringback_deliveries_pending 12\nringback_oldest_due_age_seconds 4.5\n\
                    ringback_lanes_held{reason=\"paused\"} 2\nringback_lanes_held{reason=\"failing\"} 1\n\
                    ringback_attempts_total{outcome=\"failed\",error=\"dns\"} 7\nringback_store_up 1\n";
        assert_eq!(read(page), Some(Waiting { pending: 12, oldest_due_seconds: 4.5, lanes_held: 3 }));
        assert_eq!(read("ringback_store_up 0\n"), None);
    }
}
