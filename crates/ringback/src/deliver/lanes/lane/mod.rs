//! One lane: the deliveries that wait for one destination, and what keeps them from being sent.
//!
//! Deliveries are sent in the order in which they are due, oldest first. A lane is late when its oldest delivery has been
//! due for longer than a minute, as after an outage. A late lane sends by turns the oldest of its backlog and one that
//! became due within the last minute: new events arrive within moments, while the backlog gets half of what the receiver
//! can take. This breaks no ordering key: only the first delivery of a key is ever here.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    courier::Courier,
    health::{Health, Symptom},
    hold::HoldNow,
    permits::{Pool, SLOW_AFTER},
    queue::{Queue, Waiting},
    rate::Rate,
    settle::Ended,
    tenants::TenantNumber,
    window::Window,
};
use crate::{
    delivery::Due,
    endpoint::{Endpoint, MAX_IN_FLIGHT_DEFAULT},
    id::{DeliveryId, EventId},
    store::{Cursor, LoadedEvent},
    time::Timestamp,
};

/// Most rows of one lane in memory; further rows stay in the database and are read when there is room.
/// At some 150 bytes a row, a lane costs at most 300 KB however long its backlog.
pub(super) const ROWS_MAX: usize = 2_000;

/// A lane with rows left in the database reads more when it has fewer than this in memory.
const ROWS_LOW: usize = ROWS_MAX / 2;

/// A lane whose oldest delivery has been due for longer is late.
const LATE_AFTER: Duration = Duration::from_secs(60);

/// Most fresh rows of a late lane: rows that became due within the last minute. The oldest beyond join the backlog.
const FRESH_MAX: usize = 256;

/// The milliseconds of a request's expected time that are one unit of cost.
const COST_UNIT_MS: f32 = 10.0;

/// The highest cost of a request, in units, so that a slow lane still gets a turn every few rounds.
const COST_MAX: f32 = 32.0;

/// Events are read ahead for so many window widths of requests at once: each statement has a fixed cost.
const ROUNDS_AHEAD: usize = 4;

/// Where a row waits in its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Queue,
    Fresh,
    Tests,
}

/// Why a lane cannot send now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    /// Nothing waits.
    Empty,
    /// As many requests are open as may be; the end of one unblocks the lane.
    Full,
    /// The event of the next delivery is being read.
    Reading,
    /// The endpoint is paused or disabled; a change unblocks the lane.
    Configured,
    /// The lane is held; the end of the hold unblocks it.
    Held,
    /// The rate limit allows the next request at this moment.
    Until(Instant),
}

/// The queue of one destination.
pub(super) struct Lane {
    pub(super) courier: Arc<Courier>,
    pub(super) tenant: TenantNumber,
    /// In order of arrival, which is the order of `due_at` except for rows that arrive late.
    queue: Queue,
    /// Rows that became due within the last minute, while the lane is late: every second turn is theirs.
    fresh: Queue,
    /// Whether the last turn was one of `fresh`.
    was_turn_of_fresh: bool,
    /// Ordering keys of which a delivery is open. Two deliveries of a key can be here, each the first of its key when it
    /// was read: a replay and a later delivery. They must not be open together.
    open_keys: Vec<Box<str>>,
    /// Deliveries whose turn came while another of their key was open.
    behind_their_key: Vec<Waiting>,
    /// Test deliveries: sent also while the endpoint is not enabled or its receiver is failing.
    tests: Queue,
    /// Open requests, including those that the shard's last owner left open.
    open: u32,
    window: Window,
    rate: Option<Rate>,
    /// The endpoint is paused or disabled.
    stopped: bool,
    /// Not even test deliveries may be sent: they could not be signed.
    holds_tests: bool,
    pub(super) held: Option<HoldNow>,
    /// The end of a short pause that is not stored.
    pub(super) paused_until: Option<Instant>,
    pub(super) health: Health,
    /// Rows after this cursor are only in the database: the lane is behind. `None` if it has all its rows.
    pub(super) behind: Option<Cursor>,
    /// A read of the rows after `behind` is under way or asked for.
    pub(super) topping_up: bool,
    /// A read of the next rows' events is under way or asked for.
    reading_ahead: bool,
    /// The pool in which the lane's requests start.
    pool: Pool,
    /// Moving mean of how long a request takes.
    mean_ms: f32,
    /// The cost that the lane may still spend in this round, in units.
    pub(super) deficit: f32,
    /// The pool and tenant in whose line the lane stands, if it stands in line.
    pub(super) in_line: Option<(Pool, TenantNumber)>,
}

