//! A database of any earlier version, with rows in every table that it has, is brought up to date and read whole.
//!
//! `tests/old_databases` holds the rows that each migration's tables had.

use std::sync::Arc;

use ringback::{
    Engine,
    delivery::Status,
    id::{EventId, ExpungeId, SessionId},
    seal::MasterKeys,
    store::{
        self, AuditFilter, DeliveryFilter, EndpointFilter, EventFilter, EventState, ExpungeState, Floor, PayloadRead,
        ReplayListFilter, SharedStore, Span,
    },
};
use ringback_tests::{database::Database, on_both_stores, stores::Store};
use sqlx::{AssertSqlSafe, Executor as _, Row as _};

/// What the rows were sealed with.
const MASTER_KEY: &str = "5f3a1c77aa0e4b9d8c6f2e1d0b9a8877665544332211ffeeddccbbaa00998877";

/// More than any of these tables has.
const ALL: u32 = 1_000;

/// The migrations as a tool of one's own would run them, each with the record of having run.
fn steps(store: Store) -> Vec<String> {
    let (text, record) = match store {
        Store::Postgres => (ringback_postgres::schema_text("ringback"), "INSERT INTO ringback.migration "),
        Store::Sqlite => (ringback_sqlite::schema_text(), "INSERT INTO ringback_migration "),
    };
    let mut steps = vec![String::new()];
    for line in text.lines() {
        let step = steps.last_mut().expect("one is begun");
        step.push_str(line);
        step.push('\n');
        if line.starts_with(record) {
            steps.push(String::new());
        }
    }
    steps.retain(|step| !step.is_empty());
    steps
}

/// The rows of the tables that a migration brought, if it brought any.
fn rows(store: Store, number: usize) -> Option<String> {
    let folder = match store {
        Store::Postgres => "postgres",
        Store::Sqlite => "sqlite",
    };
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("old_databases").join(folder);
    std::fs::read_to_string(folder.join(format!("{number}.sql"))).ok()
}

async fn run(database: &Database, text: String) {
    let text = sqlx::raw_sql(AssertSqlSafe(text));
    let done = match database.store() {
        Store::Postgres => database.postgres().await.execute(text).await.map(drop),
        Store::Sqlite => database.sqlite().await.execute(text).await.map(drop),
    };
    done.expect("the database takes it");
}

/// The first text of every row.
async fn column(database: &Database, text: &str) -> Vec<String> {
    let query = sqlx::query(AssertSqlSafe(text.to_owned()));
    match database.store() {
        Store::Postgres => {
            let rows = query.fetch_all(&mut database.postgres().await).await;
            rows.expect("it is read").iter().map(|row| row.get(0)).collect()
        }
        Store::Sqlite => {
            let query = sqlx::query(AssertSqlSafe(text.to_owned()));
            let rows = query.fetch_all(&mut database.sqlite().await).await;
            rows.expect("it is read").iter().map(|row| row.get(0)).collect()
        }
    }
}

/// The name of a table as statements give it.
fn named(store: Store, table: &str) -> String {
    match store {
        Store::Postgres => format!("ringback.{table}"),
        Store::Sqlite => format!("ringback_{table}"),
    }
}

async fn count(database: &Database, table: &str) -> usize {
    let statement = format!("select cast(count(*) as text) from {}", named(database.store(), table));
    column(database, &statement).await[0].parse().expect("a number")
}

/// Every table of Ringback's but its memory of migrations, without schema or prefix.
async fn tables(database: &Database) -> Vec<String> {
    let statement = match database.store() {
        Store::Postgres => {
            "select relname::text from pg_class where relnamespace = 'ringback'::regnamespace
             and relkind in ('r', 'p') and not relispartition and relname <> 'migration'"
        }
        Store::Sqlite => {
            "select substr(name, 10) from sqlite_schema
             where type = 'table' and name like 'ringback\\_%' escape '\\' and name <> 'ringback_migration'"
        }
    };
    column(database, statement).await
}

/// A database as version `last` left it: each migration ran on the rows of those before it.
async fn of_version(store: Store, last: usize) -> Database {
    let database = Database::bare(store).await;
    if store == Store::Sqlite {
        std::fs::File::create(database.folder().join("ringback.db")).expect("a new file");
    }
    for (number, step) in (1..=last).zip(steps(store)) {
        run(&database, step).await;
        if let Some(rows) = rows(store, number) {
            run(&database, rows).await;
        }
    }
    for table in tables(&database).await {
        assert!(count(&database, &table).await > 0, "no row of {table} to be brought up to date");
    }
    database
}

async fn upgraded(database: &Database) -> SharedStore {
    match database.store() {
        Store::Postgres => {
            let store = ringback_postgres::Postgres::connect(database.url(), "ringback").await.expect("it connects");
            store.migrate().await.expect("it migrates");
            store.check_schema().await.expect("it is up to date");
            Arc::new(store)
        }
        Store::Sqlite => {
            let store = ringback_sqlite::Sqlite::open(database.url()).await.expect("it opens");
            store.migrate().await.expect("it migrates");
            store.check_schema().await.expect("it is up to date");
            Arc::new(store)
        }
    }
}

