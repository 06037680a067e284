//! What all scenarios of a run share: how large they are, the server, and the ceiling measured beside each.

use std::{cell::RefCell, time::Duration};

use crate::{
    database::{Database, Store},
    failure::{Result, While as _},
    process::{
        cluster::Cluster,
        producer::{Done, Job, Producer},
        receiver::{Behaviour, Receiver},
    },
    report::Plot,
    sizes::{Sizes, USUAL},
};

/// How much is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// What the targets are about.
    Full,
    /// Smaller by some factor that every row says; it claims no target.
    Quick,
    /// Just enough to see that it works.
    Tiny,
}

/// A run.
pub(crate) struct Bench {
    pub(crate) scale: Scale,
    /// Instead of a scenario's own number of events or deliveries.
    pub(crate) count: Option<u64>,
    /// Stores to run on.
    pub(crate) stores: Vec<Store>,
    pub(crate) cluster: Option<Cluster>,
    /// What there is to be drawn.
    pub(crate) plots: RefCell<Vec<Plot>>,
}

/// Connections of the ceiling: as many as a node may have open to one endpoint here.
pub(crate) const CONNECTIONS: u32 = 64;

/// What the machine does without a database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bare {
    /// Signed requests a second.
    pub(crate) rate: f64,
    /// CPU of the sender for each, in microseconds.
    pub(crate) sender_us: f64,
}

impl Bare {
    /// What a producer's account comes to.
    pub(crate) fn of(done: &Done) -> Self {
        Self { rate: done.rate(), sender_us: done.cpu_seconds * 1e6 / done.accepted.max(1) as f64 }
    }
}

impl Bench {
    /// `full`, or what of it this run's scale does; a count given on the command line goes before both.
    pub(crate) fn count(&self, full: u64, quick: u64) -> u64 {
        self.count.unwrap_or_else(|| self.scaled(full, quick))
    }

    /// The same for a number that the command line does not set.
    pub(crate) fn scaled(&self, full: u64, quick: u64) -> u64 {
        match self.scale {
            Scale::Full => full,
            Scale::Quick => quick,
            Scale::Tiny => (quick / 50).max(1),
        }
    }

    /// The same for a stretch of time.
    pub(crate) fn seconds(&self, full: f64, quick: f64) -> f64 {
        match self.scale {
            Scale::Full => full,
            Scale::Quick => quick,
            Scale::Tiny => quick / 10.0,
        }
    }

    /// How long to wait for something to be over: far longer than the slowest that is still worth measuring.
    pub(crate) fn patience(&self) -> Duration {
        match (self.scale, self.count) {
            (Scale::Full, _) | (_, Some(_)) => Duration::from_secs(1_800),
            (Scale::Quick, None) => Duration::from_secs(180),
            (Scale::Tiny, None) => Duration::from_secs(60),
        }
    }

    /// Keeps something to be drawn at the end.
    pub(crate) fn plot(&self, plot: Plot) {
        self.plots.borrow_mut().push(plot);
    }

    /// A fresh database.
    pub(crate) async fn database(&self, store: Store) -> Result<Database> {
        Database::fresh(store, self.cluster.as_ref()).await.during("making a database")
    }

    /// The ceiling, now.
    pub(crate) async fn bare(&self, receiver: &mut Receiver, producer: &mut Producer) -> Result<Bare> {
        Ok(Bare::of(&self.bare_of(receiver, producer, self.seconds(4.0, 0.5), USUAL).await?))
    }

    /// The same with payloads of another size.
    pub(crate) async fn bare_of(
        &self,
        receiver: &mut Receiver,
        producer: &mut Producer,
        seconds: f64,
        sizes: Sizes,
    ) -> Result<Done> {
        let url = receiver.url(Behaviour::Healthy, 0);
        let job = Job::Bare { url, connections: CONNECTIONS as usize, sizes, seconds };
        let done = producer.run(&job, Duration::from_secs_f64(seconds + 30.0)).await.during("the ceiling")?;
        receiver.reset(0).await?;
        Ok(done)
    }
}
