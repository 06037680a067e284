//! One lane: what waits for one destination, and what keeps it from being sent.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Instant,
};

use super::{
    courier::Courier,
    health::{Health, Sign},
    hold::Held,
    permits::{Pool, SLOW_AFTER},
    rate::Rate,
    settle::Ended,
    window::Window,
};
use crate::{
    delivery::Due,
    endpoint::{Endpoint, MAX_IN_FLIGHT_DEFAULT},
    id::{DeliveryId, EventId},
    store::{Cursor, LoadedEvent},
};

/// Most rows of one lane in memory; what is beyond stays in the database and is read when there is room.
/// At some 150 bytes a row a lane costs at most 300 KB however long its backlog.
pub(super) const ROWS_MAX: usize = 2_000;

/// Rows are read again when a lane behind has fewer than this left.
const ROWS_LOW: usize = ROWS_MAX / 2;

/// Expected milliseconds that count as one unit of cost.
const COST_UNIT_MS: f32 = 10.0;

/// No request costs more: a slow lane still gets a turn every few rounds.
const COST_MAX: f32 = 32.0;

/// A delivery waiting, with its event if that is still at hand from routing.
pub(super) struct Waiting {
    pub(super) due: Due,
    pub(super) event: Option<Arc<LoadedEvent>>,
}

/// Why a lane cannot send now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    /// Nothing waits.
    Empty,
    /// As many requests are open as may be; one that ends unblocks it.
    Full,
    /// The event of the next one is being read.
    Reading,
    /// Paused or disabled; a change unblocks it.
    Configured,
    /// Held; the end of the hold unblocks it.
    Held,
    /// Until then, for the sake of its rate.
    Until(Instant),
}

/// The queue of one destination.
pub(super) struct Lane {
    pub(super) courier: Arc<Courier>,
    /// In order of arrival, which is order of `due_at` but for late ones.
    queue: VecDeque<Waiting>,
    /// Test deliveries: sent while the endpoint is not enabled or its receiver is failing, too.
    tests: VecDeque<Waiting>,
    /// Open requests, those that the shard's last owner left open included.
    open: u32,
    window: Window,
    rate: Option<Rate>,
    /// Paused or disabled.
    stopped: bool,
    pub(super) held: Option<Held>,
    /// A moment's pause that nobody needs to know of.
    pub(super) paused_until: Option<Instant>,
    pub(super) health: Health,
    /// Rows after this are only in the database.
    pub(super) behind: Option<Cursor>,
    /// A read of what is behind is under way or asked for.
    pub(super) refilling: bool,
    /// Waiting rows that have their events.
    with_events: usize,
    /// A read of the events of what comes next is under way or asked for.
    reading_ahead: bool,
    /// Its requests start in the slow pool.
    slow: bool,
    /// Whether it waits for a place there.
    pub(super) waits_for_slow: bool,
    /// Moving mean of how long a request takes.
    mean_ms: f32,
    /// What it may still spend in this round.
    pub(super) deficit: f32,
    /// Whether it stands in the ring.
    pub(super) in_ring: bool,
}

impl Lane {
    pub(super) fn new(courier: Arc<Courier>, endpoint: Option<&Endpoint>, now: Instant) -> Self {
        let mut lane = Self {
            courier,
            queue: VecDeque::new(),
            tests: VecDeque::new(),
            open: 0,
            window: Window::new(MAX_IN_FLIGHT_DEFAULT),
            rate: None,
            stopped: false,
            held: None,
            paused_until: None,
            health: Health::default(),
            behind: None,
            refilling: false,
            with_events: 0,
            reading_ahead: false,
            slow: false,
            waits_for_slow: false,
            mean_ms: 0.0,
            deficit: 0.0,
            in_ring: false,
        };
        if let Some(endpoint) = endpoint {
            lane.configure(endpoint, now);
        }
        lane
    }

