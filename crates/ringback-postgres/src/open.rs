//! Opening the store: small pools of its own, and its own schema.

use std::{
    str::FromStr as _,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use ringback::store::{Error, PATIENCE_WITH_LOCKS, Result};
use sqlx::{
    AssertSqlSafe, Executor as _, PgConnection, PgPool, Postgres as Db, SqlStr, Transaction,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions, PgRow},
};

use crate::{
    error::from_sqlx,
    schema,
    sql::{Statements, prepared, query},
};

/// Connections for the pipeline: intake, routing, feed, loading events, two commits of outcomes. More would only contend.
const WORK_CONNECTIONS_MAX: u32 = 6;

/// Connections for short reads that somebody waits for: changes, shards, tokens. Operators' questions cannot occupy them.
const LOOK_CONNECTIONS_MAX: u32 = 4;

/// Connections for operators' questions and changes, so that a slow question never delays the pipeline.
const DESK_CONNECTIONS_MAX: u32 = 6;

/// Connections for upkeep. It takes one step at a time.
const HOUSE_CONNECTIONS_MAX: u32 = 2;

/// How long to wait for a connection before the database counts as away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// How often upkeep walks over events that outlived their partition: they are many and change slowly.
const WALK_OF_KEPT: Duration = Duration::from_secs(10 * 60);

/// How long finding out why there was no connection may take.
const REASON_TIMEOUT: Duration = Duration::from_secs(2);

/// Settings of every connection, whatever the host's defaults are.
///
/// - A commit that is acknowledged is on disk; a stronger setting of the host, which also waits for standbys, stays.
/// - A node that stands still in a transaction holds its locks for at most a third of a lease, and a statement waits as long
///   for a lock at most, so that others go on.
/// - The database notices within half a minute that a node has vanished, and releases its locks.
/// - Just-in-time compilation is off, since it takes longer than these statements; and each statement has its own snapshot
///   (`READ COMMITTED`).
fn session() -> AssertSqlSafe<String> {
    let patience = PATIENCE_WITH_LOCKS.as_millis();
    AssertSqlSafe(format!(
        "SET jit = off; SET default_transaction_isolation = 'read committed'; SET client_encoding = 'UTF8'; \
         SELECT set_config('synchronous_commit', 'on', false) \
         WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write'); \
         SET idle_in_transaction_session_timeout = {patience}; SET lock_timeout = {patience}; \
         SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; \
         SET tcp_user_timeout = 20000"
    ))
}

/// Further settings of the pipeline's connections. Its statements are planned once, perhaps while the tables are empty, so
/// the plans must use indexes, even if the planner believes something else to be cheaper at that moment.
const PIPELINE: &str = "SET statement_timeout = '15s'; SET plan_cache_mode = force_generic_plan; \
                        SET enable_seqscan = off; SET enable_bitmapscan = off";

/// Further settings of the connections for short reads.
const LOOK: &str = "SET statement_timeout = '8s'";

/// Further settings of the connections for operators: nobody waits longer for an answer, and a slower question should be
/// narrowed.
const DESK: &str = "SET statement_timeout = '30s'";

/// Further settings of upkeep's connections: reading a large partition takes long, and nobody waits for it.
const HOUSE: &str = "SET statement_timeout = '10min'";

/// The store for PostgreSQL. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Postgres {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: PgConnectOptions,
    schema: String,
    sql: Statements,
    pools: RwLock<Pools>,
    walked_kept: Mutex<Option<Instant>>,
}

/// The connections, by what they are for.
#[derive(Debug, Clone)]
struct Pools {
    made: Instant,
    work: PgPool,
    look: PgPool,
    desk: PgPool,
    house: PgPool,
}

impl Pools {
    fn new(options: &PgConnectOptions) -> Self {
        Self {
            made: Instant::now(),
            work: pool(options, WORK_CONNECTIONS_MAX, PIPELINE, false),
            look: pool(options, LOOK_CONNECTIONS_MAX, LOOK, true),
            desk: pool(options, DESK_CONNECTIONS_MAX, DESK, true),
            house: pool(options, HOUSE_CONNECTIONS_MAX, HOUSE, true),
        }
    }
}

