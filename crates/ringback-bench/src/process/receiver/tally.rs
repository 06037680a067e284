//! What the receiver counts: arrivals and latencies for each kind of endpoint, and which numbers came how often.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::behaviour::Behaviour;
use crate::{
    measure::latency::{Latencies, Latency},
    payload,
};

/// Counters that all connections share.
pub(super) struct Tally {
    arrivals: AtomicU64,
    first: AtomicU64,
    last: AtomicU64,
    open: AtomicU64,
    open_max: AtomicU64,
    classes: [Class; Behaviour::COUNT],
    /// How often each number came.
    seen: RwLock<Vec<AtomicU8>>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            arrivals: AtomicU64::new(0),
            first: AtomicU64::new(u64::MAX),
            last: AtomicU64::new(0),
            open: AtomicU64::new(0),
            open_max: AtomicU64::new(0),
            classes: Default::default(),
            seen: RwLock::default(),
        }
    }
}

#[derive(Default)]
struct Class {
    arrivals: AtomicU64,
    last: AtomicU64,
    latencies: Mutex<Latencies>,
}

/// What has been seen since the last reset. Moments are nanoseconds of the machine's clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) arrivals: u64,
    pub(crate) first_ns: u64,
    pub(crate) last_ns: u64,
    pub(crate) connections: u64,
    pub(crate) connections_max: u64,
    pub(crate) classes: BTreeMap<String, ClassReport>,
    /// Numbers that were looked for and have not come.
    pub(crate) missing: u64,
    /// Arrivals of a number that had come before.
    pub(crate) duplicates: u64,
}

/// The same for one kind of endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ClassReport {
    pub(crate) arrivals: u64,
    pub(crate) last_ns: u64,
    /// From the moment of emit to the end of the request's head, for payloads that tell that moment.
    pub(crate) latency: Option<Latency>,
}

impl Report {
    /// Of the endpoints that answer at once.
    pub(crate) fn healthy(&self) -> Option<&ClassReport> {
        self.classes.get(Behaviour::NAMES[0])
    }
}

/// A connection that counts as open until dropped.
pub(super) struct Open<'a>(&'a Tally);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
    }
}

impl Tally {
    pub(super) fn connected(&self) -> Open<'_> {
        let open = self.open.fetch_add(1, Relaxed) + 1;
        self.open_max.fetch_max(open, Relaxed);
        Open(self)
    }

    /// A request's head has been read.
    pub(super) fn arrived(&self, behaviour: Behaviour, at: u64) {
        let class = &self.classes[behaviour.index()];
        class.arrivals.fetch_add(1, Relaxed);
        class.last.fetch_max(at, Relaxed);
        self.first.fetch_min(at, Relaxed);
        self.last.fetch_max(at, Relaxed);
        self.arrivals.fetch_add(1, Relaxed);
    }

    /// Its body begins with `data`.
    pub(super) fn read(&self, behaviour: Behaviour, arrived: u64, data: &[u8]) {
        let Some((number, emitted)) = payload::read(data) else { return };
        if emitted != 0 {
            self.classes[behaviour.index()].latencies.lock().add_ns(arrived.saturating_sub(emitted));
        }
        if let Some(times) = usize::try_from(number)
            .ok()
            .and_then(|at| self.seen.read().get(at).map(|times| times.fetch_add(1, Relaxed)))
        {
            debug_assert!(times < u8::MAX, "a number came 256 times");
        }
    }

    pub(super) fn reset(&self, expect: u64) {
        let expect = usize::try_from(expect).unwrap_or(0);
        *self.seen.write() = std::iter::repeat_with(|| AtomicU8::new(0)).take(expect).collect();
        for class in &self.classes {
            class.arrivals.store(0, Relaxed);
            class.last.store(0, Relaxed);
            class.latencies.lock().clear();
        }
        self.open_max.store(self.open.load(Relaxed), Relaxed);
        self.arrivals.store(0, Relaxed);
        self.first.store(u64::MAX, Relaxed);
        self.last.store(0, Relaxed);
    }

    /// Waits for so many arrivals, or `at_most`.
    pub(super) async fn wait(&self, arrivals: u64, at_most: Duration) {
        let since = Instant::now();
        while self.arrivals.load(Relaxed) < arrivals && since.elapsed() < at_most {
            sleep(Duration::from_millis(2)).await;
        }
    }

    pub(super) fn report(&self) -> Report {
        let (mut missing, mut duplicates) = (0, 0);
        for times in self.seen.read().iter() {
            match times.load(Relaxed) {
                0 => missing += 1,
                times => duplicates += u64::from(times) - 1,
            }
        }
        let arrivals = self.arrivals.load(Relaxed);
        Report {
            arrivals,
            first_ns: if arrivals == 0 { 0 } else { self.first.load(Relaxed) },
            last_ns: self.last.load(Relaxed),
            connections: self.open.load(Relaxed),
            connections_max: self.open_max.load(Relaxed),
            classes: Behaviour::NAMES
                .iter()
                .zip(&self.classes)
                .filter_map(|(name, class)| class.report(name))
                .collect(),
            missing,
            duplicates,
        }
    }
}

impl Class {
    fn report(&self, name: &str) -> Option<(String, ClassReport)> {
        let arrivals = self.arrivals.load(Relaxed);
        let latency = self.latencies.lock().summary();
        (arrivals > 0).then(|| (name.to_owned(), ClassReport { arrivals, last_ns: self.last.load(Relaxed), latency }))
    }
}