    /// Takes over the endpoint's limits.
    pub(super) fn configure(&mut self, endpoint: &Endpoint, now: Instant) {
        self.stopped = endpoint.hold_reason().is_some();
        self.window.set_ceiling(endpoint.spec.max_in_flight);
        let unchanged = self.rate.as_ref().map(Rate::per_second) == endpoint.spec.rate_per_second;
        if !unchanged {
            self.rate = endpoint.spec.rate_per_second.map(|per_second| Rate::new(per_second, now));
        }
    }

    /// Whether its rows stay in the database for now: it may not send for long, so they would only take up memory,
    /// and whoever expires them there would not be heard of here.
    pub(super) fn is_parked(&self) -> bool {
        self.stopped || self.held.is_some_and(|held| held.parks)
    }

    /// Whether a row finds room here; if not, the lane is behind from before that row on.
    pub(super) fn admits(&mut self, due: &Due) -> bool {
        let has_room = self.behind.is_none() && self.queue.len() < ROWS_MAX && !self.is_parked();
        let room = due.marks.test || has_room;
        if !room {
            let before = Cursor::before(due);
            self.behind = Some(self.behind.map_or(before, |behind| behind.min(before)));
        }
        room
    }

    pub(super) fn push(&mut self, waiting: Waiting) {
        self.with_events += usize::from(waiting.event.is_some());
        if waiting.due.marks.test {
            self.tests.push_back(waiting);
        } else {
            self.queue.push_back(waiting);
        }
    }

    /// What keeps the next delivery from being sent at `now`; `None` if nothing does (and a token is taken).
    pub(super) fn blocked(&mut self, now: Instant) -> Option<Block> {
        // Somebody waits for what becomes of a test: only the limit and the receiver's own wish keep it back.
        let is_test = !self.tests.is_empty();
        if self.open >= if is_test { self.window.ceiling() } else { self.window.width() } {
            return Some(Block::Full);
        }
        if !is_test {
            if self.queue.is_empty() {
                return Some(Block::Empty);
            }
            if self.stopped {
                return Some(Block::Configured);
            }
            if self.reading_ahead && self.queue.front().is_some_and(|waiting| waiting.event.is_none()) {
                return Some(Block::Reading);
            }
        }
        if self.paused_until.is_some_and(|until| now < until) {
            return Some(Block::Held);
        }
        if let Some(held) = self.held.filter(|held| now < held.until)
            && !(is_test && held.lets_tests_pass())
        {
            return Some(Block::Held);
        }
        match self.rate.as_mut().map(|rate| rate.take(now)) {
            Some(Err(next)) => Some(Block::Until(next)),
            _ => None,
        }
    }

    /// Takes the next delivery out; its request counts as open.
    pub(super) fn pop(&mut self) -> Option<Waiting> {
        let from = if self.tests.is_empty() && !self.stopped { &mut self.queue } else { &mut self.tests };
        let waiting = from.pop_front()?;
        self.with_events -= usize::from(waiting.event.is_some());
        self.open += 1;
        Some(waiting)
    }

    /// Whether it has events for less than a round of requests, and more rows. Says so once until it was looked after.
    pub(super) fn wants_events(&mut self) -> bool {
        let wants = !self.reading_ahead
            && self.with_events < self.queue.len()
            && self.with_events < self.window.width() as usize;
        self.reading_ahead |= wants;
        wants
    }

    /// The next rows without events, for two rounds of requests but at most `most`.
    pub(super) fn look_ahead(&mut self, most: usize) -> Vec<DeliveryId> {
        let rounds = 2 * self.window.width() as usize;
        let bare = self.queue.iter().take(rounds).filter(|waiting| waiting.event.is_none());
        let rows: Vec<_> = bare.take(most).map(|waiting| waiting.due.id).collect();
        self.reading_ahead = !rows.is_empty();
        rows
    }

    /// Nothing is read for it.
    pub(super) const fn sated(&mut self) {
        self.reading_ahead = false;
    }

