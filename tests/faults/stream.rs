//! A steady stream of events, and what became of each at the door. Three kinds of callers bring them: one asks once by HTTP,
//! one asks by HTTP under an idempotency key until it is told that the event is accepted, one emits by SQL.
//!
//! The payload of each event is its number here.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::StreamExt as _;
use reqwest::Method;
use ringback::event::NewEvent;
use ringback_tests::{
    api::{Api, emit_request, id_of},
    database::Database,
};
use serde_json::{Value, json};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::stage::LANES;

/// From one event to the next.
const PACE: Duration = Duration::from_millis(40);

/// How long a caller waits for an answer.
const ANSWER: Duration = Duration::from_secs(5);

const NO_ANSWER: &str = "no answer in time";

/// Before the patient caller asks again.
const PAUSE: Duration = Duration::from_millis(250);

/// When even the patient caller gives up: long after every fault.
const GIVES_UP: Duration = Duration::from_secs(150);

/// Most callers of a kind that wait at a time; while there are so many, no more come.
const WAITING_MAX: usize = 16;

/// What became of an event at the door.
#[derive(Debug, Clone)]
pub(crate) enum Fate {
    /// Accepted under this id; it is owed from then on.
    Accepted { id: String, at: Instant },
    /// It cannot have been accepted.
    Refused,
    /// Nobody said, for this reason. It may have been accepted.
    Unanswered(String),
}

/// An event of the stream.
#[derive(Debug, Clone)]
pub(crate) struct Emitted {
    /// Its number, which is its payload.
    pub(crate) number: usize,
    /// What became of it at the door.
    pub(crate) fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Once,
    Patient,
    Sql,
}

/// The stream; it goes on until it is ended.
pub(crate) struct Stream {
    door: Arc<Door>,
    stop: CancellationToken,
    flowing: Option<tokio::task::JoinHandle<()>>,
}

struct Door {
    database: Mutex<Arc<Database>>,
    nodes: watch::Sender<Vec<Api>>,
    next: Mutex<usize>,
    emitted: Mutex<Vec<Emitted>>,
}

impl Stream {
    /// Of events that are emitted on this database, and by way of nobody as yet. It does not flow.
    pub(crate) fn new(database: Arc<Database>) -> Self {
        let nodes = watch::channel(Vec::new()).0;
        let door =
            Arc::new(Door { database: Mutex::new(database), nodes, next: Mutex::default(), emitted: Mutex::default() });
        Self { door, stop: CancellationToken::new(), flowing: None }
    }

    /// Lets it flow.
    pub(crate) fn begin(&mut self) {
        self.stop = CancellationToken::new();
        self.flowing = Some(tokio::spawn(flow(Arc::clone(&self.door), self.stop.clone())));
    }

    /// The platform's own events go to this database from now on.
    pub(crate) fn emit_on(&self, database: Arc<Database>) {
        *self.door.database.lock().expect("nobody panics with it") = database;
    }

    /// These nodes are asked from now on, by turns.
    pub(crate) fn go_by_way_of(&self, nodes: Vec<Api>) {
        self.door.nodes.send_replace(nodes);
    }

    /// So many events at once beside the steady ones, each asked for once.
    pub(crate) async fn burst(&self, count: usize) {
        let emits = futures_util::stream::iter(0..count).map(|_| self.door.emit(Caller::Once, self.door.number()));
        emits.buffer_unordered(WAITING_MAX).collect::<Vec<_>>().await;
    }

    /// An event for receivers that the steady ones do not go to, asked for until it is accepted.
    pub(crate) async fn emit(&self, event_type: &str) {
        self.ask(self.number(), event_type).await;
    }

    /// The number of an event that is asked for by [`Stream::ask`] later.
    pub(crate) fn number(&self) -> usize {
        self.door.number()
    }

    /// Asks for an event of this number, under a key that is its number, too, until it is accepted. Returns how long that
    /// took.
    pub(crate) async fn ask(&self, number: usize, event_type: &str) -> Duration {
        let begun = Instant::now();
        self.door.emit_as(Caller::Patient, number, event_type).await;
        begun.elapsed()
    }

