//! The simulated world: its time and chance, statements on their way to the database, and what troubles it.

use std::{collections::BTreeMap, time::Duration};

use rand::{RngExt as _, rngs::StdRng};
use uuid::Uuid;

use super::{
    database::Database,
    receivers::{Met, RECEIVERS, Receiver},
    witness::{Opened, Witness},
};
use crate::{deliver::sign::Signed, id::EventId, store::NodeId};

/// What kind of statement is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
    /// The first of a transaction: it takes locks.
    Begin,
}

/// What becomes of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    CarriedOut,
    AnswerLost,
    Refused(&'static str),
}

/// Carries a statement out; false while it waits for a lock.
type CarryOut = Box<dyn FnMut(&mut Database, Fate) -> bool + Send>;

/// A statement on its way.
pub(super) struct Statement {
    node: usize,
    /// Of which connections of its node it was sent over one.
    generation: u64,
    kind: Kind,
    arrives: Duration,
    carry_out: CarryOut,
}

impl Statement {
    pub(super) fn new(node: usize, generation: u64, kind: Kind, carry_out: CarryOut) -> Self {
        Self { node, generation, kind, arrives: Duration::ZERO, carry_out }
    }
}

/// What troubles the database and the ways to it, and until when.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Trouble {
    /// It refuses every statement.
    pub(super) away: Duration,
    /// It answers nothing, and goes on afterwards.
    pub(super) still: Duration,
    /// Statements take seconds.
    pub(super) slow: Duration,
    /// Answers to writes get lost.
    pub(super) lossy: Duration,
}

/// The world, which all nodes live in.
pub(super) struct World {
    pub(super) database: Database,
    pub(super) chance: StdRng,
    pub(super) trouble: Trouble,
    pub(super) witness: Witness,
    /// Who each node is registered as.
    registered: BTreeMap<usize, NodeId>,
    /// Of each node, the generation of connections that are not dead.
    alive_from: BTreeMap<usize, u64>,
    statements: Vec<Statement>,
    /// Those that never arrive. Whoever waits for an answer waits in vain.
    swallowed: Vec<Statement>,
}

impl World {
    pub(super) fn new(chance: StdRng) -> Self {
        Self {
            database: Database::new(),
            chance,
            trouble: Trouble::default(),
            witness: Witness::default(),
            registered: BTreeMap::new(),
            alive_from: BTreeMap::new(),
            statements: Vec::new(),
            swallowed: Vec::new(),
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.database.now
    }

    pub(super) fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(self.chance.random_range(from..=to))
    }

    pub(super) fn fresh_node(&mut self, node: usize) -> NodeId {
        let id = NodeId(Uuid::from_u128(self.chance.random()));
        self.registered.insert(node, id);
        id
    }

    // --- Statements --------------------------------------------------------------------------------------------------

    pub(super) fn send(&mut self, mut statement: Statement) {
        let slow = self.now() < self.trouble.slow && self.chance.random_bool(0.3);
        let takes = if slow { self.millis(100, 3_000) } else { self.millis(0, 4) };
        statement.arrives = self.now() + takes;
        self.statements.push(statement);
    }

    /// Time has come to `now`: the database does what has arrived, in order.
    pub(super) fn come_to(&mut self, now: Duration) {
        self.database.now = now;
        self.database.end_idle();
        if now < self.trouble.still {
            return;
        }
        for mut statement in std::mem::take(&mut self.statements) {
            let generation = self.alive_from.get(&statement.node).copied().unwrap_or_default();
            if statement.generation < generation {
                self.swallowed.push(statement);
                continue;
            }
            if statement.arrives > now {
                self.statements.push(statement);
                continue;
            }
            let is_lost = now < self.trouble.lossy && statement.kind == Kind::Write && self.chance.random_bool(0.2);
            let fate = if now < self.trouble.away {
                Fate::Refused("connection refused")
            } else if is_lost {
                Fate::AnswerLost
            } else {
                Fate::CarriedOut
            };
            if !(statement.carry_out)(&mut self.database, fate) {
                self.statements.push(statement);
            }
        }
    }

    /// The connections that a node has carry nothing any more, and nobody is told.
    pub(super) fn forget_connections(&mut self, node: usize) {
        let dead = self.statements.iter().filter(|statement| statement.node == node).map(|of| of.generation).max();
        let from = self.alive_from.entry(node).or_default();
        *from = dead.map_or(*from, |dead| dead + 1).max(*from);
    }

    /// A process was killed: what it had sent is carried out, and what it had begun is rolled back.
    pub(super) fn disconnect(&mut self, node: usize) {
        self.statements.retain(|statement| statement.node != node || statement.kind == Kind::Write);
        self.database.disconnect(node);
    }

    /// The database starts anew: whoever waited for an answer is told that there is none.
    pub(super) fn cut_all(&mut self) {
        self.database.end_all();
        for mut statement in self.statements.drain(..) {
            (statement.carry_out)(&mut self.database, Fate::Refused("the server closed the connection"));
        }
    }

    // --- Receivers ---------------------------------------------------------------------------------------------------

    /// A request has reached its receiver: what becomes of it.
    pub(super) fn opened(&mut self, node: usize, at: Duration, request: &Signed, timeout: Duration) -> Met {
        let number = request.url.host_str().and_then(number_of).expect("a receiver of the simulation");
        let Receiver { answers_within, fails_one_of, hangs, panics_one_of, .. } = RECEIVERS[number];
        let mut one_of = |count: u32| count > 0 && self.chance.random_range(0..count) == 0;
        let (fails, panics) = (one_of(fails_one_of), one_of(panics_one_of));
        let takes = answers_within.mul_f64(self.chance.random_range(0.1..1.0));
        let took = if hangs { timeout } else { takes };
        let header = |name: &str| request.headers[name].to_str().expect("text");
        let event: EventId = header("webhook-id").parse().expect("an event's id");
        let attempt = header("ringback-attempt").parse().expect("a number");
        let by = self.registered[&node];
        // One that panics is over at once.
        let until = if panics { at } else { at + took };
        let opened = Opened { receiver: number, event, attempt, by, at, until };
        self.witness.opened(&self.database, opened);
        Met { hangs, fails, panics, took }
    }
}

/// The receiver at `host`.
fn number_of(host: &str) -> Option<usize> {
    host.strip_prefix('r')?.strip_suffix(".example.com")?.parse().ok()
}

/// Where a receiver is.
pub(super) fn url_of(receiver: usize) -> String {
    format!("https://r{receiver}.example.com/")
}
