//! Lanes against a model of the database and of another node, driven by chance.
//!
//! Each seed lives through inserts that reads see late or twice, outcomes that are committed late, holds, changes,
//! handovers and lost leases. All along no delivery is open twice, no lane exceeds its limit, and nothing is sent by
//! an older state than the committed one. In the end everything pending is sent and every place is free again.
//!
//! Here is what the model knows, and which of all that can happen comes next; what then happens:
//!
//! ```text
//! reads     rows are inserted and read, the events of what comes next too
//! sending   a delivery is picked, begins, ends, is recorded and settled
//! changes   endpoints change, events are expunged or expire, receivers fall ill
//! nodes     shards go to another node and come back
//! course    time passes; in the end nothing is disturbed any more
//! ```

mod changes;
mod course;
mod given;
mod nodes;
mod reads;
mod sending;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IteratorRandom as _};

use self::given::loaded;
pub(super) use self::given::{endpoint, loaded_of};
use super::*;
use crate::{
    delivery::{Due, Marks},
    directory::Directory,
    endpoint::Endpoint,
    id::{EndpointId, EventId},
    store::Cursor,
    time::Timestamp,
};

const STEPS: usize = 3_000;
const TIMEOUT: Duration = Duration::from_secs(10);
const EXPIRES_AFTER: Duration = Duration::from_secs(12);

/// More than a lane has room for.
const ROWS: usize = 2_600;

/// A request that this node has open.
struct Open {
    due: Due,
    courier: Arc<Courier>,
    since: Instant,
}

/// A delivery that was picked, while its event is read.
struct Loading {
    due: Due,
    courier: Arc<Courier>,
    /// Its shard has gone since.
    is_lost: bool,
}

/// An outcome, and what it will do to its row.
struct Outcome {
    due: Due,
    at: Instant,
    retry: Option<Duration>,
}

/// A statement under way: what it saw, and where it goes.
struct Read {
    number: u64,
    rows: Vec<(Due, Option<Arc<LoadedEvent>>)>,
    top_up: Option<(LaneId, Option<Cursor>)>,
}

