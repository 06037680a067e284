//! Who watches: each request that is opened, and every half second what waits, is held against the promises.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    STEP,
    database::Database,
    receivers::{HEALTHY, RECEIVERS},
};
use crate::{
    delivery::{Due, LaneId},
    id::{DeliveryId, EndpointId, EventId},
    store::NodeId,
};

/// What is due in a lane that may send is opened within this, also after whatever happened: a lease of 12 s ends, others
/// notice within a second, and locks of whoever stands still are held for some more.
const BOUND: Duration = Duration::from_secs(20);

/// Promise 12.
const OBEYED_WITHIN: Duration = Duration::from_millis(1_100);

/// A request that was opened. Nodes live one after another through a step of the world's time: between two of them, moments
/// are known as exactly as that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opened {
    pub(super) receiver: usize,
    pub(super) event: EventId,
    pub(super) attempt: i32,
    pub(super) by: NodeId,
    pub(super) at: Duration,
    /// When the receiver is done with it.
    pub(super) until: Duration,
}

/// What was seen.
#[derive(Default)]
pub(super) struct Witness {
    /// The endpoints of the receivers, in their order.
    pub(super) endpoints: Vec<EndpointId>,
    /// What broke a promise, in words.
    pub(super) broken: Vec<String>,
    /// Waiting counts from here on at the earliest.
    pub(super) excused: Duration,
    /// The past, or the clock, of the database was changed: nodes may act on what was true until they notice.
    pub(super) deceived: Duration,
    /// When what callers committed, or were told is accepted, became so.
    pub(super) owed: BTreeMap<EventId, Duration>,
    /// When a node last stopped standing still that had something picked.
    pub(super) stood_still: Duration,
    /// When something last kept nodes from following changes.
    pub(super) troubled: Duration,
    requests: Vec<Opened>,
    /// The last time each attempt was opened.
    attempts: BTreeMap<(EventId, usize, i32), Opened>,
    reached: BTreeSet<(EventId, usize)>,
    /// When a request to each receiver was last opened.
    last: BTreeMap<usize, Duration>,
}

impl Witness {
    fn break_promise(&mut self, at: Duration, what: String) {
        if self.broken.len() < 20 {
            self.broken.push(format!("{:9.3} s: {what}", at.as_secs_f64()));
        }
    }

    /// Something keeps nodes from the database, or from doing anything, until then.
    pub(super) fn excuse_until(&mut self, until: Duration) {
        self.excused = self.excused.max(until);
        self.troubled = self.troubled.max(until);
    }

    /// Until then nodes may act on what is true no more.
    pub(super) fn deceive_until(&mut self, until: Duration) {
        self.deceived = self.deceived.max(until);
        self.excuse_until(until);
    }

    /// The delivery that an event owes to a receiver.
    fn delivery(&self, database: &Database, event: EventId, receiver: usize) -> Option<DeliveryId> {
        let endpoint = *self.endpoints.get(receiver)?;
        let all = database.tables.deliveries.range(event.delivery(0)..=event.delivery(u16::MAX));
        all.map(|(_, due)| due).find(|due| due.endpoint == Some(endpoint)).map(|due| due.id)
    }

    pub(super) fn opened(&mut self, database: &Database, request: Opened) {
        let Opened { receiver, event, attempt, by, at, .. } = request;
        let lane = LaneId::of_endpoint(self.endpoints[receiver]);
        let told = format!("{event} to {receiver}, attempt {attempt}, by {}", by.0);
        let pending = self.delivery(database, event, receiver);
        if at >= self.deceived {
            // Promise 15: whoever sends, owns.
            let owns = database.lease_runs(by) && database.owner(lane.shard()) == Some(by);
            let was_handed_over = pending.is_some_and(|id| database.was_handed_over(id, lane));
            if !owns && !was_handed_over {
                self.break_promise(at, format!("opened without owning its shard: {told}"));
            }
            // Promises 3 and 6: only what is pending, as it stands, and once. A node that has lost its lease may still have it
            // open, and be the first to record it.
            let before = self.attempts.get(&(event, receiver, attempt));
            let attempts = pending.map(|id| database.tables.deliveries[&id].attempts);
            let is_of_another = before.is_some_and(|before| !database.lease_runs(before.by));
            if let Some(before) = before.filter(|_| !is_of_another) {
                let first = format!("{:.3} s by {}", before.at.as_secs_f64(), before.by.0);
                self.break_promise(at, format!("opened twice, first at {first}: {told}"));
            } else if attempts != Some(attempt - 1) && !is_of_another {
                self.break_promise(at, format!("opened, and its row counts {attempts:?}: {told}"));
            }
        }
        self.check_limits(database, request, &told);
        let (since, is_paused) = database.changed(self.endpoints[receiver]);
        if is_paused && at > since.max(self.troubled) + OBEYED_WITHIN {
            self.break_promise(at, format!("opened while paused: {told}"));
        }
        self.requests.retain(|before| before.until > at || before.at + Duration::from_secs(2) > at);
        self.requests.push(request);
        self.attempts.insert((event, receiver, attempt), request);
        self.reached.insert((event, receiver));
        self.last.insert(receiver, at);
    }

