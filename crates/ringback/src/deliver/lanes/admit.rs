//! How due rows enter their lanes: each once, as many as there is room for. The rest is read when there is room again.

use std::{
    collections::{HashSet, hash_map::Entry},
    sync::Arc,
};

use tokio::time::Instant;

use super::{Courier, Lanes, lane::Lane, payload_bytes, queue::Waiting, tenants::UNKNOWN};
use crate::{
    delivery::{Due, LaneId, Shard},
    directory::Directory,
    id::EndpointId,
    store::{Cursor, LoadedEvent, PendingLane},
    time::Timestamp,
};

/// Most payload bytes that waiting rows keep in memory. Events beyond it are read when their delivery's turn comes.
pub(super) const EVENT_BYTES_MAX: usize = 64 * 1024 * 1024;

impl Lanes {
    /// Admits the rows of a read that this node does not have yet, of shards that it took before the read started: what
    /// an earlier read saw, the shard's last owner may have sent since. Rows come in order of (`due_at`, id) within a
    /// lane; `clock` is the database's time. Returns the shards of which a row was admitted.
    pub(crate) fn admit(
        &mut self,
        read: u64,
        rows: Vec<(Due, Option<Arc<LoadedEvent>>)>,
        directory: &Directory,
        clock: Timestamp,
        now: Instant,
    ) -> HashSet<Shard> {
        self.clock = Some((clock, now));
        let mut took = HashSet::new();
        for (due, event) in rows {
            let shard = due.lane.shard();
            if self.owned[usize::from(shard)].is_some_and(|before| read > before)
                && self.admit_one(due, event, directory, clock, now)
            {
                took.insert(shard);
            }
        }
        took
    }

    /// True if the row was admitted.
    fn admit_one(
        &mut self,
        due: Due,
        event: Option<Arc<LoadedEvent>>,
        directory: &Directory,
        clock: Timestamp,
        now: Instant,
    ) -> bool {
        let id = due.lane;
        let bytes = event.as_deref().map_or(0, payload_bytes);
        let keep_event = self.event_bytes + bytes <= EVENT_BYTES_MAX;
        // No lane: the endpoint was deleted, and the store cancels its rows.
        let Some(lane) = self.lane_or_new(id, due.endpoint, directory, now) else { return false };
        let Some(place) = lane.place_for(&due, clock) else {
            self.ask_top_up(id);
            return false;
        };
        let is_anonymous = lane.tenant == UNKNOWN;
        if !self.known.admit(&due) {
            return false;
        }
        if let Some(event) = event.as_ref().filter(|_| is_anonymous) {
            self.learn_tenant(id, &event.event.tenant);
        }
        let event = if keep_event { event } else { None };
        if event.is_some() {
            self.event_bytes += bytes;
        }
        if let Some(lane) = self.lanes.get_mut(&id)
            && let Some(displaced) = lane.push(place, Waiting { due, event })
        {
            self.forget(&[displaced]);
        }
        self.enter_ring(id);
        true
    }

    /// A lane of this node was read up to `read_to`, and may have more rows in the database after that.
    pub(crate) fn fall_behind(&mut self, pending: &PendingLane, read_to: Cursor, directory: &Directory, now: Instant) {
        if !self.owns(pending.lane.shard()) {
            return;
        }
        if let Some(lane) = self.lane_or_new(pending.lane, pending.endpoint, directory, now) {
            lane.fall_behind(read_to);
        }
        self.ask_top_up(pending.lane);
    }

