//! Lanes that may not send, and how long the oldest due delivery has waited: in the whole installation, or of one tenant.
//! All reads are bounded, however much waits.

use std::{collections::HashMap, time::Duration};

use crate::{
    Engine,
    delivery::{Due, HoldReason, LaneId, SHARDS, Status},
    directory::Directory,
    endpoint::{Endpoint, KeptDestination},
    id::EndpointId,
    store::{self, Cursor, DeliveryFilter, FeedPage},
    time::Timestamp,
};

/// Most held lanes that are looked at, and most endpoints of a tenant whose lanes are looked at.
const LANES_MAX: usize = 500;

/// Inline deliveries of a tenant are looked for among so many of its pending deliveries.
const INLINE_MAX: u32 = 1_000;

/// A lane that may not send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The tenant that owns it.
    pub tenant: String,
    /// The endpoint; `None` for inline destinations.
    pub endpoint: Option<EndpointId>,
    /// Where it sends; `None` if that cannot be read.
    pub url: Option<String>,
    /// The endpoint's name or key; `None` for inline destinations.
    pub name: Option<String>,
    /// Why it may not send.
    pub reason: HoldReason,
    /// When the hold ends by itself, if it does.
    pub until: Option<Timestamp>,
    /// Since when the oldest of its deliveries is due; nothing waits if unset.
    pub due_at: Option<Timestamp>,
}

/// Why a lane may not send, and when that ends by itself, if it does.
type Hold = (HoldReason, Option<Timestamp>);

impl Engine {
    /// The lanes that may not send now: held, or their endpoint paused or not enabled; by the reason, which for an operator's
    /// word is that word, whatever else holds the lane.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(super) async fn held_by_reason(&self) -> store::Result<Vec<(HoldReason, Vec<LaneId>)>> {
        let holds = self.holds(None, &*self.directory().await?).await?;
        let of = |reason| holds.iter().filter(|(_, hold)| hold.0 == reason).map(|(lane, _)| *lane).collect();
        Ok(HoldReason::ALL.iter().map(|&reason| (reason, of(reason))).collect())
    }

    /// At most `most` lanes that may not send, the one that has waited longest first, and how many more there are. Inline
    /// lanes in which nothing waits are left out.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn held(&self, tenant: Option<&str>, most: usize) -> store::Result<(Vec<Held>, usize)> {
        let directory = self.directory().await?;
        let holds: Vec<_> = self.holds(tenant, &directory).await?.into_iter().take(LANES_MAX).collect();
        let lanes: Vec<_> = holds.iter().map(|(lane, _)| *lane).collect();
        let waiting: HashMap<_, _> = self.heads(&lanes).await?.rows.into_iter().map(|due| (due.lane, due)).collect();
        let (mut held, mut inline) = (Vec::new(), Vec::new());
        for (lane, hold) in holds {
            let due = waiting.get(&lane);
            match directory.endpoint_of_lane(lane).and_then(|id| directory.endpoint(id)) {
                Some(endpoint) => held.push(Held::of_endpoint(endpoint, hold, due)),
                None => inline.extend(due.map(|due| (due, hold))),
            }
        }
        for (due, hold) in inline.into_iter().take(most) {
            held.extend(self.inline(tenant, due, hold).await?);
        }
        held.sort_by_key(|held| (held.due_at.is_none(), held.due_at));
        let more = held.len().saturating_sub(most);
        held.truncate(most);
        Ok((held, more))
    }

    /// For how long the oldest due delivery has been due, including held ones; `None` if none is due.
    ///
    /// For one tenant, the lanes of its endpoints are looked at. Its inline lanes are not listed anywhere, so they are
    /// looked for among its newest pending deliveries.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn oldest_due(&self, tenant: Option<&str>) -> store::Result<Option<Duration>> {
        let Some(tenant) = tenant else {
            return self.store().oldest_due().await;
        };
        let directory = self.directory().await?;
        let lanes: Vec<_> = directory.of_tenant(tenant).take(LANES_MAX).map(|endpoint| endpoint.lane()).collect();
        let due = self.heads(&lanes).await?;
        let filter = DeliveryFilter {
            tenant: Some(tenant.to_owned()),
            status: Some(Status::Pending),
            ..DeliveryFilter::default()
        };
        let pending = self.deliveries(&filter, None, INLINE_MAX).await?.items;
        let inline = pending.iter().filter(|row| row.endpoint.is_none()).filter_map(|row| row.due_at).min();
        Ok(oldest(&due).max(inline.filter(|&due_at| due_at <= due.now).map(|due_at| due.now.since(due_at))))
    }

    /// Every lane that may not send, except those of other tenants' endpoints.
    async fn holds(&self, tenant: Option<&str>, directory: &Directory) -> store::Result<HashMap<LaneId, Hold>> {
        let shards: Vec<_> = (0..SHARDS).collect();
        let by_answer = self.store().load_holds(&shards).await?;
        let by_request =
            directory.all().filter_map(|endpoint| Some((endpoint.lane(), (endpoint.hold_reason()?, None))));
        let mut holds: HashMap<_, _> =
            by_answer.iter().map(|hold| (hold.lane, (hold.reason, Some(hold.until)))).chain(by_request).collect();
        holds.retain(|&lane, _| {
            let endpoint = directory.endpoint_of_lane(lane).and_then(|id| directory.endpoint(id));
            tenant.is_none_or(|tenant| endpoint.is_none_or(|endpoint| endpoint.tenant == tenant))
        });
        Ok(holds)
    }

    /// The first due delivery of each lane.
    async fn heads(&self, lanes: &[LaneId]) -> store::Result<FeedPage> {
        let lanes: Vec<_> = lanes.iter().map(|&lane| (lane, Cursor::START)).collect();
        self.store().feed_lanes(&lanes, 1).await
    }

    /// The tenant and URL of an inline lane stand only in its deliveries: `due` is its first one. `None` if the lane belongs
    /// to another tenant.
    async fn inline(&self, tenant: Option<&str>, due: &Due, (reason, until): Hold) -> store::Result<Option<Held>> {
        let row = self.delivery(due.id).await?;
        let ours = row.filter(|row| tenant.is_none_or(|tenant| row.event.tenant == tenant));
        Ok(ours.map(|row| Held {
            endpoint: None,
            url: row.event.destination.as_deref().and_then(KeptDestination::url_of),
            tenant: row.event.tenant,
            name: None,
            reason,
            until,
            due_at: Some(due.due_at),
        }))
    }
}

fn oldest(page: &FeedPage) -> Option<Duration> {
    page.rows.iter().map(|due| page.now.since(due.due_at)).max()
}

impl Held {
    fn of_endpoint(endpoint: &Endpoint, (reason, until): Hold, due: Option<&Due>) -> Self {
        Self {
            tenant: endpoint.tenant.clone(),
            endpoint: Some(endpoint.id),
            url: Some(endpoint.spec.url.clone()),
            name: endpoint.spec.name.clone().or_else(|| endpoint.key.clone()),
            reason,
            until,
            due_at: due.map(|due| due.due_at),
        }
    }
}
