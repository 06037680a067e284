//! Looking dead letters up, and discarding them. [`Engine::replay_delivery`] sends one again.

use std::collections::{BTreeSet, HashMap};

use serde_json::json;

use crate::{
    Engine,
    audit::{Action, Actor},
    delivery::{LaneId, Status},
    endpoint::{KeptDestination, as_it_is_sent},
    id::DeliveryId,
    store::{self, DeadGroup, DeliveryFilter, DeliveryRow, GroupFilter, Page},
    time::Timestamp,
};

/// Most groups of dead letters that are told of.
pub const GROUPS_MAX: u32 = 1_000;

/// Dead letters in groups, and the hosts they were to go to.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    /// Newest death first, each with its URL's host; `None` if that cannot be read.
    pub items: Vec<(DeadGroup, Option<String>)>,
    /// How many more groups there are than [`GROUPS_MAX`].
    pub more: u64,
}

impl Engine {
    /// Dead letters, newest death first: at most `limit` of those that died before a moment, or at that moment and have
    /// a smaller id. A page may hold fewer than there are.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn dead_letters(
        &self,
        filter: &DeliveryFilter,
        before: Option<(Timestamp, DeliveryId)>,
        limit: u32,
    ) -> store::Result<Page<DeliveryRow, (Timestamp, DeliveryId)>> {
        self.store().list_dead_letters(filter, before, limit).await
    }

    /// All dead letters that match, in groups of one destination, type, cause and last answer. Counts are exact; the time
    /// that this takes grows with the number of dead letters in the filter's time.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn dead_letter_groups(&self, filter: &GroupFilter) -> store::Result<Groups> {
        let found = self.store().group_dead_letters(filter, GROUPS_MAX).await?;
        let hosts = self.hosts_of(&found.items).await?;
        let items = found.items.into_iter().map(|group| {
            let host = hosts.get(&group.lane).cloned();
            (group, host)
        });
        Ok(Groups { items: items.collect(), more: found.more })
    }

    /// The hosts of the groups' lanes. That of an inline lane stands only in its events, so one of them is looked at.
    async fn hosts_of(&self, groups: &[DeadGroup]) -> store::Result<HashMap<LaneId, String>> {
        let endpoints: BTreeSet<_> = groups.iter().filter_map(|group| group.endpoint).collect();
        let urls = self.urls_of(endpoints.into_iter().collect()).await?;
        let mut hosts: HashMap<_, _> =
            urls.into_iter().filter_map(|(id, url)| Some((LaneId::of_endpoint(id), host_of(&url)?))).collect();
        for group in groups.iter().filter(|group| group.endpoint.is_none()) {
            if !hosts.contains_key(&group.lane)
                && let Some(row) = self.delivery(group.example).await?
                && let Some(url) = row.event.destination.as_deref().and_then(KeptDestination::url_of)
            {
                hosts.extend(host_of(&url).map(|host| (group.lane, host)));
            }
        }
        Ok(hosts)
    }

    /// Discards a dead letter: it becomes cancelled. False if there is none with this id.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn discard(&self, id: DeliveryId, by: &Actor) -> store::Result<bool> {
        let Some(row) = self.delivery(id).await? else { return Ok(false) };
        let record = by
            .asks(Action::DiscardDeadLetter, id, Some(&row.event.tenant))
            .before(json!({"status": Status::Dead}))
            .after(json!({"status": Status::Cancelled}));
        let discarded = self.store().discard_dead_letter(id, &record).await?;
        self.metrics().count_deliveries(Status::Cancelled, discarded.into());
        Ok(discarded)
    }
}

/// The host of a URL, as requests name it; a port that is not the scheme's own stands after it.
fn host_of(url: &str) -> Option<String> {
    let url = as_it_is_sent(url)?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}