    /// Promise 11. What a node had open whose lease was lost does not count.
    fn check_limits(&mut self, database: &Database, request: Opened, told: &str) {
        let Opened { receiver, by, at, .. } = request;
        let counts = |before: &&Opened| {
            before.receiver == receiver
                && (before.by == by || database.lease_runs(before.by) || database.left.contains(&before.by))
        };
        if let Some(most) = RECEIVERS[receiver].max_in_flight {
            let open = self.requests.iter().filter(counts).filter(|before| before.until > at + STEP).count() + 1;
            if open > most as usize && at >= self.deceived {
                self.break_promise(at, format!("{open} open at once: {told}"));
            }
        }
        if let Some(rate) = RECEIVERS[receiver].rate_per_second {
            let second = Duration::from_secs(1) - STEP;
            let recent: Vec<_> = self.requests.iter().filter(counts).filter(|before| before.at + second > at).collect();
            // A shard that moves may add one, and so may a node that stood still with one picked.
            let moved = recent.iter().any(|before| before.by != by);
            let stood_still = at.saturating_sub(self.stood_still) < second;
            let most = rate.ceil() as usize + usize::from(moved) + usize::from(stood_still);
            let count = recent.len() + 1;
            if count > most && at >= self.deceived {
                self.break_promise(at, format!("{count} within a second: {told}"));
            }
        }
    }

    /// Looks at what waits.
    pub(super) fn look(&mut self, database: &Database) {
        let now = database.now;
        let excused = self.excused;
        let is_late = |since: Duration| now.saturating_sub(since.max(excused)) > BOUND;
        let mut late = Vec::new();
        for event in database.unrouted() {
            if self.owed.get(&event).is_some_and(|since| is_late(*since)) {
                late.push(format!("{event} is not routed"));
            }
        }
        for due in database.tables.deliveries.values() {
            let receiver = self.endpoints.iter().position(|endpoint| due.endpoint == Some(*endpoint));
            let Some(receiver) = receiver.filter(|receiver| *receiver < HEALTHY) else { continue };
            let waits = database.clock().since(due.due_at);
            let was_reached = self.reached.contains(&(due.id.event(), receiver));
            if was_reached || self.is_busy(receiver, now) || database.is_held(due.lane) {
                continue;
            }
            let (changed, is_paused) = database.changed(self.endpoints[receiver]);
            if !is_paused && is_late(now.saturating_sub(waits).max(changed)) {
                late.push(format!("{} to {receiver} was not opened", due.id));
            }
        }
        if let Some(first) = late.first() {
            let count = late.len();
            self.break_promise(now, format!("{first} within {BOUND:?} ({count} such)"));
            // Told once.
            self.excused = now;
        }
    }

    /// Whether a receiver that takes no more at a time than it does is being sent to.
    fn is_busy(&self, receiver: usize, now: Duration) -> bool {
        let is_slow = RECEIVERS[receiver].max_in_flight.is_some() || RECEIVERS[receiver].rate_per_second.is_some();
        is_slow && self.last.get(&receiver).is_some_and(|last| *last + BOUND > now)
    }

    /// All is well and has been for long: nothing healthy waits, and nothing is missing.
    pub(super) fn conclude(&mut self, database: &Database) {
        let now = database.now;
        // A clock that was set back has put off what waits; and who is slow may still be at it, as long as it is at it.
        let is_due = |due: &&Due| due.due_at <= database.clock();
        for due in database.tables.deliveries.values().filter(is_due) {
            let receiver = self.endpoints.iter().position(|endpoint| due.endpoint == Some(*endpoint));
            if receiver.is_some_and(|receiver| self.is_busy(receiver, now)) {
                continue;
            }
            if receiver.is_some_and(|receiver| receiver < HEALTHY) {
                self.break_promise(now, format!("{} to {receiver:?} is pending in the end", due.id));
            }
        }
        for (id, reason) in &database.tables.dead {
            let receiver = self.receiver_of(database, *id);
            if receiver.is_some_and(|receiver| receiver < HEALTHY) {
                self.break_promise(now, format!("{id} to {receiver:?} is dead ({reason:?})"));
            }
        }
        for event in self.owed.keys().copied().collect::<Vec<_>>() {
            if !database.tables.events.contains_key(&event) {
                self.break_promise(now, format!("{event} was accepted and is gone"));
            }
        }
        for id in database.unrouted().collect::<Vec<_>>() {
            self.break_promise(now, format!("{id} is not routed in the end"));
        }
    }

    /// Whom a delivery is for: each event of the simulation goes to one receiver, and its type names it.
    fn receiver_of(&self, database: &Database, id: DeliveryId) -> Option<usize> {
        let (event, _) = database.tables.events.get(&id.event())?;
        event.event_type.strip_prefix("to.")?.parse().ok()
    }

    /// How many requests receivers have seen of how many events.
    pub(super) fn seen(&self) -> (usize, usize) {
        (self.attempts.len(), self.reached.len())
    }
}