impl Lane {
    pub(super) fn new(courier: Arc<Courier>, tenant: TenantNumber, endpoint: Option<&Endpoint>, now: Instant) -> Self {
        let mut lane = Self {
            courier,
            tenant,
            queue: Queue::default(),
            fresh: Queue::default(),
            was_turn_of_fresh: false,
            open_keys: Vec::new(),
            behind_their_key: Vec::new(),
            tests: Queue::default(),
            open: 0,
            window: Window::new(MAX_IN_FLIGHT_DEFAULT),
            rate: None,
            stopped: false,
            holds_tests: false,
            held: None,
            paused_until: None,
            health: Health::default(),
            behind: None,
            topping_up: false,
            reading_ahead: false,
            pool: Pool::Trial,
            mean_ms: 0.0,
            deficit: 0.0,
            in_line: None,
        };
        if let Some(endpoint) = endpoint {
            lane.configure(endpoint, now);
        }
        lane
    }

    /// Applies the endpoint's state and limits.
    pub(super) fn configure(&mut self, endpoint: &Endpoint, now: Instant) {
        (self.stopped, self.holds_tests) = (endpoint.holds(false), endpoint.holds(true));
        self.window.set_ceiling(endpoint.spec.max_in_flight);
        let unchanged = self.rate.as_ref().map(Rate::per_second) == endpoint.spec.rate_per_second;
        if !unchanged {
            self.rate = endpoint.spec.rate_per_second.map(|per_second| Rate::new(per_second, now));
        }
    }

    /// Whether the lane's rows stay in the database for now. It may not send for long, so they would only take up memory,
    /// and this node would not notice when the database expires them.
    pub(super) fn is_parked(&self) -> bool {
        self.stopped || self.held.is_some_and(|held| held.parks)
    }

    /// The queue that has room for a row; if none has, the lane is behind, starting with this row.
    pub(super) fn place_for(&mut self, due: &Due, clock: Timestamp) -> Option<Place> {
        let late = clock - LATE_AFTER;
        let place = if due.marks.test {
            Some(Place::Tests)
        } else if self.is_parked() {
            None
        } else if due.due_at > late && self.queue.front().is_some_and(|oldest| oldest.due.due_at <= late) {
            Some(Place::Fresh)
        } else {
            (self.behind.is_none() && self.queue.len() < ROWS_MAX).then_some(Place::Queue)
        };
        if place.is_none() {
            self.fall_behind(Cursor::before(due));
        }
        place
    }

    /// The lane may have rows after this cursor that are only in the database.
    pub(super) fn fall_behind(&mut self, from: Cursor) {
        self.behind = Some(self.behind.map_or(from, |behind| behind.min(from)));
    }

    /// Puts a row into its queue. Returns a fresh row that has no room any more, for the caller to forget: it is read
    /// again with the rest of the backlog.
    pub(super) fn push(&mut self, place: Place, waiting: Waiting) -> Option<Waiting> {
        match place {
            Place::Queue => self.queue.push_back(waiting),
            Place::Tests => self.tests.push_back(waiting),
            Place::Fresh => self.fresh.push_back(waiting),
        }
        if self.fresh.len() <= FRESH_MAX {
            return None;
        }
        let displaced = self.fresh.pop_front()?;
        if self.behind.is_none() && self.queue.len() < ROWS_MAX {
            self.queue.push_back(displaced);
            return None;
        }
        self.fall_behind(Cursor::before(&displaced.due));
        Some(displaced)
    }

    /// What keeps the next delivery from being sent at `now`; `None` if nothing does. If the delivery's event has still to
    /// be read, the rate limit is asked afterwards, by [`Self::send`].
    pub(super) fn blocked(&mut self, now: Instant) -> Option<Block> {
        // A person waits for the outcome of a test: only the ceiling and the receiver's wish for time delay it.
        let is_test = !self.tests.is_empty() && !self.holds_tests;
        if self.open >= if is_test { self.window.ceiling() } else { self.window.width() } {
            return Some(Block::Full);
        }
        if !is_test && self.queue.is_empty() && self.fresh.is_empty() {
            return Some(Block::Empty);
        }
        if let Some(block) = self.withheld(is_test, now) {
            return Some(block);
        }
        let is_bare = self.turn().front().is_some_and(|next| next.event.is_none());
        if is_bare && self.reading_ahead && !is_test {
            return Some(Block::Reading);
        }
        let free = self.rate.as_ref().filter(|_| !is_bare).map(|rate| rate.free(now));
        free.and_then(Result::err).map(Block::Until)
    }