    /// The lane, created if need be; `None` if its endpoint does not exist (any more).
    pub(super) fn lane_or_new(
        &mut self,
        id: LaneId,
        endpoint: Option<EndpointId>,
        directory: &Directory,
        now: Instant,
    ) -> Option<&mut Lane> {
        match self.lanes.entry(id) {
            Entry::Occupied(entry) => {
                let lane = entry.into_mut();
                // The lane was created for a stored hold before this node knew the endpoint, hence as an inline lane.
                if lane.courier.endpoint.is_none()
                    && let Some(endpoint) = endpoint.and_then(|endpoint| directory.endpoint(endpoint))
                {
                    lane.courier = Arc::new(Courier::of_endpoint(endpoint, &self.egress));
                    lane.configure(endpoint, now);
                    self.tenants.remove_lane(lane.tenant);
                    lane.tenant = self.tenants.add_lane(&endpoint.tenant);
                }
                Some(lane)
            }
            Entry::Vacant(entry) => {
                let lane = match endpoint {
                    Some(endpoint) => {
                        let endpoint = directory.endpoint(endpoint)?;
                        let courier = Courier::of_endpoint(endpoint, &self.egress);
                        let tenant = self.tenants.add_lane(&endpoint.tenant);
                        Lane::new(Arc::new(courier), tenant, Some(endpoint), now)
                    }
                    None => Lane::new(Arc::new(Courier::inline()), UNKNOWN, None, now),
                };
                Some(entry.insert(lane))
            }
        }
    }

    /// An event of an inline lane has been read: the event's tenant is the lane's.
    pub(crate) fn learn_tenant(&mut self, id: LaneId, tenant: &str) {
        if let Some(lane) = self.lanes.get_mut(&id)
            && lane.tenant == UNKNOWN
        {
            lane.tenant = self.tenants.add_lane(tenant);
        }
    }

    /// Has the lane's further rows read if it has room for them.
    pub(super) fn ask_top_up(&mut self, id: LaneId) {
        if let Some(lane) = self.lanes.get_mut(&id)
            && lane.wants_top_up()
        {
            lane.topping_up = true;
            self.top_ups.push(id);
        }
    }

    /// A delivery of the lane is due that no other read will find: the whole lane is read again.
    pub(crate) fn read_lane_again(&mut self, id: LaneId) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.read_again();
        }
        self.ask_top_up(id);
    }

    /// The task that reads has restarted: its reads under way are lost, so all shards and the lanes that were being read
    /// are read from the beginning.
    pub(crate) fn read_anew(&mut self) {
        self.fresh = self.owned_shards();
        self.top_ups.clear();
        let was_topping_up = |(id, lane): (&LaneId, &mut Lane)| std::mem::take(&mut lane.topping_up).then_some(*id);
        let behind: Vec<_> = self.lanes.iter_mut().filter_map(was_topping_up).collect();
        behind.into_iter().for_each(|id| self.read_lane_again(id));
    }

    /// Has a lane read again even if it is parked, for its test deliveries: they are sent while other rows wait.
    pub(super) fn force_top_up(&mut self, id: LaneId) {
        if let Some(lane) = self.lanes.get_mut(&id)
            && !std::mem::replace(&mut lane.topping_up, true)
        {
            self.top_ups.push(id);
        }
    }

    /// Up to `most` lanes that have room for rows that are only in the database, each with the cursor to read from.
    pub(crate) fn take_top_ups(&mut self, most: usize) -> Vec<(LaneId, Cursor)> {
        let count = self.top_ups.len().min(most);
        let ids: Vec<_> = self.top_ups.drain(..count).collect();
        ids.into_iter()
            .filter_map(|id| {
                let lane = self.lanes.get_mut(&id)?;
                // From here on the lane admits new rows again; if this read does not bring all, it falls behind again.
                Some((id, lane.behind.take()?))
            })
            .collect()
    }

    /// The rows of a lane's top-up have been admitted; `rest` is where the read stopped if there may be more.
    pub(crate) fn topped_up(&mut self, id: LaneId, rest: Option<Cursor>) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.topping_up = false;
            if let Some(rest) = rest {
                lane.fall_behind(rest);
            }
        }
        self.ask_top_up(id);
    }

    /// A read of the database begins. The caller passes the number to [`Lanes::read_applied`] once the rows are admitted.
    pub(crate) fn read_started(&mut self) -> u64 {
        self.known.read_started()
    }

    /// The rows of a read have been admitted.
    pub(crate) fn read_applied(&mut self, read: u64) {
        self.known.read_applied(read);
    }
}
