//! What a scenario plays on: a fresh database, a receiver and a producer, and the ceiling measured with them just now.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::{
    bench::{Bare, Bench},
    database::{Database, Session, Store},
    failure::{Failure, Result},
    measure::{
        clock,
        used::{self, Used, Window},
    },
    process::{
        node::Node,
        producer::{Done, Job, Pace, Producer},
        receiver::{Receiver, Report},
    },
    report::{Row, row::grouped},
};

/// How long the last outcomes may take to be recorded.
const RECORDING: Duration = Duration::from_secs(60);

/// A set stage.
pub(crate) struct Stage<'a> {
    pub(crate) bench: &'a Bench,
    pub(crate) database: Database,
    pub(crate) receiver: Receiver,
    pub(crate) producer: Producer,
    pub(crate) bare: Bare,
}

/// A backlog that has gone out.
pub(crate) struct Drained {
    /// From the start of the nodes, or the release of what was held, to the last recorded outcome.
    pub(crate) seconds: f64,
    pub(crate) report: Report,
    /// From the same start to the first request at the receiver, in milliseconds.
    pub(crate) first_arrival_ms: f64,
    pub(crate) used: Used,
}

impl<'a> Stage<'a> {
    /// Sets it.
    pub(crate) async fn set(bench: &'a Bench, store: Store) -> Result<Self> {
        let (mut receiver, mut producer) = (Receiver::start().await?, Producer::start()?);
        let bare = bench.bare(&mut receiver, &mut producer).await?;
        let database = bench.database(store).await?;
        Ok(Self { bench, database, receiver, producer, bare })
    }

    /// Clears it away.
    pub(crate) async fn clear(self) -> Result<()> {
        self.database.remove().await
    }

    pub(crate) const fn store(&self) -> Store {
        self.database.store()
    }

    /// A row of this stage.
    pub(crate) fn row(&self, scenario: &'static str, what: impl Into<String>) -> Row {
        Row::new(scenario, Some(self.store()), what).beside(self.bare)
    }

    /// Starts to measure what is used.
    pub(crate) async fn begin(&self, pids: &[u32]) -> Result<Window> {
        used::begin(&self.database, self.bench.cluster.as_ref(), pids).await
    }

    /// Ends it.
    pub(crate) async fn end(&self, window: Window, pids: &[u32]) -> Result<Used> {
        window.end(&self.database, self.bench.cluster.as_ref(), pids).await
    }

    /// Has the producer do a job; any failed request fails it.
    pub(crate) async fn produce(&mut self, job: &Job, pace: Pace) -> Result<Done> {
        let done = self.producer.run(job, pace.patience()).await?;
        match &done.failure {
            Some(failure) => Err(Failure::new(format!("{} requests failed, one with: {failure}", done.failed))),
            None => Ok(done),
        }
    }

    /// Starts `count` nodes and drains what lies there: `deliveries`, of events numbered from 0 to below `events`.
    pub(crate) async fn drain(&mut self, nodes: usize, deliveries: u64, events: u64) -> Result<(Drained, Vec<Node>)> {
        self.receiver.reset(events).await?;
        let window = self.begin(&[]).await?;
        let since = Moment::now();
        let mut running = Vec::new();
        for _ in 0..nodes {
            running.push(Node::start(&self.database).await?);
        }
        let pids: Vec<_> = running.iter().map(|node| node.pid).collect();
        eprintln!("  {}: {} deliveries by process {pids:?}", self.store().name(), grouped(deliveries as f64));
        let drained = self.drained(since, window, deliveries, &pids).await?;
        Ok((drained, running))
    }

    /// Waits until `deliveries` have arrived and are recorded, and takes stock.
    pub(crate) async fn drained(
        &mut self,
        since: Moment,
        window: Window,
        deliveries: u64,
        pids: &[u32],
    ) -> Result<Drained> {
        let report = self.receiver.all(deliveries, self.bench.patience()).await?;
        let ended = self.finished(deliveries).await?;
        let used = self.end(window, pids).await?;
        Ok(Drained {
            seconds: (ended - since.unix_us) as f64 / 1e6,
            first_arrival_ms: report.first_ns.saturating_sub(since.monotonic_ns) as f64 / 1e6,
            report,
            used,
        })
    }

    /// Waits until so many deliveries are finished; the moment at which the last one was recorded, by the database's
    /// clock.
    pub(crate) async fn finished(&self, count: u64) -> Result<i64> {
        let (mut session, table) = (self.database.session().await?, self.database.table("finished"));
        let since = Instant::now();
        loop {
            let done = session.number(format!("SELECT count(*) FROM {table}")).await?;
            if u64::try_from(done).unwrap_or(0) >= count {
                return session.number(format!("SELECT max(finished_at) FROM {table}")).await;
            }
            if since.elapsed() > RECORDING {
                return Err(Failure::new(format!(
                    "{done} of {count} deliveries are recorded {RECORDING:?} after the last arrived"
                )));
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// A session for questions.
    pub(crate) async fn session(&self) -> Result<Session> {
        self.database.session().await
    }
}

/// One moment by both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) unix_us: i64,
    pub(crate) monotonic_ns: u64,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self { unix_us: clock::unix_us(), monotonic_ns: clock::monotonic_ns() }
    }
}

impl Drained {
    /// A row about it.
    pub(crate) fn tell(&self, row: Row, deliveries: u64) -> Row {
        let count = deliveries as f64;
        let sending = self.report.last_ns.saturating_sub(self.report.first_ns) as f64 / 1e9;
        row.rate(count / self.seconds)
            .used(&self.used, deliveries)
            .with("seconds", self.seconds)
            .with("first_arrival_ms", self.first_arrival_ms)
            .with("arrivals_per_second", count / sending)
            .with("duplicates", self.report.duplicates)
            .with("missing", self.report.missing)
            .with("connections_max", self.report.connections_max)
    }
}