impl Postgres {
    /// Connects to `url` (`postgres://…`) and works in `schema`, usually [`crate::DEFAULT_SCHEMA`]. The schema is neither
    /// created nor checked: see [`Self::migrate`] and [`Self::check_schema`].
    ///
    /// # Errors
    /// [`Error::Schema`] for a name that is no plain identifier, [`Error::Refused`] for a malformed URL,
    /// [`Error::Unavailable`] if the database does not answer, [`Error::Unsuitable`] behind a proxy that does not give each
    /// connection a session of its own.
    pub async fn connect(url: &str, schema: &str) -> Result<Self> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(Error::Refused("a PostgreSQL URL begins with postgres://".into()));
        }
        let options = PgConnectOptions::from_str(url).map_err(|error| Error::Refused(Box::new(error)))?;
        Self::connect_with(options, schema).await
    }

    /// The same with the host application's own connect options.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_with(options: PgConnectOptions, schema: &str) -> Result<Self> {
        schema::check_name(schema)?;
        // Unset, because a session-pooling proxy may refuse this setting of the driver. It matters only for values as text,
        // and all values are read in binary.
        let options = options.application_name("ringback").extra_float_digits(None);
        let options = sqlx::ConnectOptions::disable_statement_logging(options);
        // Opens a connection of its own: unlike a pool, which would only time out, it says why there is none.
        refuse_transaction_pooling(&options).await?;
        let inner = Inner {
            pools: RwLock::new(Pools::new(&options)),
            sql: Statements::render(schema),
            schema: schema.to_owned(),
            walked_kept: Mutex::new(None),
            options,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Creates the schema or brings it up to date. Several processes may do so at once.
    ///
    /// # Errors
    /// [`Error::Schema`] if the schema is newer than this program, or a migration that has run was changed since.
    pub async fn migrate(&self) -> Result<()> {
        schema::migrate(&mut *self.desk().await?, &self.inner.schema).await
    }

    /// Whether the schema is the one that this program needs.
    ///
    /// # Errors
    /// [`Error::Schema`] if it is missing, older, newer or changed.
    pub async fn check_schema(&self) -> Result<()> {
        schema::check(&mut *self.look().await?, &self.inner.schema).await
    }

    /// Sets the largest payload that `emit` accepts, in bytes; 1 MiB in a new schema. Takes effect at once, for all callers.
    ///
    /// # Errors
    /// [`Error::Refused`] for zero.
    pub async fn set_emit_limit(&self, payload_bytes_max: u32) -> Result<()> {
        let bytes = i32::try_from(payload_bytes_max).unwrap_or(i32::MAX);
        query(&self.sql().set_emit_limit).bind(bytes).execute(&mut *self.desk().await?).await.map_err(from_sqlx)?;
        Ok(())
    }

    /// Closes all connections; open statements end first.
    pub async fn close(&self) {
        let Pools { work, look, desk, house, .. } = self.pools();
        work.close().await;
        look.close().await;
        desk.close().await;
        house.close().await;
    }

    /// A call that began at `asked` was not answered in time. Connections that were open then may be dead without having
    /// been closed, as after a firewall forgot them or a host was lost, and no error would ever show it: new pools replace
    /// them.
    pub(crate) fn replace_connections(&self, asked: Instant) {
        let mut pools = self.inner.pools.write().unwrap_or_else(PoisonError::into_inner);
        if pools.made < asked {
            *pools = Pools::new(&self.inner.options);
        }
    }

    fn pools(&self) -> Pools {
        self.inner.pools.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn schema(&self) -> &str {
        &self.inner.schema
    }

    pub(crate) fn sql(&self) -> &Statements {
        &self.inner.sql
    }

    pub(crate) fn options(&self) -> &PgConnectOptions {
        &self.inner.options
    }

    /// Whether it is time for another walk over events that outlived their partition.
    pub(crate) fn is_walk_of_kept_due(&self) -> bool {
        let walked = *self.inner.walked_kept.lock().unwrap_or_else(PoisonError::into_inner);
        walked.is_none_or(|at| at.elapsed() >= WALK_OF_KEPT)
    }

    /// Notes that a walk over such events has ended now.
    pub(crate) fn walked_kept(&self) {
        *self.inner.walked_kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// A connection for the pipeline.
    pub(crate) async fn work(&self) -> Result<PoolConnection<Db>> {
        self.given(self.pools().work.acquire().await).await
    }

    /// A connection for a short read that somebody waits for.
    pub(crate) async fn look(&self) -> Result<PoolConnection<Db>> {
        self.given(self.pools().look.acquire().await).await
    }

    /// A connection for upkeep.
    pub(crate) async fn house(&self) -> Result<PoolConnection<Db>> {
        self.given(self.pools().house.acquire().await).await
    }

    /// A connection for operators' questions and changes.
    pub(crate) async fn desk(&self) -> Result<PoolConnection<Db>> {
        self.given(self.pools().desk.acquire().await).await
    }

    /// A pool's answer. If the database refuses every connection, the pool only reports a time-out: then one more connection
    /// is tried, whose error tells the cause.
    async fn given<T>(&self, given: std::result::Result<T, sqlx::Error>) -> Result<T> {
        if !matches!(given, Err(sqlx::Error::PoolTimedOut)) {
            return given.map_err(from_sqlx);
        }
        let connected = sqlx::ConnectOptions::connect(&self.inner.options);
        Err(match tokio::time::timeout(REASON_TIMEOUT, connected).await {
            Ok(Err(error)) => from_sqlx(error),
            Ok(Ok(_)) => Error::Unavailable("all connections of this node are in use".into()),
            Err(_) => Error::Unavailable("the database does not answer connections".into()),
        })
    }

    /// A transaction of the pipeline. Connections that the database has closed, as all are after a restart, are skipped:
    /// trying again is safe, since their transaction did not even begin.
    pub(crate) async fn begin_work(&self) -> Result<Transaction<'static, Db>> {
        self.begin_work_with("BEGIN").await
    }

    /// The same with this statement, which begins it.
    pub(crate) async fn begin_work_with(&self, begin: &'static str) -> Result<Transaction<'static, Db>> {
        for _ in 0..WORK_CONNECTIONS_MAX {
            match self.pools().work.begin_with(begin).await {
                Err(error) if was_closed(&error) => {}
                begun => return self.given(begun).await,
            }
        }
        self.given(self.pools().work.begin_with(begin).await).await
    }

    /// A connection of the pipeline that answers, for a single statement that somebody waits for and that must not be
    /// repeated. Connections that were closed are skipped.
    pub(crate) async fn live_work(&self) -> Result<PoolConnection<Db>> {
        for _ in 0..WORK_CONNECTIONS_MAX {
            let mut connection = self.work().await?;
            match sqlx::Connection::ping(&mut *connection).await {
                Err(error) if was_closed(&error) => {}
                answered => return answered.map(|()| connection).map_err(from_sqlx),
            }
        }
        self.work().await
    }

    /// The one row of a statement without arguments that somebody waits for. As with [`Self::begin_work`], connections that
    /// were closed are skipped: a read may be repeated.
    pub(crate) async fn read_at_once(&self, statement: &SqlStr) -> Result<PgRow> {
        for _ in 0..WORK_CONNECTIONS_MAX {
            match prepared(statement).fetch_one(&mut *self.work().await?).await {
                Err(error) if was_closed(&error) => {}
                read => return read.map_err(from_sqlx),
            }
        }
        prepared(statement).fetch_one(&mut *self.work().await?).await.map_err(from_sqlx)
    }

    /// One snapshot for questions that take more than one statement: a row that moves from table to table meanwhile is seen
    /// in exactly one of them.
    pub(crate) async fn snapshot(&self) -> Result<Transaction<'static, Db>> {
        let begun = self.pools().desk.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await;
        self.given(begun).await
    }

    /// A transaction of upkeep.
    pub(crate) async fn begin_house(&self) -> Result<Transaction<'static, Db>> {
        self.given(self.pools().house.begin().await).await
    }

    /// A transaction for operators' questions and changes.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Db>> {
        self.given(self.pools().desk.begin().await).await
    }

    /// A transaction that somebody waits for.
    pub(crate) async fn begin_look(&self) -> Result<Transaction<'static, Db>> {
        self.given(self.pools().look.begin().await).await
    }
}