    /// The configuration or hold that keeps a delivery from being sent at `now`.
    fn withheld(&self, is_test: bool, now: Instant) -> Option<Block> {
        if self.stopped && !is_test {
            return Some(Block::Configured);
        }
        let held = self.held.filter(|held| now < held.until && !(is_test && held.lets_tests_pass()));
        let is_held = held.is_some() || self.paused_until.is_some_and(|until| now < until);
        is_held.then_some(Block::Held)
    }

    /// A delivery that was taken out is about to be sent: the rate limit counts it. Reading its event may have taken long,
    /// so a pause or hold that began meanwhile still stops it.
    pub(super) fn send(&mut self, due: &Due, now: Instant) -> Result<(), Block> {
        let is_test = due.marks.test && !self.holds_tests;
        if let Some(block) = self.withheld(is_test, now) {
            return Err(block);
        }
        self.rate.as_mut().map_or(Ok(()), |rate| rate.take(now)).map_err(Block::Until)
    }

    /// A delivery that was taken out waits again, first of its queue.
    pub(super) fn put_back(&mut self, waiting: Waiting) {
        self.closed();
        self.release_key(&waiting.due);
        if waiting.due.marks.test { &mut self.tests } else { &mut self.queue }.push_front(waiting);
    }

    /// Takes the next delivery out; its request counts as open. `None` if of every waiting delivery's ordering key another
    /// delivery is open.
    pub(super) fn pop(&mut self) -> Option<Waiting> {
        loop {
            let waiting = self.next_queue().pop_front()?;
            if let Some(key) = &waiting.due.ordering_key {
                if self.open_keys.contains(key) {
                    self.behind_their_key.push(waiting);
                    continue;
                }
                self.open_keys.push(key.clone());
            }
            self.open += 1;
            return Some(waiting);
        }
    }

    /// A delivery that was taken out is open no longer: the next one of its ordering key may be opened.
    pub(super) fn release_key(&mut self, due: &Due) {
        let Some(key) = &due.ordering_key else { return };
        self.open_keys.retain(|open| open != key);
        for waiting in self.behind_their_key.extract_if(.., |waiting| waiting.due.ordering_key.as_ref() == Some(key)) {
            self.queue.push_front(waiting);
        }
    }

    /// Whether events are to be read ahead: it has fewer than one window width, and rows without. True once, until
    /// [`Self::look_ahead`] or [`Self::looked_ahead`].
    pub(super) fn wants_events(&mut self) -> bool {
        let wants = !self.reading_ahead && self.queue.lacks_events(self.window.width() as usize);
        self.reading_ahead |= wants;
        wants
    }

    /// The rows without events among the next [`ROUNDS_AHEAD`] window widths, at most `most`.
    pub(super) fn look_ahead(&mut self, most: usize) -> Vec<DeliveryId> {
        let rows = self.queue.without_events(ROUNDS_AHEAD * self.window.width() as usize, most);
        self.reading_ahead = !rows.is_empty();
        rows
    }