/// Events, deliveries and what was tried, all of them.
async fn events_and_deliveries_are_read(database: &Database, store: &dyn store::Store) {
    let events = store.list_events(&EventFilter::default(), None, ALL).await.expect("events").items;
    assert_eq!(events.len(), count(database, "event").await);
    let mut kept = 0;
    for row in &events {
        assert_eq!(row.event.unreadable, None, "{}", row.event.id);
        match store.payload(row.event.id).await.expect("a payload") {
            PayloadRead::Bytes(bytes) => kept += usize::from(bytes.len() as i64 == row.payload_bytes),
            gone => assert!(row.expunged_at.is_some(), "{}: {gone:?}", row.event.id),
        }
    }
    assert!(kept >= 8 && kept < events.len(), "{kept} payloads are whole");
    let ids: Vec<EventId> = events.iter().map(|row| row.event.id).collect();
    assert_eq!(store.load_events(&ids).await.expect("events to send").len(), events.len());
    let state = |state| events.iter().filter(|row| row.state == state).count();
    assert_eq!((state(EventState::Unrouted), state(EventState::Unmatched)), (1, 1));
    assert_eq!(store.read_outbox(Floor::default(), ALL).await.expect("the outbox").events.len(), 1);

    let deliveries = store.list_deliveries(&DeliveryFilter::default(), None, ALL).await.expect("deliveries").items;
    let places = ["delivery", "dead_letter", "finished"];
    let mut stored = Vec::new();
    for place in places {
        stored.push(count(database, place).await);
    }
    let status = |status| deliveries.iter().filter(|row| row.status == status).count();
    let read = [status(Status::Pending), status(Status::Dead), status(Status::Delivered) + status(Status::Cancelled)];
    assert_eq!(read.as_slice(), stored, "{places:?}");
    let mut attempts = 0;
    for row in &deliveries {
        let tried = store.attempts(row.id).await.expect("attempts");
        assert_eq!(tried.len() as i32, row.attempts, "{}", row.id);
        attempts += tried.len();
    }
    assert!(attempts > 10, "{attempts} attempts");
    let dead = store.list_dead_letters(&DeliveryFilter::default(), None, ALL).await.expect("dead letters").items;
    assert_eq!(dead.len(), stored[1]);

    let ledger = store.ledger(None, Span::default()).await.expect("the ledger");
    // Seven events were dropped long ago.
    assert_eq!(ledger.events.accepted as usize, events.len() + 7);
    assert_eq!(ledger.deliveries.owed as usize, deliveries.len() + 4);
}

/// Endpoints and what belongs to them, sealed as they were.
async fn the_configuration_is_read(database: &Database, store: &SharedStore) {
    let keys = MasterKeys::parse(MASTER_KEY, &[]).expect("a key");
    assert_eq!(Engine::knows_keys(store, &keys).await.expect("the check value"), Some(true));
    assert_eq!(Engine::count_unreadable(store, &keys).await.expect("endpoints"), 0);
    let live = store.load_endpoints(&EndpointFilter::Live).await.expect("endpoints");
    assert!(live.iter().any(|endpoint| endpoint.key.as_deref() == Some("crm")), "{live:?}");
    let changes = store.changes_since(0).await.expect("changes");
    assert_eq!(changes.items.is_empty(), changes.version == 0);
    assert!(!changes.truncated);
    let as_of = store.endpoints_as_of("old", changes.version, ALL).await.expect("endpoints as they were");
    assert_eq!(as_of.len(), live.iter().filter(|endpoint| endpoint.tenant == "old").count());
    let shards: Vec<_> = (0..ringback::delivery::SHARDS).collect();
    assert_eq!(store.load_holds(&shards).await.expect("holds").len(), count(database, "hold").await);
    let (mut destinations, mut after) = (0, None);
    loop {
        let page = store.sealed_destinations(after, ALL).await.expect("destinations");
        destinations += page.items.len();
        after = page.last;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(destinations, 1);
    let replays = store.list_replays(&ReplayListFilter::default(), None, ALL).await.expect("replays").items;
    assert_eq!(replays.len(), count(database, "replay").await);
}

/// What later migrations brought, if the database had it.
async fn what_came_later_is_read(database: &Database, store: &dyn store::Store, version: usize) {
    let since = |brought: usize, rows: usize| if version >= brought { rows } else { 0 };
    assert_eq!(store.list_tokens().await.expect("tokens").len(), since(2, 1));
    let audit = store.list_audit(&AuditFilter::default(), None, ALL).await.expect("the audit log").items;
    assert_eq!(audit.len(), count(database, "audit").await);
    assert_eq!(audit.is_empty(), version < 2);
    let session = "01a22544000170008000000000000001".parse().expect("an id");
    let ended = store.is_session_ended(SessionId::from_uuid(session)).await.expect("a session");
    assert_eq!(ended, version >= 4);
    assert_eq!(store.sealed_requests(None, ALL).await.expect("requests").len(), since(5, 1));
    assert_eq!(store.running_expunges().await.expect("expunges").len(), since(6, 1));
    for id in database.ids("expunge", "id").await {
        let id = ExpungeId::from_uuid(id.parse().expect("an id"));
        let receipt = store.expunge_of_many(id).await.expect("a receipt").expect("it is there");
        assert_eq!(receipt.digest.is_some(), receipt.state == ExpungeState::Completed);
    }
}

on_both_stores! {
    async fn a_database_of_any_version_is_brought_up_to_date_and_read_whole(store: Store) {
        let newest = steps(store).len();
        for version in 1..=newest {
            let database = of_version(store, version).await;
            let mut before = Vec::new();
            for table in tables(&database).await {
                before.push((count(&database, &table).await, table));
            }
            let store = upgraded(&database).await;
            for (rows, table) in before {
                assert_eq!(count(&database, &table).await, rows, "{table} after version {version}");
            }
            events_and_deliveries_are_read(&database, &*store).await;
            the_configuration_is_read(&database, &store).await;
            what_came_later_is_read(&database, &*store, version).await;
            assert_eq!(tables(&database).await.len(), tables(&of_version(database.store(), newest).await).await.len());
        }
    }
}
