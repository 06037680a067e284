//! Locks: nobody waits for another in a circle, and whoever emits waits for nobody.

#![expect(clippy::unwrap_used, reason = "a test's own helpers fail with it")]

mod fresh;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use ringback::{
    delivery::Due,
    endpoint::StoredEndpoint,
    event::NewEvent,
    id::{EndpointId, EventId},
    store::{Keys, Result, Retention, Store, Upkeep as _},
};
use ringback_postgres::emit_in;
use ringback_testkit::contract::given;
use sqlx::{AssertSqlSafe, Executor as _};
use tokio::task::JoinHandle;

/// Deliveries of an endpoint.
const PENDING: usize = 400;

/// For how long. What this is about came several times within it.
const STRESS: Duration = Duration::from_secs(6);

/// Longer than anything here takes on a busy machine, and shorter than the reader stays.
const BOUND: Duration = Duration::from_secs(30);

/// The answer, or what was wrong if two waited for each other.
fn unless_deadlocked<T>(what: &str, answer: Result<T>) -> T {
    answer.unwrap_or_else(|error| panic!("{what}: {error}"))
}

async fn fill(store: &dyn Store, endpoint: EndpointId) {
    let events: Vec<_> = (0..PENDING).map(|_| given::event_to(&[endpoint])).collect();
    given::accept_group(store, events).await;
}

/// Two that record whatever is due: of five one is delivered, one dead, and the others are tried again, due at once.
struct Recording {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Recording {
    fn start(store: &Arc<dyn Store>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let tasks = (0..2).map(|half| tokio::spawn(record_half(Arc::clone(store), Arc::clone(&stop), half))).collect();
        Self { stop, tasks }
    }