    /// Puts the events that were read beside at most `most` rows; returns the events that it kept.
    pub(super) fn looked_ahead<'a>(
        &mut self,
        most: usize,
        events: &'a HashMap<EventId, Arc<LoadedEvent>>,
    ) -> Vec<&'a LoadedEvent> {
        self.reading_ahead = false;
        self.queue.add_events(events, most)
    }

    /// The queue whose turn it is: tests first; in a late lane, backlog and fresh rows by turns. A probe is always from the
    /// backlog.
    fn turn(&self) -> &Queue {
        if self.stopped || !self.tests.is_empty() {
            &self.tests
        } else if self.is_turn_of_fresh() {
            &self.fresh
        } else {
            &self.queue
        }
    }

    fn is_turn_of_fresh(&self) -> bool {
        let has_turn = !self.fresh.is_empty() && !self.was_turn_of_fresh && !self.health.is_failing();
        self.queue.is_empty() || has_turn
    }

    /// The queue whose turn it is, as [`Self::turn`]; this turn then counts as used.
    fn next_queue(&mut self) -> &mut Queue {
        if self.stopped || !self.tests.is_empty() {
            return &mut self.tests;
        }
        let has_turn = self.is_turn_of_fresh();
        if !self.queue.is_empty() {
            self.was_turn_of_fresh = has_turn;
        }
        if has_turn { &mut self.fresh } else { &mut self.queue }
    }

    pub(super) fn has_work(&self) -> bool {
        !(self.queue.is_empty() && self.tests.is_empty() && self.fresh.is_empty())
    }

    /// Whether any delivery that waits here was due by `time`.
    pub(super) fn is_due_since(&self, time: Timestamp) -> bool {
        let waiting = self.queue.iter().chain(self.fresh.iter()).chain(self.tests.iter()).chain(&self.behind_their_key);
        waiting.into_iter().any(|waiting| waiting.due.due_at <= time)
    }

    /// Whether further rows should be read from the database.
    pub(super) fn wants_top_up(&self) -> bool {
        self.behind.is_some() && !self.topping_up && self.queue.len() < ROWS_LOW && !self.is_parked()
    }

    pub(super) const fn pool(&self) -> Pool {
        self.pool
    }

    pub(super) const fn mark_slow(&mut self) {
        self.pool = Pool::Slow;
    }

    /// Requests that count as open.
    pub(super) const fn open(&self) -> u32 {
        self.open
    }

    /// The cost of the next request, in units: its expected time.
    pub(super) fn cost(&self) -> f32 {
        (self.mean_ms / COST_UNIT_MS).clamp(1.0, COST_MAX)
    }

    /// A request that this node or another opened before this lane was created counts as open.
    pub(super) const fn opened_before(&mut self) {
        self.open += 1;
    }

    /// A request no longer counts as open.
    pub(super) const fn closed(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    /// The lane's rows are to be read again from the beginning, since some of them may be missing here.
    pub(super) const fn read_again(&mut self) {
        self.behind = Some(Cursor::START);
    }

    /// A request of this node has ended: adapts the lane's window, pool and expected time.
    pub(super) fn learn(&mut self, ended: &Ended, opened: Instant, now: Instant) {
        self.mean_ms += (ended.took.as_secs_f32() * 1_000.0 - self.mean_ms) / 8.0;
        match ended.symptom {
            Symptom::Alive => self.window.answered(),
            Symptom::Overloaded | Symptom::Failing => self.window.failed(opened, now),
            Symptom::Unknown => {}
        }
        self.pool = if ended.took < SLOW_AFTER { Pool::Fast } else { Pool::Slow };
    }

    /// One request at a time from now on, until it is answered.
    pub(super) const fn narrow(&mut self) {
        self.window.close();
    }

    /// Whether the lane can be forgotten: it has no work, no request, no hold. Only its window and expected time are lost.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        let held = self.held.is_some_and(|held| now < held.until);
        let awaited = self.in_line.is_some() || self.has_work() || self.open > 0;
        !awaited && self.behind.is_none() && !self.topping_up && !held && self.rate.is_none()
    }

    /// Removes the rows of a lane that is parked, except tests, for the caller to forget; they are read again when it is
    /// not parked any more.
    pub(super) fn park(&mut self) -> Vec<Waiting> {
        if self.queue.is_empty() && self.fresh.is_empty() && self.behind_their_key.is_empty() {
            return Vec::new();
        }
        self.read_again();
        let queues = [&mut self.queue, &mut self.fresh].into_iter();
        queues.flat_map(|queue| queue.remove(|_| true)).chain(self.behind_their_key.drain(..)).collect()
    }

    /// Removes the waiting deliveries that match, for the caller to forget.
    pub(super) fn remove_waiting(&mut self, matches: impl Fn(&Due) -> bool) -> Vec<Waiting> {
        let behind = self.behind_their_key.extract_if(.., |waiting| matches(&waiting.due));
        let queues = [&mut self.queue, &mut self.fresh, &mut self.tests].into_iter();
        behind.chain(queues.flat_map(|queue| queue.remove(&matches))).collect()
    }
}

#[cfg(test)]
mod tests;
