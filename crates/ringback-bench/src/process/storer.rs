//! The hidden command that does to a store all that the engine does, and sends nothing: how far the statements go.
//!
//! Like the engine it reads the outbox, routes, loads what would be sent, and records in batches, two commits under
//! way at once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use ringback::{
    attempt::{Attempt, Conclusion},
    delivery::{Due, LaneId, Marks, NewDelivery},
    event::Event,
    id::EndpointId,
    store::{Floor, Recorded, RoutedEvent, Routing, Settlement, SharedStore, UnroutedEvent, Verdict},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinSet,
};

use super::child::{Child, questions, say};
use crate::failure::{Failure, Result};

/// As the engine's.
const BATCH: u32 = 512;
const COMMITS: usize = 2;
const WINDOW: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Bytes of what is kept about a request, about as many as the engine keeps.
const DETAIL_BYTES: usize = 640;

/// What to do.
#[derive(Debug, Serialize, Deserialize)]
struct Job {
    url: String,
    count: u64,
    /// Those of the tenants `t0` and following; none stands for one that does not exist.
    endpoints: Vec<EndpointId>,
    /// Whether to take the deliveries for sent.
    record: bool,
}

/// The hidden command; answers with the seconds it took.
pub(crate) async fn run() -> Result<()> {
    let mut questions = questions();
    while let Some(line) = questions.recv().await {
        let job: Job = serde_json::from_str(&line)?;
        say(work(job).await)?;
    }
    Ok(())
}

/// A running one; ends when dropped.
pub(crate) struct Storer(Child);

impl Storer {
    pub(crate) fn start() -> Result<Self> {
        Ok(Self(Child::start("storer")?))
    }

    pub(crate) const fn pid(&self) -> u32 {
        self.0.pid()
    }

    /// Takes `count` events from the outbox to `finished`; returns how many seconds that took.
    pub(crate) async fn run(&mut self, url: &str, count: u64) -> Result<f64> {
        self.work(Job { url: url.to_owned(), count, endpoints: Vec::new(), record: true }).await
    }

    /// Takes them from the outbox to `delivery`: a backlog of these endpoints, which the tenants `t0` and following have.
    pub(crate) async fn route(&mut self, url: &str, count: u64, endpoints: &[String]) -> Result<f64> {
        let endpoints = endpoints.iter().map(|id| id.parse()).collect::<std::result::Result<_, _>>()?;
        self.work(Job { url: url.to_owned(), count, endpoints, record: false }).await
    }

    async fn work(&mut self, job: Job) -> Result<f64> {
        self.0.ask(&job, Duration::from_secs(1_800)).await
    }
}

async fn work(job: Job) -> Result<f64> {
    let store: SharedStore = if job.url.starts_with("postgres") {
        Arc::new(ringback_postgres::Postgres::connect(&job.url, ringback_postgres::DEFAULT_SCHEMA).await?)
    } else {
        Arc::new(ringback_sqlite::Sqlite::open(job.url.trim_start_matches("sqlite://")).await?)
    };
    let since = Instant::now();
    // As many as the engine lets wait.
    let (sender, due) = mpsc::channel(4);
    let due = Arc::new(Mutex::new(due));
    let mut tasks = JoinSet::new();
    for _ in 0..COMMITS {
        tasks.spawn(record(Arc::clone(&store), Arc::clone(&due)));
    }
    route(&store, &job, sender).await?;
    if !job.record {
        return Ok(since.elapsed().as_secs_f64());
    }
    let mut recorded = 0;
    while let Some(task) = tasks.join_next().await {
        recorded += task??;
    }
    if recorded == job.count {
        return Ok(since.elapsed().as_secs_f64());
    }
    Err(Failure::new(format!("{recorded} of {} events were recorded", job.count)))
}

async fn route(store: &SharedStore, job: &Job, due: mpsc::Sender<Vec<Due>>) -> Result<()> {
    let nobody = EndpointId::new(Timestamp::now());
    let (mut floor, mut routed) = (Floor::default(), 0);
    while routed < job.count {
        let page = store.read_outbox(floor, BATCH).await?;
        if page.events.is_empty() {
            return Err(Failure::new(format!("the outbox held {routed} of {} events", job.count)));
        }
        floor = page.next;
        let endpoint = |event: &Event| {
            let number = event.tenant.trim_start_matches('t').parse::<usize>();
            number.ok().and_then(|number| job.endpoints.get(number)).copied().unwrap_or(nobody)
        };
        let events =
            page.events.into_iter().map(|unrouted| to(endpoint(&unrouted.event), page.config_version, unrouted));
        let events: Vec<_> = events.collect();
        routed += events.len() as u64;
        let rows = store.record_routing(&events, WINDOW).await?.due;
        if !job.record {
            continue;
        }
        let ids: Vec<_> = rows.iter().map(|due| due.id.event()).collect();
        if store.load_events(&ids).await?.len() < rows.len() {
            return Err(Failure::new("an event was not found"));
        }
        if due.send(rows).await.is_err() {
            // Whoever records has failed and says why.
            return Ok(());
        }
    }
    Ok(())
}

fn to(endpoint: EndpointId, config_version: i64, unrouted: UnroutedEvent) -> RoutedEvent {
    let delivery = NewDelivery {
        id: unrouted.event.id.delivery(1),
        lane: LaneId::of_endpoint(endpoint),
        endpoint: Some(endpoint),
        ordering_key: None,
        marks: Marks::default(),
        schedule: Default::default(),
    };
    let routing = Routing { config_version, verdict: Verdict::Deliveries(vec![delivery]) };
    RoutedEvent { pointer: unrouted.pointer, event: unrouted.event, routing }
}

async fn record(store: SharedStore, due: Arc<Mutex<mpsc::Receiver<Vec<Due>>>>) -> Result<u64> {
    let detail = Bytes::from(format!(r#"{{"kept":"{}"}}"#, "x".repeat(DETAIL_BYTES)));
    let mut recorded = 0;
    loop {
        let rows = due.lock().await.recv().await;
        let Some(rows) = rows else { return Ok(recorded) };
        let outcomes: Vec<_> = rows.iter().map(|due| delivered(due, &detail)).collect();
        let applied = store.record(&outcomes).await?;
        recorded += applied.iter().filter(|applied| **applied).count() as u64;
    }
}

fn delivered(due: &Due, detail: &Bytes) -> Recorded {
    let attempt = Attempt {
        number: due.attempts + 1,
        at: Timestamp::now(),
        conclusion: Conclusion::Delivered,
        status: Some(204),
        error: None,
        phase: None,
        ambiguous: false,
        duration: Duration::from_micros(500),
        detail: detail.clone(),
        response_body: Bytes::new(),
    };
    Recorded {
        id: due.id,
        lane: due.lane,
        fence: due.attempts,
        settlement: Settlement::Delivered,
        attempt: Some(attempt),
    }
}