    /// Puts events beside the rows that still wait for them, at most `most`; returns those that it kept.
    pub(super) fn looked_ahead<'a>(
        &mut self,
        most: usize,
        events: &'a HashMap<EventId, Arc<LoadedEvent>>,
    ) -> Vec<&'a LoadedEvent> {
        self.reading_ahead = false;
        let bare = self.queue.iter_mut().filter(|waiting| waiting.event.is_none());
        let found = bare.filter_map(|waiting| {
            let event = events.get(&waiting.due.id.event()).filter(|event| event.payload.is_some())?;
            waiting.event = Some(Arc::clone(event));
            Some(&**event)
        });
        let kept: Vec<_> = found.take(most).collect();
        self.with_events += kept.len();
        kept
    }

    pub(super) fn has_work(&self) -> bool {
        !(self.queue.is_empty() && self.tests.is_empty())
    }

    /// Whether rows should be read again from behind.
    pub(super) fn wants_refill(&self) -> bool {
        self.behind.is_some() && !self.refilling && self.queue.len() < ROWS_LOW && !self.is_parked()
    }

    pub(super) const fn pool(&self) -> Pool {
        if self.slow { Pool::Slow } else { Pool::Fast }
    }

    pub(super) const fn mark_slow(&mut self) {
        self.slow = true;
    }

    /// What the next request costs of the lane's share: its expected time.
    pub(super) fn cost(&self) -> f32 {
        (self.mean_ms / COST_UNIT_MS).clamp(1.0, COST_MAX)
    }

    /// A request that was opened before this lane was made, here or elsewhere, counts as open.
    pub(super) const fn opened_before(&mut self) {
        self.open += 1;
    }

    /// A request counts no longer, and says nothing about the receiver.
    pub(super) const fn closed(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    /// Its rows are to be read again from the beginning: one of them is not where it was thought to be.
    pub(super) const fn read_again(&mut self) {
        self.behind = Some(Cursor::START);
    }

    /// A request of ours has ended, and says this about the receiver.
    pub(super) fn learn(&mut self, ended: &Ended, opened: Instant, now: Instant) {
        self.mean_ms += (ended.took.as_secs_f32() * 1_000.0 - self.mean_ms) / 8.0;
        match ended.sign {
            Sign::Alive => self.window.answered(),
            Sign::Overloaded | Sign::Failing => self.window.failed(opened, now),
            Sign::Unknown => {}
        }
        if ended.took < SLOW_AFTER {
            self.slow = false;
        }
    }

    /// One request at a time from now on, until it is answered.
    pub(super) const fn narrow(&mut self) {
        self.window.close();
    }

    /// Whether nothing would be lost but its pace if it were made anew: no work, no request, no hold.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        let held = self.held.is_some_and(|held| now < held.until);
        let awaited = self.in_ring || self.waits_for_slow || self.has_work() || self.open > 0;
        !awaited && self.behind.is_none() && !self.refilling && !held && self.rate.is_none()
    }

    /// Removes what waits in a lane that is parked, for the caller to forget; it is read again when the lane is not.
    pub(super) fn park(&mut self) -> Vec<Waiting> {
        if self.queue.is_empty() {
            return Vec::new();
        }
        self.read_again();
        self.queue.drain(..).collect()
    }

    /// Removes what waits and matches, for the caller to forget.
    pub(super) fn remove_waiting(&mut self, matches: impl Fn(&Due) -> bool) -> Vec<Waiting> {
        let mut removed = Vec::new();
        for queue in [&mut self.queue, &mut self.tests] {
            if !queue.iter().any(|waiting| matches(&waiting.due)) {
                continue;
            }
            let (out, kept) = queue.drain(..).partition(|waiting| matches(&waiting.due));
            *queue = kept;
            removed.extend::<VecDeque<_>>(out);
        }
        self.with_events -= removed.iter().filter(|waiting| waiting.event.is_some()).count();
        removed
    }
}