/// A pool. A connection is tested when it is returned; with `is_tested` also before it is used, since callers see failures
/// there. The pipeline's are not, to save the round trip: a dead connection fails its next statement, which the engine
/// repeats, or its next BEGIN, which [`Postgres::begin_work`] repeats.
fn pool(options: &PgConnectOptions, connections_max: u32, besides: &'static str, is_tested: bool) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(is_tested)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                prepare_session(connection).await?;
                connection.execute(besides).await?;
                Ok(())
            })
        })
        .connect_lazy_with(options.clone())
}

/// Refuses a proxy that gives each transaction another connection to the database: prepared statements and settings belong
/// to sessions, and would be mixed up. Such a proxy can be recognised: while one of Ringback's connections is unused, the
/// proxy gives its connection to the database to another one.
async fn refuse_transaction_pooling(options: &PgConnectOptions) -> Result<()> {
    const BACKEND: &str = "SELECT pg_backend_pid()";
    let mut one = sqlx::ConnectOptions::connect(options).await.map_err(from_sqlx)?;
    let mut other = sqlx::ConnectOptions::connect(options).await.map_err(from_sqlx)?;
    let backend = async |connection: &mut PgConnection| -> Result<i32> {
        // Not prepared: such a proxy may refuse prepared statements with an error that does not help.
        sqlx::query_scalar(BACKEND).persistent(false).fetch_one(connection).await.map_err(from_sqlx)
    };
    let before = backend(&mut one).await?;
    if let Err(error) = other.execute("BEGIN").await {
        // A proxy that pools by statement takes no transactions at all.
        let pools_by_statement =
            matches!(&error, sqlx::Error::Database(refusal) if refusal.code().as_deref() == Some("08P01"));
        return Err(if pools_by_statement { pools_apart() } else { from_sqlx(error) });
    }
    let others = backend(&mut other).await?;
    let after = backend(&mut one).await?;
    other.execute("COMMIT").await.map_err(from_sqlx)?;
    for connection in [one, other] {
        sqlx::Connection::close(connection).await.map_err(from_sqlx)?;
    }
    if before == after && before != others {
        return Ok(());
    }
    Err(pools_apart())
}

