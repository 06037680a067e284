//! What happens in one simulated life, by chance: events that are owed, and what goes wrong meanwhile.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;

use super::{
    CALM, COURSE, STEP,
    database::Tables,
    faults::FAULTS,
    node::Node,
    receivers::{HEALTHY, RECEIVERS},
    world::{World, url_of},
};
use crate::{
    audit::{Actor, Who},
    endpoint::Draft,
    event::{Event, NewEvent},
    id::EventId,
};

/// A transaction of a caller's, with an event in it.
pub(super) struct Emitting {
    xid: i64,
    event: Option<(Event, Bytes)>,
    ends: Duration,
}

/// One life.
pub(super) struct Course {
    pub(super) world: Arc<Mutex<World>>,
    pub(super) chance: StdRng,
    pub(super) nodes: Vec<Node>,
    started: usize,
    pub(super) emitting: Vec<Emitting>,
    next_fault: Duration,
    next_event: Duration,
    /// For how long the next node waits that takes the place of one that is gone.
    pub(super) next_node: Duration,
    /// A node is to stand still as soon as it is in a transaction, for so long.
    pub(super) freeze_in_transaction: Option<Duration>,
    /// The same as soon as it has picked a delivery and not sent it yet.
    pub(super) freeze_with_something_picked: Option<Duration>,
    pub(super) copy: Option<(Duration, (Tables, i64))>,
    told: String,
}

impl Course {
    pub(super) fn new(mut chance: StdRng) -> Self {
        let world = Arc::new(Mutex::new(World::new(StdRng::seed_from_u64(chance.random()))));
        Self {
            world,
            chance,
            nodes: Vec::new(),
            started: 0,
            emitting: Vec::new(),
            next_fault: Duration::from_secs(20),
            next_event: Duration::from_secs(5),
            next_node: Duration::ZERO,
            freeze_in_transaction: None,
            freeze_with_something_picked: None,
            copy: None,
            told: String::new(),
        }
    }

    pub(super) fn live(&mut self) {
        self.start_node();
        self.make_endpoints();
        while self.now() < COURSE + CALM {
            let now = self.now() + STEP;
            self.world.lock().come_to(now);
            self.callers_go_on(now);
            if now < COURSE {
                self.something_happens(now);
            } else {
                self.calm_down();
            }
            self.keep_nodes(now);
            self.freeze_what_is_in_a_transaction(now);
            self.freeze_what_has_picked(now);
            for node in &mut self.nodes {
                node.live_until(now);
            }
            if now.as_millis().is_multiple_of(500) {
                self.watch(now);
            }
        }
        let mut world = self.world.lock();
        let World { witness, database, .. } = &mut *world;
        witness.conclude(database);
    }

    /// What it was, and what broke.
    pub(super) fn end(self) -> (String, Vec<String>) {
        for node in self.nodes {
            node.kill();
        }
        let mut world = self.world.lock();
        let (attempts, reached) = world.witness.seen();
        let told = format!("{} nodes, {attempts} requests of {reached} events{}", self.started, self.told);
        (told, std::mem::take(&mut world.witness.broken))
    }

    fn now(&self) -> Duration {
        self.world.lock().now()
    }

    pub(super) fn tell(&mut self, what: &str) {
        let now = self.now().as_secs_f64();
        write!(self.told, "\n{now:9.3} s: {what}").expect("a string takes everything");
    }

    // --- Nodes -------------------------------------------------------------------------------------------------------

    fn start_node(&mut self) {
        self.tell(&format!("node {} is started", self.started));
        self.nodes.push(Node::start(self.started, &self.world));
        self.started += 1;
    }

    fn keep_nodes(&mut self, now: Duration) {
        let ended = self.nodes.extract_if(.., |node| node.has_stopped()).collect::<Vec<_>>();
        for node in ended {
            self.tell("a node has stopped");
            node.kill();
        }
        let wanted = if now < Duration::from_secs(10) { 1 } else { 2 };
        let running = self.nodes.iter().filter(|node| !node.is_stopping()).count();
        if running < wanted && now >= self.next_node {
            self.start_node();
            self.next_node = now + self.seconds(1.0, 15.0);
        }
    }

    pub(super) fn any_running(&mut self, now: Duration) -> Option<usize> {
        let running: Vec<_> = (0..self.nodes.len()).filter(|index| self.nodes[*index].runs(now)).collect();
        (!running.is_empty()).then(|| running[self.chance.random_range(0..running.len())])
    }

    // --- What callers do ---------------------------------------------------------------------------------------------

    fn make_endpoints(&mut self) {
        let world = Arc::clone(&self.world);
        let mut now = Duration::ZERO;
        while !self.nodes[0].runs(now) {
            now += STEP;
            self.world.lock().come_to(now);
            self.nodes[0].live_until(now);
        }
        self.nodes[0].with_engine(|engine| async move {
            for (number, receiver) in RECEIVERS.iter().enumerate() {
                let draft = Draft::read(json!({
                    "url": url_of(number),
                    "event_types": [format!("to.{number}")],
                    "max_in_flight": receiver.max_in_flight,
                    "rate_per_second": receiver.rate_per_second,
                    "timeout_ms": receiver.hangs.then_some(60_000),
                }));
                let made = engine.create_endpoint(draft, &Actor::from(Who::Host(None))).await.expect("an endpoint");
                world.lock().witness.endpoints.push(made.endpoint.id);
            }
        });
        while self.world.lock().witness.endpoints.len() < RECEIVERS.len() {
            now += STEP;
            self.world.lock().come_to(now);
            self.nodes[0].live_until(now);
        }
    }