    /// Ends it, waits for the last callers, and returns what became of all events.
    pub(crate) async fn end(&mut self) -> Vec<Emitted> {
        self.stop.cancel();
        if let Some(flowing) = self.flowing.take() {
            flowing.await.expect("no caller panics");
        }
        self.door.emitted.lock().expect("nobody panics with it").clone()
    }
}

async fn flow(door: Arc<Door>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(PACE);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let callers = [Caller::Once, Caller::Patient, Caller::Sql];
    let waiting = callers.map(|caller| (caller, Arc::new(Semaphore::new(WAITING_MAX))));
    let mut open = JoinSet::new();
    for (caller, waiting) in waiting.iter().cycle() {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = ticks.tick() => {}
        }
        let Ok(place) = Arc::clone(waiting).try_acquire_owned() else { continue };
        let (door, caller) = (Arc::clone(&door), *caller);
        open.spawn(async move {
            door.emit(caller, door.number()).await;
            drop(place);
        });
        while open.try_join_next().is_some() {}
    }
    while let Some(done) = open.join_next().await {
        done.expect("no caller panics");
    }
}

impl Door {
    fn number(&self) -> usize {
        let mut next = self.next.lock().expect("nobody panics with it");
        *next += 1;
        *next
    }

    async fn emit(&self, caller: Caller, number: usize) {
        self.emit_as(caller, number, &format!("to.{}", number % LANES)).await;
    }

    async fn emit_as(&self, caller: Caller, number: usize, event_type: &str) {
        let fate = match caller {
            Caller::Once => self.once(number, number, event_type, json!({})).await,
            Caller::Patient => self.until_accepted(number, event_type).await,
            Caller::Sql => self.by_sql(number, event_type).await,
        };
        self.emitted.lock().expect("nobody panics with it").push(Emitted { number, fate });
    }

    /// Asks the node whose turn it is.
    async fn once(&self, turn: usize, number: usize, event_type: &str, fields: Value) -> Fate {
        let nodes = self.nodes.borrow().clone();
        let Some(api) = nodes.get(turn % nodes.len().max(1)) else { return Fate::Refused };
        let body = emit_request(event_type, number.to_string().as_bytes(), &fields);
        match tokio::time::timeout(ANSWER, api.ask(Method::POST, "/v1/events", Some(body))).await {
            Ok(Ok(answer)) if answer.status.is_success() => {
                let status = answer.status.as_u16();
                Fate::Accepted { id: id_of(&answer.expect(status)), at: Instant::now() }
            }
            Ok(Ok(answer)) if answer.status.is_client_error() => Fate::Refused,
            Ok(Err(error)) if error.is_connect() => Fate::Refused,
            // The database may have committed it and not been able to say so.
            Ok(Ok(answer)) => {
                let problem: Value = serde_json::from_slice(&answer.bytes).unwrap_or_default();
                Fate::Unanswered(format!("{} {}", answer.status.as_u16(), problem["code"].as_str().unwrap_or_default()))
            }
            Ok(Err(_)) => Fate::Unanswered("the connection ended".to_owned()),
            Err(_) => Fate::Unanswered(NO_ANSWER.to_owned()),
        }
    }

    async fn until_accepted(&self, number: usize, event_type: &str) -> Fate {
        let begun = Instant::now();
        let mut turn = number;
        while begun.elapsed() < GIVES_UP {
            let fate = self.once(turn, number, event_type, json!({"idempotency_key": number.to_string()})).await;
            if matches!(fate, Fate::Accepted { .. }) {
                return fate;
            }
            turn += 1;
            tokio::time::sleep(PAUSE).await;
        }
        Fate::Unanswered("never, however often somebody asked".to_owned())
    }

    async fn by_sql(&self, number: usize, event_type: &str) -> Fate {
        let event = NewEvent::new(event_type, number.to_string());
        let database = Arc::clone(&self.database.lock().expect("nobody panics with it"));
        match tokio::time::timeout(ANSWER, database.try_emit(&event)).await {
            Ok(Ok(id)) => Fate::Accepted { id, at: Instant::now() },
            Ok(Err(_)) => Fate::Unanswered("by SQL, an error".to_owned()),
            Err(_) => Fate::Unanswered(format!("by SQL, {NO_ANSWER}")),
        }
    }
}
