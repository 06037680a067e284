//! What is late and what is held, as far as a visitor may know. All reads are bounded, however much waits.

use std::{collections::HashMap, time::Duration};

use ringback::{
    Directory,
    delivery::{Due, HoldReason, LaneId, SHARDS, Status},
    endpoint::Endpoint,
    store::{self, Cursor, DeliveryFilter, DeliveryRow, FeedPage, Hold},
    time::Timestamp,
};

use crate::{api::Api, auth::Access, view::Destinations};

/// Most held lanes that are looked at, and most endpoints of a tenant whose lanes are.
const LANES_MAX: usize = 500;

/// Most held lanes that are shown.
const SHOWN_MAX: usize = 20;

/// Most of a tenant's pending deliveries among which inline ones are looked for.
const PENDING_MAX: u32 = 1_000;

/// What is late and what is held.
pub(super) struct Backlog {
    /// How long the oldest due delivery has been waiting, held ones included.
    pub(super) oldest_due: Option<Duration>,
    /// Lanes that may not send, the one that has waited longest first.
    pub(super) held: Vec<Held>,
    /// Further ones.
    pub(super) held_more: usize,
}

/// A lane that may not send.
pub(super) struct Held {
    pub(super) tenant: String,
    pub(super) url: Option<String>,
    /// The endpoint's name or key; none for inline destinations.
    pub(super) name: Option<String>,
    pub(super) reason: HoldReason,
    /// When it ends by itself.
    pub(super) until: Option<Timestamp>,
    /// Since when the oldest of its deliveries is due; nothing waits if unset.
    pub(super) due_at: Option<Timestamp>,
}

impl Backlog {
    pub(super) async fn read(api: &Api, access: &Access) -> store::Result<Self> {
        let directory = api.engine.directory().await?;
        let oldest_due = match access.tenant.as_deref() {
            None => oldest_of_all(api).await?,
            Some(tenant) => oldest_of(api, tenant, &directory).await?,
        };
        let mut held = held(api, access, &directory).await?;
        held.sort_by_key(|held| (held.due_at.is_none(), held.due_at));
        let held_more = held.len().saturating_sub(SHOWN_MAX);
        held.truncate(SHOWN_MAX);
        Ok(Self { oldest_due, held, held_more })
    }
}

/// The oldest of each shard is among them.
async fn oldest_of_all(api: &Api) -> store::Result<Option<Duration>> {
    let shards: Vec<_> = (0..SHARDS).map(|shard| (shard, Cursor::START)).collect();
    Ok(oldest(&api.store().feed(&shards, 1).await?))
}

/// Of one tenant, deliveries are found by their lanes: those of its endpoints, and, as inline ones cannot be
/// counted off, those among the pending that are listed first.
async fn oldest_of(api: &Api, tenant: &str, directory: &Directory) -> store::Result<Option<Duration>> {
    let lanes: Vec<_> = directory.of_tenant(tenant).take(LANES_MAX).map(|endpoint| endpoint.lane()).collect();
    let due = heads(api, &lanes).await?;
    let filter =
        DeliveryFilter { tenant: Some(tenant.to_owned()), status: Some(Status::Pending), ..DeliveryFilter::default() };
    let pending = api.store().list_deliveries(&filter, None, PENDING_MAX).await?.items;
    let inline = pending.iter().filter(|row| row.endpoint.is_none()).filter_map(|row| row.due_at).min();
    Ok(oldest(&due).max(inline.filter(|&due_at| due_at <= due.now).map(|due_at| due.now.since(due_at))))
}

fn oldest(page: &FeedPage) -> Option<Duration> {
    page.rows.iter().map(|due| page.now.since(due.due_at)).max()
}

/// The first due delivery of each lane.
async fn heads(api: &Api, lanes: &[LaneId]) -> store::Result<FeedPage> {
    let lanes: Vec<_> = lanes.iter().map(|&lane| (lane, Cursor::START)).collect();
    api.store().refill(&lanes, 1).await
}

async fn held(api: &Api, access: &Access, directory: &Directory) -> store::Result<Vec<Held>> {
    let shards: Vec<_> = (0..SHARDS).collect();
    let holds = api.store().load_holds(&shards).await?;
    let by_request = directory
        .all()
        .filter(|endpoint| access.sees(&endpoint.tenant))
        .filter_map(|endpoint| Some((endpoint.lane(), (endpoint.hold_reason()?, None))));
    let mut lanes: HashMap<_, _> =
        holds.iter().map(|hold: &Hold| (hold.lane, (hold.reason, Some(hold.until)))).chain(by_request).collect();
    let is_ours = |lane: LaneId| {
        let endpoint = directory.endpoint_of_lane(lane).and_then(|id| directory.endpoint(id));
        endpoint.is_none_or(|endpoint| access.sees(&endpoint.tenant))
    };
    lanes.retain(|&lane, _| is_ours(lane));
    let ids: Vec<_> = lanes.keys().copied().take(LANES_MAX).collect();
    let waiting: HashMap<_, _> = heads(api, &ids).await?.rows.into_iter().map(|due| (due.lane, due)).collect();
    let mut held = Vec::new();
    let mut inline = Vec::new();
    for lane in ids {
        let (reason, until) = lanes[&lane];
        let due = waiting.get(&lane);
        match directory.endpoint_of_lane(lane).and_then(|id| directory.endpoint(id)) {
            Some(endpoint) => held.push(Held::of_endpoint(endpoint, reason, until, due)),
            None => inline.extend(due.map(|due| (due.clone(), reason, until))),
        }
    }
    held.extend(inline_held(api, access, inline).await?);
    Ok(held)
}

/// An inline lane is known by what waits in it; one in which nothing does holds nobody back.
async fn inline_held(
    api: &Api,
    access: &Access,
    lanes: Vec<(Due, HoldReason, Option<Timestamp>)>,
) -> store::Result<Vec<Held>> {
    let mut held = Vec::new();
    for (due, reason, until) in lanes.into_iter().take(SHOWN_MAX) {
        let Some(row) = api.store().delivery(due.id).await?.filter(|row| access.sees(&row.event.tenant)) else {
            continue;
        };
        let url = destination(api, &row).await?;
        let tenant = row.event.tenant;
        held.push(Held { tenant, url, name: None, reason, until, due_at: Some(due.due_at) });
    }
    Ok(held)
}

async fn destination(api: &Api, row: &DeliveryRow) -> store::Result<Option<String>> {
    Ok(Destinations::of(&api.engine, std::slice::from_ref(row)).await?.url(row))
}

impl Held {
    fn of_endpoint(endpoint: &Endpoint, reason: HoldReason, until: Option<Timestamp>, due: Option<&Due>) -> Self {
        Self {
            tenant: endpoint.tenant.clone(),
            url: Some(endpoint.spec.url.clone()),
            name: endpoint.spec.name.clone().or_else(|| endpoint.key.clone()),
            reason,
            until,
            due_at: due.map(|due| due.due_at),
        }
    }
}