    async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

async fn record_half(store: Arc<dyn Store>, stop: Arc<AtomicBool>, half: usize) {
    let mut round = half;
    while !stop.load(Ordering::Relaxed) {
        round += 1;
        let due = given::all_due(&*store).await;
        let settle = |(place, due): (usize, &Due)| match (place + round) % 25 {
            0 => given::delivered(due),
            1 => given::dead(due),
            _ => given::retried(due, Duration::ZERO),
        };
        let batch: Vec<_> = due.iter().enumerate().skip(half).step_by(2).map(settle).collect();
        unless_deadlocked("recording", store.record(&batch).await);
    }
}

/// Until what is due has been tried often enough to lie in another order than that of its ids.
async fn tried_a_few_times(store: &dyn Store, endpoint: EndpointId) {
    let began = Instant::now();
    let few = |due: &Due| due.endpoint == Some(endpoint) && due.attempts > 2;
    while !given::all_due(store).await.iter().any(few) {
        assert!(began.elapsed() < BOUND, "nothing is recorded");
    }
}

async fn balanced(store: &dyn Store) {
    let ledger = store.ledger(None, ringback::store::Span::default()).await.unwrap().deliveries;
    assert_eq!(ledger.pending, 0);
    assert_eq!(ledger.owed, ledger.delivered + ledger.dead + ledger.cancelled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn enabling_and_erasing_never_wait_for_recording_in_a_circle() {
    let (opened, schema) = fresh::migrated().await;
    let store: Arc<dyn Store> = Arc::new(opened.clone());
    let mut endpoint = given::create(&*store, &given::endpoint()).await;
    let recording = Recording::start(&store);
    let began = Instant::now();
    while began.elapsed() < STRESS {
        fill(&*store, endpoint.id).await;
        tried_a_few_times(&*store, endpoint.id).await;
        for enabled in [false, true] {
            let wanted = StoredEndpoint { enabled, ..endpoint.clone() };
            let changed = store.update_endpoint(&wanted, &given::asked()).await;
            endpoint = given::done(unless_deadlocked("enabling", changed));
        }
        let events: Vec<EventId> = given::all_due(&*store).await.iter().step_by(20).map(|due| due.id.event()).collect();
        for event in events {
            unless_deadlocked("expunging", store.expunge(event, Keys::Keep, &given::asked()).await);
        }
    }
    recording.stop().await;
    given::done(store.delete_endpoint(endpoint.id, None, &given::asked()).await.unwrap());
    balanced(&*store).await;
    fresh::remove(&opened, &schema).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deleting_never_waits_for_recording_in_a_circle() {
    let (opened, schema) = fresh::migrated().await;
    let store: Arc<dyn Store> = Arc::new(opened.clone());
    let recording = Recording::start(&store);
    let began = Instant::now();
    while began.elapsed() < STRESS {
        let endpoint = given::create(&*store, &given::endpoint()).await;
        fill(&*store, endpoint.id).await;
        tried_a_few_times(&*store, endpoint.id).await;
        let deleted = store.delete_endpoint(endpoint.id, None, &given::asked()).await;
        given::done(unless_deadlocked("deleting", deleted));
    }
    recording.stop().await;
    balanced(&*store).await;
    fresh::remove(&opened, &schema).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn emitting_does_not_wait_while_partitions_wait_for_a_reader() {
    let (store, schema) = fresh::migrated().await;
    // It stays for as long as the test needs: whoever waits for it, and makes others wait behind him, never comes through.
    let mut reader = fresh::connection().await;
    let tables = ["event", "verdict", "finished", "attempt"].map(|table| format!("{schema}.{table}")).join(", ");
    reader.execute(AssertSqlSafe(format!("BEGIN; LOCK TABLE {tables} IN ACCESS SHARE MODE"))).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let (keeping, is_done) = (store.clone(), Arc::clone(&done));
    let housekeeping = tokio::spawn(async move {
        let mut rounds = 0;
        while !is_done.load(Ordering::Relaxed) {
            keeping.keep_house(&Retention::default()).await.unwrap();
            rounds += 1;
        }
        rounds
    });
    let mut connection = fresh::connection().await;
    let began = Instant::now();
    let mut emitted = 0;
    while began.elapsed() < Duration::from_secs(3) {
        let event = NewEvent::new("x", "{}");
        let id = tokio::time::timeout(BOUND, emit_in(&mut connection, &schema, &event)).await;
        id.expect("nobody waits for the reader").unwrap();
        emitted += 1;
    }
    done.store(true, Ordering::Relaxed);
    let rounds =
        tokio::time::timeout(BOUND, housekeeping).await.expect("it does not wait for the reader either").unwrap();
    assert!(rounds > 0 && emitted > 0);
    let count = format!("SELECT count(*) FROM pg_inherits WHERE inhparent = '{schema}.event'::regclass");
    let partitions = async |connection: &mut sqlx::PgConnection| {
        let statement = AssertSqlSafe(count.clone());
        sqlx::query_scalar::<_, i64>(statement).fetch_one(connection).await.unwrap()
    };
    assert_eq!(partitions(&mut connection).await, 2, "none could be opened");
    reader.execute("COMMIT").await.unwrap();
    store.keep_house(&Retention::default()).await.unwrap();
    assert_eq!(partitions(&mut connection).await, 3);
    fresh::remove(&store, &schema).await;
}

/// An expired delivery is kept with the time at which the statement began, and can be read once that is committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_open_statement_stores_lies_after_what_counts_as_written() {
    let (opened, schema) = fresh::migrated().await;
    let store: Arc<dyn Store> = Arc::new(opened.clone());
    let endpoint = given::create(&*store, &StoredEndpoint { paused: true, ..given::endpoint() }).await;
    let due = given::accept_due(&*store, given::event_to(&[endpoint.id])).await.remove(0);
    // The figures of this minute and the next one, in which the death is counted.
    let mut other = fresh::connection().await;
    let figures = format!(
        "BEGIN; INSERT INTO {schema}.figure (tenant, endpoint_id, at)
         SELECT '', '00000000-0000-0000-0000-000000000000', now - now % 60000000 + later * 60000000
         FROM (SELECT {schema}.clock() AS now) clock, generate_series(0, 1) later"
    );
    other.execute(AssertSqlSafe(figures)).await.unwrap();
    let expiring = Arc::clone(&store);
    let expiring = tokio::spawn(async move { expiring.expire_held(Duration::ZERO).await });
    let waits = format!(
        "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%{schema}.%')"
    );
    let (mut looking, began) = (fresh::connection().await, Instant::now());
    while !sqlx::query_scalar::<_, bool>(AssertSqlSafe(waits.clone())).fetch_one(&mut looking).await.unwrap() {
        assert!(began.elapsed() < BOUND, "it waits for nobody");
    }
    let until = store.written_until().await.unwrap();
    other.execute("COMMIT").await.unwrap();
    assert_eq!(expiring.await.unwrap().unwrap(), 1);
    let died_at = given::delivery(&*store, due.id).await.finished_at.unwrap();
    assert!(until <= died_at, "all was written until {until}, and then something came of {died_at}");
    fresh::remove(&opened, &schema).await;
}
