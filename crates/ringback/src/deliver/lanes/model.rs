//! Lanes against a model of the database and of another node, driven by chance.
//!
//! Each seed lives through inserts that reads see late or twice, outcomes that are committed late, holds, changes,
//! handovers and lost leases. All along no delivery is open twice, no lane exceeds its limit, and nothing is sent by
//! an older state than the committed one. In the end everything pending is sent and every place is free again.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IteratorRandom as _};

use super::{
    own::RECORDED_WITHIN,
    pick::PRUNE_EVERY,
    tests::{answered, left_open},
    *,
};
use crate::{
    delivery::{Due, HoldReason, Marks},
    directory::Directory,
    endpoint::{Credentials, Endpoint, MAX_IN_FLIGHT_DEFAULT, OnDead, Preset, Spec},
    event::Event,
    id::{EndpointId, EventId},
    store::Cursor,
    time::Timestamp,
};

const STEPS: usize = 3_000;
const TIMEOUT: Duration = Duration::from_secs(10);
const EXPIRES_AFTER: Duration = Duration::from_secs(12);

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
    refill: Option<(LaneId, Option<Cursor>)>,
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
    /// The feed's and the refills', one at a time, and those of inserts.
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

pub(super) fn endpoint(number: u128, rate_per_second: Option<f64>) -> Endpoint {
    let now = Timestamp::from_millis(1);
    let spec = Spec {
        url: "https://hooks.acme-voice.com/".to_owned(),
        name: None,
        description: None,
        event_types: vec!["*".to_owned()],
        preset: Preset::Default,
        scheme: Preset::External.scheme(),
        timeout_ms: 10_000,
        retry: Preset::Default.retry(),
        max_in_flight: 4,
        rate_per_second,
        ordered: false,
        on_dead: OnDead::Skip,
    };
    Endpoint {
        id: EndpointId::from_uuid(uuid::Uuid::from_u128(number)),
        tenant: "default".to_owned(),
        key: None,
        spec,
        credentials: Arc::new(Credentials::default()),
        enabled: true,
        disabled_reason: None,
        paused: false,
        version: 1,
        created_at: now,
        updated_at: now,
    }
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
        for shard in 0..SHARDS {
            lanes.take_shard(shard, &[], &directory, now);
        }
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

    /// Rows are committed; this node hears of them now, later, or by the feed alone.
    fn insert(&mut self) {
        let number = self.lanes.read_started();
        let mut rows = Vec::new();
        for _ in 0..self.rng.random_range(1..6) {
            let due = self.some_row();
            self.rows.insert(due.id, due.clone());
            let event = if self.chance(0.5) { Some(loaded(&due)) } else { None };
            rows.push((due, event));
        }
        if self.chance(0.2) {
            rows.clear();
        }
        self.inserts.push(Read { number, rows, refill: None });
    }

    fn apply_insert(&mut self) {
        if !self.inserts.is_empty() {
            let index = self.rng.random_range(0..self.inserts.len());
            let read = self.inserts.swap_remove(index);
            self.apply(read);
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

    /// Begins a read, or ends the one under way.
    fn feed(&mut self) {
        if let Some(read) = self.feed.take() {
            return self.apply(read);
        }
        let refill = self.lanes.take_refills(1).pop();
        let number = self.lanes.read_started();
        let (rows, refill) = match refill {
            Some((lane, cursor)) => {
                let rows = self.due_after(cursor, 300, |due| due.lane == lane);
                let rest = if self.chance(0.05) { Some(cursor) } else { None };
                match rest {
                    // The read fails.
                    Some(_) => (Vec::new(), Some((lane, rest))),
                    None => {
                        let rest = rows.last().filter(|_| rows.len() == 300).map(Cursor::at);
                        (rows, Some((lane, rest)))
                    }
                }
            }
            None => {
                if !self.lanes.take_fresh().is_empty() {
                    self.cursor = Cursor::START;
                }
                let owned = self.lanes.owned;
                let rows = self.due_after(self.cursor, 100, |due| owned[usize::from(due.lane.shard())].is_some());
                self.cursor = rows.last().filter(|_| rows.len() == 100).map_or(Cursor::START, Cursor::at);
                (rows, None)
            }
        };
        let rows = rows.into_iter().map(|due| (due, None)).collect();
        self.feed = Some(Read { number, rows, refill });
    }

    fn apply(&mut self, read: Read) {
        self.lanes.admit(read.number, read.rows, &self.directory, self.clock(), self.now);
        self.lanes.read_applied(read.number);
        if let Some((lane, rest)) = read.refill {
            self.lanes.refilled(lane, rest);
        }
    }

    fn open_in(&self, lane: LaneId) -> usize {
        let here = self.open.values().filter(|open| open.due.lane == lane).count();
        // What was expunged meanwhile nobody can ask after: it counts as ended.
        let is_there = |(due, _): &&(Due, Instant)| due.lane == lane && self.rows.contains_key(&due.id);
        let there = self.elsewhere.values().filter(is_there).count();
        here + there + self.loading.iter().filter(|loading| !loading.is_lost && loading.due.lane == lane).count()
    }

    /// Reads of events are asked for whenever something is picked, and end later; not each brings what it should.
    fn look_ahead(&mut self) {
        let ahead = self.lanes.look_ahead();
        if !ahead.is_empty() {
            self.aheads.push(ahead);
        }
    }

    fn looked_ahead(&mut self) {
        let Some(index) = (0..self.aheads.len()).choose(&mut self.rng) else { return };
        let ahead = self.aheads.swap_remove(index);
        let rows = ahead.iter().flat_map(|(_, rows)| rows);
        let found = rows.filter_map(|row| self.rows.get(row)).map(|due| (due.id.event(), loaded(due)));
        let events = found.collect::<Vec<_>>().into_iter().filter(|_| self.rng.random_bool(0.9)).collect();
        self.lanes.looked_ahead(&ahead, &events);
    }

    fn pick(&mut self) {
        let picked = self.lanes.pick(self.now);
        self.look_ahead();
        let Some(Picked { due, courier, event }) = picked else { return };
        self.picked += 1;
        assert!(self.lanes.open() <= self.places, "more than the node may have open");
        assert!(self.lanes.owns(due.lane.shard()));
        assert!(!self.open.contains_key(&due.id), "open twice here");
        assert!(!self.elsewhere.contains_key(&due.id), "open on the other node");
        if let Some(hold) = self.held.get(&due.lane).filter(|hold| hold.until > self.now) {
            assert!(due.marks.test && hold.reason == HoldReason::Failing, "its lane is held");
        }
        let endpoint = due.endpoint.and_then(|id| self.directory.endpoint(id));
        let limit = endpoint.map_or(MAX_IN_FLIGHT_DEFAULT, |endpoint| endpoint.spec.max_in_flight);
        assert!(due.marks.test || endpoint.is_none_or(|endpoint| endpoint.hold_reason().is_none()), "stopped");
        assert!(self.open_in(due.lane) < limit as usize, "more than the limit of {limit}");
        match self.rows.get(&due.id) {
            Some(row) => assert_eq!((row.attempts, row.attempts_at_refill), (due.attempts, due.attempts_at_refill)),
            // Expunged or deleted while a read was under way.
            None => {
                assert!(!self.expired.contains(&due.id), "held for too long, and sent all the same");
                return self.lanes.vanished(&due);
            }
        }
        if event.is_some() {
            self.open.insert(due.id, Open { due, courier, since: self.now });
        } else {
            self.loading.push(Loading { due, courier, is_lost: false });
        }
    }

    /// The event of what was picked has been read, or is gone.
    fn loaded(&mut self) {
        let Some(index) = (0..self.loading.len()).choose(&mut self.rng) else { return };
        let Loading { due, courier, is_lost } = self.loading.swap_remove(index);
        // Should it have been picked again since, for the same attempt, that is what begins.
        let is_again = |again: &&mut Loading| (again.due.id, again.due.attempts) == (due.id, due.attempts);
        let again = self.loading.iter_mut().filter(is_again).find(|again| !again.is_lost);
        let begins = again.is_some() || !is_lost;
        again.into_iter().for_each(|again| again.is_lost = true);
        assert_eq!(self.lanes.begin(&due, self.now), begins);
        if !begins {
            return;
        }
        assert!(self.lanes.owns(due.lane.shard()), "begun although it is another's");
        assert!(!self.open.contains_key(&due.id), "open twice here");
        assert!(!self.elsewhere.contains_key(&due.id), "open on the other node");
        if !self.rows.contains_key(&due.id) {
            return self.lanes.vanished(&due);
        }
        if self.chance(0.05) {
            return self.lanes.returned(&due);
        }
        self.open.insert(due.id, Open { due, courier, since: self.now });
    }

    /// What is being read for a shard that has gone is not sent.
    fn lose_loading(&mut self, shard: Shard) {
        for loading in self.loading.iter_mut().filter(|loading| loading.due.lane.shard() == shard) {
            loading.is_lost = true;
        }
    }

    fn end(&mut self, id: DeliveryId) {
        let Open { due, courier, since } = self.open.remove(&id).unwrap();
        let took = (self.now - since).max(Duration::from_millis(1));
        let (is_sick, is_busy, is_gone) = (self.sick.contains(&due.lane), self.chance(0.04), self.chance(0.01));
        let sign = match self.chance(0.9) {
            _ if is_sick => Sign::Failing,
            true if is_busy => Sign::Overloaded,
            true => Sign::Alive,
            false => [Sign::Failing, Sign::Unknown].into_iter().choose(&mut self.rng).unwrap(),
        };
        let asked = (is_busy && !is_sick).then(|| self.now + self.seconds(40.0));
        let pause = (is_gone && !is_sick).then(|| self.now + self.seconds(5.0));
        self.lanes.ended(&due, &courier, Ended { took, sign, asked, pause }, self.now);
        self.hear_of_holds();
        let retry = if self.chance(0.4) { Some(self.seconds(15.0)) } else { None };
        self.recording.push(Outcome { due, at: self.now, retry });
    }

    fn end_one(&mut self) {
        if let Some(id) = self.open.keys().copied().choose(&mut self.rng) {
            self.end(id);
        }
    }

    fn hear_of_holds(&mut self) {
        let mut holds = self.lanes.take_changed_holds();
        if self.chance(0.1) {
            // The database is away for a moment.
            self.lanes.put_back_changed_holds(holds);
            holds = self.lanes.take_changed_holds();
        }
        self.held.extend(holds);
    }

    fn fall_ill_or_recover(&mut self) {
        let lane = if self.chance(0.5) {
            self.endpoints().iter().map(|endpoint| endpoint.lane()).choose(&mut self.rng).unwrap()
        } else {
            LaneId::from_i64(self.rng.random_range(1..30))
        };
        if !self.sick.remove(&lane) {
            self.sick.insert(lane);
        }
    }

    fn write(&mut self, outcome: &Outcome) {
        let clock = self.clock();
        if let Some(row) = self.rows.get_mut(&outcome.due.id)
            && row.attempts == outcome.due.attempts
        {
            match outcome.retry {
                Some(after) => {
                    row.attempts += 1;
                    row.due_at = clock + after;
                }
                None => drop(self.rows.remove(&outcome.due.id)),
            }
        }
    }

    fn commit(&mut self) {
        if !self.recording.is_empty() {
            let index = self.rng.random_range(0..self.recording.len());
            let outcome = self.recording.swap_remove(index);
            self.write(&outcome);
            self.committed.push(outcome.due.id);
        }
    }

    /// What became of requests that the other node had open is asked.
    fn ask_after_open(&mut self) {
        let is_untried = |id, attempts| self.rows.get(&id).is_some_and(|row| row.attempts <= attempts);
        let foreign = self.lanes.foreign().into_iter();
        let settled = foreign.filter(|&(id, attempts)| !is_untried(id, attempts)).map(|(id, _)| id).collect();
        self.lanes.foreign_settled(&settled);
    }

    fn settle(&mut self) {
        let settled = std::mem::take(&mut self.committed);
        self.lanes.settled(settled);
    }

    fn reconfigure(&mut self) {
        let Some(endpoint) = self.endpoints().into_iter().choose(&mut self.rng) else { return };
        let mut endpoint = Arc::unwrap_or_clone(endpoint);
        match self.rng.random_range(0..4) {
            0 => endpoint.paused ^= true,
            1 => {
                endpoint.enabled ^= true;
                if endpoint.enabled {
                    let clock = self.clock();
                    for row in self.rows.values_mut().filter(|row| row.endpoint == Some(endpoint.id)) {
                        row.due_at = clock;
                        row.attempts_at_refill = row.attempts;
                    }
                    // A read of the state before would bring the old budget; those are over within moments.
                    self.finish_reads();
                }
            }
            _ => endpoint.spec.max_in_flight = self.rng.random_range(1..9),
        }
        self.change(endpoint);
    }

    fn change(&mut self, mut endpoint: Endpoint) {
        endpoint.version += 1;
        self.directory.put(endpoint.clone());
        self.lanes.reconfigure(&endpoint, self.now);
        self.hear_of_holds();
    }

    fn finish_reads(&mut self) {
        for read in self.inserts.drain(..).chain(self.feed.take()).collect::<Vec<_>>() {
            self.apply(read);
        }
    }

    fn expunge(&mut self) {
        if let Some(id) = self.rows.keys().copied().choose(&mut self.rng) {
            self.rows.remove(&id);
            self.lanes.remove_event(id.event());
        }
    }

    /// What is due for too long in lanes that are held dies. Reads of the state before are over within moments.
    fn expire(&mut self) {
        self.finish_reads();
        let since = self.clock() - EXPIRES_AFTER;
        // A test is not kept back by a receiver that fails: none is ever so late.
        let keeps_back = |row: &Due, hold: &ChangedHold| !row.marks.test || hold.reason == HoldReason::RetryAfter;
        let is_held = |row: &Due| {
            let hold = self.held.get(&row.lane).filter(|hold| hold.until > self.now);
            hold.is_some_and(|hold| keeps_back(row, hold))
        };
        let dead: Vec<_> = self.rows.values().filter(|row| row.due_at <= since && is_held(row)).collect();
        let dead: Vec<_> = dead.into_iter().map(|row| row.id).collect();
        let loading: BTreeSet<_> = self.loading.iter().map(|loading| loading.due.id).collect();
        for id in dead.into_iter().filter(|id| !self.open.contains_key(id) && !loading.contains(id)) {
            self.rows.remove(&id);
            self.expired.insert(id);
        }
    }

    /// An endpoint is deleted and another takes its place.
    fn delete(&mut self) {
        let Some(id) = self.endpoints().iter().map(|endpoint| endpoint.id).choose(&mut self.rng) else { return };
        self.rows.retain(|_, row| row.endpoint != Some(id));
        self.directory.remove(id);
        self.lanes.remove_lane(LaneId::of_endpoint(id));
        self.made += 1;
        self.directory.put(endpoint(self.made.unsigned_abs().into(), None));
    }

    /// Gives a shard to the other node, which opens some of it.
    fn give(&mut self) {
        let Some(shard) = self.lanes.owned_shards().into_iter().choose(&mut self.rng) else { return };
        let open = self.lanes.drop_shard(shard, self.now);
        self.lose_loading(shard);
        for id in self.open.iter().filter(|(_, open)| open.due.lane.shard() == shard).map(|(id, _)| id) {
            assert!(open.iter().any(|left| left.delivery == *id), "an open request is not handed over");
        }
        self.given.insert(shard, open);
    }

    fn other_node_works(&mut self) {
        let given = std::mem::take(&mut self.given);
        for (&shard, list) in &given {
            let rows = self.due_after(Cursor::START, 3, |due| due.lane.shard() == shard);
            for due in rows {
                let listed = list.iter().any(|left| left.delivery == due.id && left.until > self.now);
                if listed || self.elsewhere.contains_key(&due.id) || self.open_in(due.lane) > 0 {
                    continue;
                }
                assert!(!self.open.contains_key(&due.id), "sent by its new owner, too");
                let ends = self.now + self.seconds(9.0);
                self.elsewhere.insert(due.id, (due, ends));
            }
        }
        self.given = given;
    }

    fn take(&mut self) {
        let Some(shard) = self.given.keys().copied().choose(&mut self.rng) else { return };
        let mut list = self.given.remove(&shard).unwrap();
        let until = self.now + TIMEOUT + RECORDED_WITHIN;
        // What it sends itself it knows better than by our list.
        list.retain(|left| !self.elsewhere.contains_key(&left.delivery));
        let there = self.elsewhere.values().filter(|(due, _)| due.lane.shard() == shard);
        list.extend(there.map(|(due, _)| left_open(due, until)));
        self.lanes.take_shard(shard, &list, &self.directory, self.now);
        self.restore_holds(shard);
    }

    fn restore_holds(&mut self, shard: Shard) {
        for (lane, hold) in self.held.iter().filter(|(lane, hold)| lane.shard() == shard && hold.until > self.now) {
            self.lanes.restore_hold(*lane, *hold, &self.directory, self.now);
        }
    }

    /// The lease is lost and had again before anybody else took over.
    fn lose_lease(&mut self) {
        for shard in self.lanes.owned_shards() {
            self.lanes.drop_shard(shard, self.now);
            self.lose_loading(shard);
            if self.chance(0.5) {
                self.feed();
            }
            self.lanes.take_shard(shard, &[], &self.directory, self.now);
            self.restore_holds(shard);
        }
    }

    fn pass_time(&mut self, time: Duration) {
        self.now += time;
        let timed_out = |open: &Open| self.now - open.since >= TIMEOUT - Duration::from_secs(1);
        let ended: Vec<_> = self.open.iter().filter(|(_, open)| timed_out(open)).map(|(id, _)| *id).collect();
        for id in ended {
            self.end(id);
        }
        let there: Vec<_> =
            self.elsewhere.iter().filter(|(_, (_, ends))| *ends <= self.now).map(|(id, _)| *id).collect();
        for id in there {
            let (due, _) = self.elsewhere.remove(&id).unwrap();
            let retry = if self.chance(0.5) { Some(self.seconds(15.0)) } else { None };
            self.write(&Outcome { due, at: self.now, retry });
        }
        let now = self.now;
        let late = self.recording.extract_if(.., |outcome| now - outcome.at >= Duration::from_millis(500));
        for outcome in late.collect::<Vec<_>>() {
            self.write(&outcome);
            self.committed.push(outcome.due.id);
        }
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

    /// Nothing is disturbed any more: everything is sent, and nothing is left behind.
    fn come_to_rest(&mut self) {
        while !self.given.is_empty() {
            self.take();
        }
        self.sick.clear();
        for endpoint in self.endpoints() {
            let mut endpoint = Arc::unwrap_or_clone(endpoint);
            if !endpoint.enabled {
                self.finish_reads();
            }
            (endpoint.enabled, endpoint.paused) = (true, false);
            self.change(endpoint);
        }
        for _ in 0..20_000 {
            if self.rows.is_empty() && self.open.is_empty() && self.loading.is_empty() && self.recording.is_empty() {
                break;
            }
            self.feed();
            self.apply_insert();
            for _ in 0..20 {
                self.pick();
                self.looked_ahead();
            }
            while !self.loading.is_empty() {
                self.loaded();
            }
            for id in self.open.keys().copied().collect::<Vec<_>>() {
                let Open { due, courier, .. } = self.open.remove(&id).unwrap();
                self.lanes.ended(&due, &courier, answered(Duration::from_millis(5)), self.now);
                self.hear_of_holds();
                self.recording.push(Outcome { due, at: self.now, retry: None });
            }
            while !self.recording.is_empty() {
                self.commit();
            }
            self.settle();
            self.pass_time(Duration::from_millis(50));
        }
        assert!(self.rows.is_empty(), "{} rows are never sent: {:?}", self.rows.len(), self.rows.values().next());
        self.finish_reads();
        self.pass_time(Duration::from_secs(100));
        self.finish_reads();
        while self.lanes.pick(self.now).is_some() {}
        self.settle();
        for _ in 0..4 {
            self.feed();
        }
        assert_eq!(self.lanes.open(), 0, "places");
        assert_eq!(self.lanes.event_bytes, 0, "bytes");
        assert_eq!(self.lanes.known.unsettled().count(), 0, "deliveries");
        self.pass_time(PRUNE_EVERY);
        self.lanes.pick(self.now);
        self.lanes.lanes.retain(|_, lane| lane.courier.endpoint.is_none());
        assert_eq!(self.lanes.lanes.len(), 0, "lanes without work");
        assert!(self.lanes.tenants.count() <= 1, "tenants without lanes");
    }
}

/// More than a lane has room for.
const ROWS: usize = 2_600;

fn loaded(due: &Due) -> Arc<LoadedEvent> {
    loaded_of(due, "default")
}

pub(super) fn loaded_of(due: &Due, tenant: &str) -> Arc<LoadedEvent> {
    let event = Event { tenant: tenant.to_owned(), ..Event::plain(due.id.event()) };
    Arc::new(LoadedEvent { event, payload: Some(bytes::Bytes::from_static(b"{}")) })
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