    /// Callers emit, in transactions of their own or by way of a node.
    fn callers_go_on(&mut self, now: Duration) {
        while now >= self.next_event && now < COURSE {
            let receiver = self.chance.random_range(0..RECEIVERS.len());
            self.emit(now, receiver);
            let pause = self.seconds(0.005, 0.15);
            self.next_event += pause;
        }
        let ended: Vec<_> = self.emitting.extract_if(.., |emitting| emitting.ends <= now).collect();
        let mut world = self.world.lock();
        for Emitting { xid, event, .. } in ended {
            // A server that refuses or stands still commits nothing.
            let event = event.filter(|_| now >= world.trouble.away && now >= world.trouble.still);
            if let Some((event, _)) = &event {
                world.witness.owed.insert(event.id, now);
            }
            world.database.caller_ends(xid, event);
        }
    }

    fn emit(&mut self, now: Duration, receiver: usize) {
        let event_type = format!("to.{receiver}");
        if self.chance.random_bool(0.5) {
            if let Some(node) = self.any_running(now) {
                self.nodes[node].hand_in(NewEvent::new(event_type, "{}"));
            }
            return;
        }
        let mut world = self.world.lock();
        if now < world.trouble.away || now < world.trouble.still {
            return;
        }
        let clock = world.database.clock();
        let xid = world.database.caller_begins();
        drop(world);
        let event = Event { event_type, occurred_at: clock, ..Event::plain(EventId::new(clock)) };
        let event = self.chance.random_bool(0.95).then(|| (event, Bytes::from_static(b"{}")));
        let lasts = if self.chance.random_bool(0.02) { self.seconds(0.1, 6.0) } else { self.seconds(0.001, 0.03) };
        self.emitting.push(Emitting { xid, event, ends: now + lasts });
    }

    /// Somebody pauses an endpoint, and later resumes it: long before what waits there would expire.
    fn pause_or_resume(&mut self, now: Duration) {
        let paused = self.paused();
        if paused.is_empty() {
            let receiver = self.chance.random_range(0..HEALTHY);
            self.set_paused(now, receiver, true);
        } else {
            self.resume(now, paused);
        }
    }

    fn resume(&mut self, now: Duration, paused: Vec<usize>) {
        for receiver in paused {
            self.set_paused(now, receiver, false);
        }
    }

    /// The receivers whose endpoints are paused, as the database has it.
    fn paused(&self) -> Vec<usize> {
        let world = self.world.lock();
        let all = world.witness.endpoints.iter().enumerate();
        all.filter(|(_, id)| world.database.changed(**id).1).map(|(receiver, _)| receiver).collect()
    }

    fn set_paused(&mut self, now: Duration, receiver: usize, pauses: bool) {
        let Some(node) = self.any_running(now) else { return };
        self.tell(&format!("{receiver} is to be {}", if pauses { "paused" } else { "resumed" }));
        let endpoint = self.world.lock().witness.endpoints[receiver];
        self.nodes[node].with_engine(move |engine| async move {
            // Whether it came to be is the database's to say.
            let _ = engine.set_paused(endpoint, pauses, &Actor::from(Who::Host(None))).await;
        });
    }

    // --- What goes wrong ---------------------------------------------------------------------------------------------

    fn something_happens(&mut self, now: Duration) {
        if now.as_millis().is_multiple_of(7_000) {
            self.pause_or_resume(now);
        }
        if now.as_secs() == 40 && now.subsec_millis() == 0 {
            for _ in 0..600 {
                self.emit(now, 6);
            }
        }
        if now >= self.next_fault {
            let fault = FAULTS[self.chance.random_range(0..FAULTS.len())];
            let lasts = self.strike(fault, now);
            // Every second one is left alone, so that what comes of it is seen.
            let alone = if self.chance.random_bool(0.5) { lasts + self.seconds(20.0, 30.0) } else { Duration::ZERO };
            self.next_fault = now + self.seconds(2.0, 25.0).max(alone);
        }
    }

    /// Nothing goes wrong any more, and what was paused goes on.
    fn calm_down(&mut self) {
        let now = self.now();
        (self.freeze_in_transaction, self.freeze_with_something_picked) = (None, None);
        for node in &mut self.nodes {
            node.frozen_until = node.frozen_until.min(COURSE);
            node.defective_until = node.defective_until.min(COURSE);
        }
        if now.as_millis().is_multiple_of(5_000) {
            let paused = self.paused();
            self.resume(now, paused);
        }
    }

    /// Looks at everything; with no node that runs, nothing can be expected.
    fn watch(&mut self, now: Duration) {
        let runs = self.nodes.iter().any(|node| node.runs(now));
        let mut world = self.world.lock();
        if !runs {
            world.witness.excuse_until(now);
        }
        if now.as_millis().is_multiple_of(6_000) && now >= world.trouble.away {
            let copy = world.database.copy();
            if self.copy.as_ref().is_none_or(|(taken, _)| now - *taken > Duration::from_secs(10)) {
                self.copy = Some((now, copy));
            }
        }
        let World { witness, database, .. } = &mut *world;
        witness.look(database);
    }

    pub(super) fn seconds(&mut self, from: f64, to: f64) -> Duration {
        Duration::from_secs_f64(self.chance.random_range(from..to))
    }
}
