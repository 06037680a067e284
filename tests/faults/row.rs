//! A row of the matrix: what is staged, which fault befalls it, and what must come of it.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use ringback_tests::stores::Store;

use crate::stage::Scene;

/// A fault, from its beginning to its end.
pub(crate) type Fault = for<'a> fn(&'a mut Scene) -> LocalBoxFuture<'a, ()>;

/// One fault on one store.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// What the fault is called.
    pub(crate) name: &'static str,
    /// The store that it befalls.
    pub(crate) store: Store,
    /// Whether it takes longer than about ten seconds, so that only `tests/run faults` plays it.
    pub(crate) is_slow: bool,
    /// What it befalls.
    pub(crate) setting: Setting,
    /// What happens.
    pub(crate) fault: Fault,
    /// What must come of it.
    pub(crate) expected: Expected,
}

/// What a fault befalls.
#[derive(Clone, Copy)]
pub(crate) struct Setting {
    /// How many nodes serve; on SQLite one.
    pub(crate) nodes: usize,
    /// Where the database is.
    pub(crate) place: Place,
    /// Keys of the nodes' configuration.
    pub(crate) keys: &'static [(&'static str, &'static str)],
    /// What the system limits of the nodes, as options of `prlimit`.
    pub(crate) limits: &'static [&'static str],
    /// What a request may take, in milliseconds, before it counts as failed.
    pub(crate) timeout_ms: u64,
    /// Whether it takes a library that shows a process another time.
    pub(crate) needs_faketime: bool,
}

/// Where the database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the server of all tests; SQLite in a temporary folder.
    Shared,
    /// On a PostgreSQL server of its own, by way of a wire that can lead elsewhere or carry nothing.
    Own,
    /// On a file system of so many MiB; PostgreSQL with a server of its own.
    SmallDisk(u32),
    /// On an ext4 of so many MiB, whose files can become immutable; PostgreSQL with a server of its own.
    Ext4(u32),
    /// On the server of all tests, behind a PgBouncer with this `pool_mode`.
    Bouncer(&'static str),
}

/// What must come of a row, beside "nothing lost, nothing unexpected, and the ledger balanced".
#[derive(Clone, Copy)]
pub(crate) struct Expected {
    /// Most requests too many.
    pub(crate) duplicates: Bound<usize>,
    /// The longest that an event may take from its acceptance, or from the end of the fault if that came later, until it
    /// has arrived at a healthy receiver.
    pub(crate) latest: Bound<Duration>,
    /// The longest that an event may take that was accepted while the fault lasted, where the fault is to hold nothing up.
    pub(crate) meanwhile: Option<Duration>,
    /// Most events of which nobody is told whether they are accepted, where the fault is to keep nobody from being answered.
    pub(crate) unanswered: Option<usize>,
    /// Whether the database itself forgets what was recorded, so that its ledger cannot know all that has arrived.
    pub(crate) is_forgetful: bool,
}

/// A bound, and the named cause of what stays below it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound<T> {
    /// The most.
    pub(crate) most: T,
    /// Why it is not nothing.
    pub(crate) because: &'static str,
}

/// What a busy machine of two cores, whose disk may stand still for seconds, may take for what it does at once.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(12);

/// The same where a fault that lasts longer is to hold nothing up.
const MEANWHILE: Duration = Duration::from_secs(6);

/// With the default lease of 12 s: what a dead node owned is another's within this.
pub(crate) const TAKEOVER: Duration = Duration::from_secs(12).saturating_add(AT_ONCE);

impl Row {
    /// One node on the shared database, and nothing that would explain a duplicate or a silence.
    pub(crate) const fn new(name: &'static str, store: Store, fault: Fault) -> Self {
        let setting = Setting {
            nodes: 1,
            place: Place::Shared,
            keys: &[],
            limits: &[],
            timeout_ms: 20_000,
            needs_faketime: false,
        };
        let expected = Expected {
            duplicates: Bound { most: 0, because: "no outcome is in doubt" },
            latest: Bound { most: AT_ONCE, because: "what a busy machine takes to go on" },
            meanwhile: None,
            unanswered: None,
            is_forgetful: false,
        };
        Self { name, store, is_slow: false, setting, fault, expected }
    }

    /// The same on both stores.
    pub(crate) fn on_both(name: &'static str, fault: Fault) -> [Self; 2] {
        [Store::Postgres, Store::Sqlite].map(|store| Self::new(name, store, fault))
    }

    /// Takes too long for a plain run.
    pub(crate) const fn slow(mut self) -> Self {
        self.is_slow = true;
        self
    }

    /// With so many nodes.
    pub(crate) const fn nodes(mut self, nodes: usize) -> Self {
        self.setting.nodes = nodes;
        self
    }

    /// With the database there.
    pub(crate) const fn at(mut self, place: Place) -> Self {
        self.setting.place = place;
        self
    }

    /// With nodes configured so.
    pub(crate) const fn keys(mut self, keys: &'static [(&'static str, &'static str)]) -> Self {
        self.setting.keys = keys;
        self
    }

    /// With nodes limited so.
    pub(crate) const fn limits(mut self, limits: &'static [&'static str]) -> Self {
        self.setting.limits = limits;
        self
    }

    /// With requests that may take no longer than this.
    pub(crate) const fn timeout_ms(mut self, timeout_ms: u64) -> Self {
        self.setting.timeout_ms = timeout_ms;
        self
    }

    /// With nodes whose clock can be wrong.
    pub(crate) const fn with_faketime(mut self) -> Self {
        self.setting.needs_faketime = true;
        self
    }

    /// So many requests may come too often.
    pub(crate) const fn duplicates(mut self, most: usize, because: &'static str) -> Self {
        self.expected.duplicates = Bound { most, because };
        self
    }

    /// What is accepted may come so late after the fault.
    pub(crate) const fn latest(mut self, most: Duration, because: &'static str) -> Self {
        self.expected.latest = Bound { most, because };
        self
    }

    /// The fault keeps nobody from being answered, and holds up nothing that is accepted meanwhile.
    pub(crate) const fn goes_on_meanwhile(mut self) -> Self {
        self.expected.meanwhile = Some(MEANWHILE);
        self.unanswered(0)
    }

    /// So many callers may stay without an answer.
    pub(crate) const fn unanswered(mut self, most: usize) -> Self {
        self.expected.unanswered = Some(most);
        self
    }

    /// The database forgets.
    pub(crate) const fn forgetful(mut self) -> Self {
        self.expected.is_forgetful = true;
        self
    }

    /// `fault::store`.
    pub(crate) fn title(&self) -> String {
        let store = match self.store {
            Store::Postgres => "postgres",
            Store::Sqlite => "sqlite",
        };
        format!("{}::{store}", self.name)
    }
}