fn pools_apart() -> Error {
    let why = "the database_url leads to a proxy that pools by transaction (PgBouncer's pool_mode = transaction, for example), \
               behind which sessions get mixed up; give PostgreSQL's own address, or one where the proxy pools by session";
    Error::Unsuitable(why.to_owned())
}

/// Whether a connection turned out to be closed: silently, or with a message of the database (SQLSTATE class 57P).
fn was_closed(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

/// Sets up a new connection.
pub(crate) async fn prepare_session(connection: &mut PgConnection) -> std::result::Result<(), sqlx::Error> {
    sqlx::raw_sql(session()).execute(connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fresh;

    #[tokio::test]
    async fn sessions_are_set_up_as_promised_whatever_the_hosts_defaults() {
        let host =
            [("synchronous_commit", "off"), ("lock_timeout", "0"), ("default_transaction_isolation", "serializable")];
        let options = PgConnectOptions::from_str(&fresh::url()).unwrap().options(host);
        let store = Postgres::connect_with(options, "ringback").await.unwrap();
        let connections = [
            ("15s", store.work().await.unwrap()),
            ("8s", store.look().await.unwrap()),
            ("30s", store.desk().await.unwrap()),
            ("10min", store.house().await.unwrap()),
        ];
        for (statement_timeout, mut connection) in connections {
            let promised = [
                ("statement_timeout", statement_timeout),
                ("synchronous_commit", "on"),
                ("lock_timeout", "4s"),
                ("idle_in_transaction_session_timeout", "4s"),
                ("default_transaction_isolation", "read committed"),
                ("tcp_keepalives_idle", "10"),
                ("tcp_user_timeout", "20000"),
            ];
            for (name, value) in promised {
                let show = AssertSqlSafe(format!("SHOW {name}"));
                let set: String = sqlx::query_scalar(show).fetch_one(&mut *connection).await.unwrap();
                assert_eq!(set, value, "{name} where statements have {statement_timeout}");
            }
        }
    }

    #[tokio::test]
    async fn a_node_that_stands_still_in_a_transaction_gives_its_locks_up_within_a_third_of_a_lease() {
        let (store, schema) = fresh::migrated().await;
        let lock = format!("SELECT FROM {schema}.shard WHERE shard = 0 FOR UPDATE");
        for pool in ["work", "look", "desk"] {
            let frozen = match pool {
                "work" => store.begin_work().await,
                "look" => store.begin_look().await,
                _ => store.begin().await,
            };
            let mut frozen = frozen.unwrap();
            frozen.execute(AssertSqlSafe(lock.clone())).await.unwrap();
            let mut successor = fresh::connection().await;
            // Less than a lease, and far more than a busy machine takes for the 4 s.
            successor.execute("SET lock_timeout = '11s'").await.unwrap();
            successor.execute(AssertSqlSafe(lock.clone())).await.unwrap();
        }
        fresh::remove(&store, &schema).await;
    }
}