struct Model {
    rng: StdRng,
    lanes: Lanes,
    directory: Directory,
    start: Instant,
    now: Instant,
    /// Pending rows.
    rows: BTreeMap<DeliveryId, Due>,
    open: BTreeMap<DeliveryId, Open>,
    loading: Vec<Loading>,
    /// Requests of the other node, with their ends.
    elsewhere: BTreeMap<DeliveryId, (Due, Instant)>,
    recording: Vec<Outcome>,
    committed: Vec<DeliveryId>,
    /// The feed's and the top_ups', one at a time, and those of inserts.
    feed: Option<Read>,
    inserts: Vec<Read>,
    /// Reads of events that are about to be sent.
    aheads: Vec<Ahead>,
    cursor: Cursor,
    /// As they are written down.
    held: BTreeMap<LaneId, ChangedHold>,
    /// Deliveries that were held for too long.
    expired: BTreeSet<DeliveryId>,
    /// Lanes whose receivers are down.
    sick: BTreeSet<LaneId>,
    /// Lists that came with shards given away.
    given: BTreeMap<Shard, Vec<LeftOpen>>,
    picked: usize,
    /// How many requests may be open here.
    places: usize,
    /// Ids are counted, so that a seed lives the same life again.
    made: i64,
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let places = [1, 4, 8, 40, 4_000].into_iter().choose(&mut rng).unwrap();
        let mut lanes = Lanes::new(Limits { places, expires_after: EXPIRES_AFTER, ..Limits::default() });
        let mut directory = Directory::default();
        for (number, rate) in [(1, None), (2, None), (3, Some(5.0))] {
            directory.put(endpoint(number, rate));
        }
        let now = Instant::now();
        lanes.take_shards(&(0..SHARDS).collect::<Vec<_>>(), &[], &directory, now);
        let mut model = Self {
            rng,
            lanes,
            directory,
            start: now,
            now,
            rows: BTreeMap::new(),
            open: BTreeMap::new(),
            loading: Vec::new(),
            elsewhere: BTreeMap::new(),
            recording: Vec::new(),
            committed: Vec::new(),
            feed: None,
            inserts: Vec::new(),
            aheads: Vec::new(),
            cursor: Cursor::START,
            held: BTreeMap::new(),
            sick: BTreeSet::new(),
            expired: BTreeSet::new(),
            given: BTreeMap::new(),
            picked: 0,
            places,
            made: 3,
        };
        if model.chance(0.3) {
            // A backlog that one lane has no room for; no test is ever so late.
            for _ in 0..ROWS {
                let due = model.row(None, LaneId::from_i64(1));
                model.rows.insert(
                    due.id,
                    Due { due_at: due.due_at - Duration::from_secs(600), marks: Marks::default(), ..due },
                );
            }
        }
        model
    }

    fn chance(&mut self, likely: f64) -> bool {
        self.rng.random_bool(likely)
    }

    fn seconds(&mut self, most: f64) -> Duration {
        Duration::from_secs_f64(self.rng.random_range(0.0..most))
    }

    /// The database's clock.
    fn clock(&self) -> Timestamp {
        Timestamp::from_millis(1_000_000) + (self.now - self.start)
    }

    fn row(&mut self, endpoint: Option<EndpointId>, lane: LaneId) -> Due {
        let late = self.seconds(3.0);
        self.made += 1;
        Due {
            id: EventId::floor(Timestamp::from_millis(self.made)).delivery(1),
            lane,
            endpoint,
            due_at: self.clock() - late,
            seq: 1,
            attempts: 0,
            attempts_at_refill: 0,
            marks: Marks { test: self.chance(0.02), ..Marks::default() },
            ordering_key: None,
        }
    }

    /// In one order for a seed: the directory's own differs between runs.
    fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        let mut endpoints: Vec<_> = self.directory.all().cloned().collect();
        endpoints.sort_by_key(|endpoint| endpoint.id);
        endpoints
    }

    fn some_row(&mut self) -> Due {
        if self.chance(0.5) {
            let all: Vec<_> = self.endpoints().iter().map(|endpoint| (endpoint.id, endpoint.lane())).collect();
            let (endpoint, lane) = all.into_iter().choose(&mut self.rng).unwrap();
            self.row(Some(endpoint), lane)
        } else {
            let lane = LaneId::from_i64(self.rng.random_range(1..30));
            self.row(None, lane)
        }
    }

    fn due_after(&self, cursor: Cursor, most: usize, matches: impl Fn(&Due) -> bool) -> Vec<Due> {
        let clock = self.clock();
        let mut rows: Vec<_> = self
            .rows
            .values()
            .filter(|due| matches(due) && due.due_at <= clock && Cursor::at(due) > cursor)
            .cloned()
            .collect();
        rows.sort_by_key(Cursor::at);
        rows.truncate(most);
        rows
    }

    fn open_in(&self, lane: LaneId) -> usize {
        let here = self.open.values().filter(|open| open.due.lane == lane).count();
        // What was expunged meanwhile nobody can ask after: it counts as ended.
        let is_there = |(due, _): &&(Due, Instant)| due.lane == lane && self.rows.contains_key(&due.id);
        let there = self.elsewhere.values().filter(is_there).count();
        here + there + self.loading.iter().filter(|loading| !loading.is_lost && loading.due.lane == lane).count()
    }

    fn step(&mut self) {
        match self.rng.random_range(0..1_000) {
            0..150 => self.insert(),
            150..300 => self.apply_insert(),
            300..450 => self.feed(),
            450..600 => self.pick(),
            600..670 => self.loaded(),
            670..700 => self.looked_ahead(),
            700..800 => self.end_one(),
            800..880 => self.commit(),
            880..922 => self.settle(),
            922..930 => self.ask_after_open(),
            930..960 => {
                let time = self.seconds(0.9);
                self.pass_time(time);
            }
            960..970 => self.reconfigure(),
            970..975 => self.expunge(),
            975..977 => self.delete(),
            977..983 => self.give(),
            983..990 => self.take(),
            990..995 => self.other_node_works(),
            995..997 => self.fall_ill_or_recover(),
            997..998 => self.expire(),
            _ => self.lose_lease(),
        }
    }
}

fn live(seed: u64) {
    println!("seed {seed}");
    let mut model = Model::new(seed);
    for _ in 0..STEPS {
        model.step();
    }
    model.come_to_rest();
    assert!(model.picked > 0);
}

#[test]
fn whatever_happens_every_delivery_is_sent_and_none_twice_at_once() {
    match std::env::var("RINGBACK_TEST_SEED") {
        Ok(seed) => live(seed.parse().unwrap()),
        Err(_) => {
            let first: u32 = rand::random();
            (0..8).for_each(|n| live(u64::from(first) + n));
        }
    }
}
