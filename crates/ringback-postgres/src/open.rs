//! Opening the store: its own small pools, its own schema.

use std::{
    str::FromStr as _,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use ringback::store::{Error, Result};
use sqlx::{
    Executor as _, PgConnection, PgPool, Postgres as Db, SqlStr, Transaction,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions, PgRow},
};

use crate::{
    error::from_sqlx,
    schema,
    sql::{Statements, prepared, query},
};

/// Connections for the pipeline: intake, routing, feed, loading, two commits of records. More do not help; they contend.
const WORK_CONNECTIONS_MAX: u32 = 6;

/// Connections for what is asked from outside and for upkeep, so that a slow question never delays the pipeline.
const DESK_CONNECTIONS_MAX: u32 = 6;

/// How long to wait for a connection before the database counts as away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// How often upkeep looks through what outlived its partition, which is many rows and changes slowly.
const WALK_OF_KEPT: Duration = Duration::from_secs(10 * 60);

/// Set on every connection whatever the host's defaults are: a transaction that hangs must not hold back vacuum,
/// just-in-time compilation costs more than these statements run, and every statement relies on its own snapshot.
const SESSION: &str = "SET jit = off; SET default_transaction_isolation = 'read committed'; \
                       SET idle_in_transaction_session_timeout = '60s'; SET client_encoding = 'UTF8'";

/// On the pipeline's connections besides: its statements are planned once, perhaps while the tables are empty, and each
/// finds its rows by index, whatever the planner believes to be cheaper at that moment.
const PIPELINE: &str =
    "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off";

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
    work: PgPool,
    desk: PgPool,
    walked_kept: Mutex<Option<Instant>>,
}

impl Postgres {
    /// Connects to `url` (`postgres://…`) and works in `schema`, usually [`crate::DEFAULT_SCHEMA`]. Neither creates
    /// nor checks it: see [`Self::migrate`] and [`Self::check_schema`].
    ///
    /// # Errors
    /// [`Error::Schema`] for a name that is no plain identifier, [`Error::Refused`] for a malformed URL,
    /// [`Error::Unavailable`] if the database does not answer.
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
        let options = options.application_name("ringback");
        let options = sqlx::ConnectOptions::disable_statement_logging(options);
        let inner = Inner {
            work: pool(WORK_CONNECTIONS_MAX)
                .test_before_acquire(false)
                .after_connect(|connection, _| Box::pin(prepare_pipeline(connection)))
                .connect_lazy_with(options.clone()),
            desk: pool(DESK_CONNECTIONS_MAX)
                .test_before_acquire(true)
                .after_connect(|connection, _| Box::pin(prepare_session(connection)))
                .connect_lazy_with(options.clone()),
            sql: Statements::render(schema),
            schema: schema.to_owned(),
            walked_kept: Mutex::new(None),
            options,
        };
        // A pool would only say that it waited in vain; a connection of its own says why there is none.
        let first = sqlx::ConnectOptions::connect(&inner.options).await.map_err(from_sqlx)?;
        sqlx::Connection::close(first).await.map_err(from_sqlx)?;
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
        schema::check(&mut *self.desk().await?, &self.inner.schema).await
    }

    /// Sets what `emit` refuses as too large, in bytes; 1 MiB in a new schema. For all callers, at once.
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
        self.inner.work.close().await;
        self.inner.desk.close().await;
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

    /// Whether it is time for another walk over what outlived its partition.
    pub(crate) fn is_walk_of_kept_due(&self) -> bool {
        let walked = *self.inner.walked_kept.lock().unwrap_or_else(PoisonError::into_inner);
        walked.is_none_or(|at| at.elapsed() >= WALK_OF_KEPT)
    }

    /// Such a walk has come to its end.
    pub(crate) fn walked_kept(&self) {
        *self.inner.walked_kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// A connection of the pipeline's.
    pub(crate) async fn work(&self) -> Result<PoolConnection<Db>> {
        self.inner.work.acquire().await.map_err(from_sqlx)
    }

    /// A connection for questions from outside and for upkeep.
    pub(crate) async fn desk(&self) -> Result<PoolConnection<Db>> {
        self.inner.desk.acquire().await.map_err(from_sqlx)
    }

    /// A transaction of the pipeline's. Connections that the database has closed since, as all are after a restart, are
    /// passed over: nothing has happened in a transaction that did not even begin.
    pub(crate) async fn begin_work(&self) -> Result<Transaction<'static, Db>> {
        for _ in 0..WORK_CONNECTIONS_MAX {
            match self.inner.work.begin().await {
                Err(error) if was_closed(&error) => {}
                begun => return begun.map_err(from_sqlx),
            }
        }
        self.inner.work.begin().await.map_err(from_sqlx)
    }

    /// A connection of the pipeline's that answers, for a single statement that somebody waits for and that must not be
    /// repeated. Those that have been closed are passed over.
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

    /// The one row of a pipeline's read without values that somebody waits for. As with [`Self::begin_work`], connections
    /// that have been closed are passed over: a read may be repeated.
    pub(crate) async fn read_at_once(&self, statement: &SqlStr) -> Result<PgRow> {
        for _ in 0..WORK_CONNECTIONS_MAX {
            match prepared(statement).fetch_one(&mut *self.work().await?).await {
                Err(error) if was_closed(&error) => {}
                read => return read.map_err(from_sqlx),
            }
        }
        prepared(statement).fetch_one(&mut *self.work().await?).await.map_err(from_sqlx)
    }

    /// One snapshot for questions that take more than one statement: what moves from table to table meanwhile is in
    /// exactly one of them.
    pub(crate) async fn snapshot(&self) -> Result<Transaction<'static, Db>> {
        self.inner.desk.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await.map_err(from_sqlx)
    }

    /// A transaction for questions from outside and for upkeep.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Db>> {
        self.inner.desk.begin().await.map_err(from_sqlx)
    }
}

/// A connection is tested when it comes back. At the desk it is tested again before it is used, since whoever asks is
/// told of a failure. In the pipeline, where another round trip before each would be paid by all, one that has died fails
/// its next statement, which the engine repeats, or its next BEGIN, which is repeated here.
fn pool(connections_max: u32) -> PgPoolOptions {
    PgPoolOptions::new().max_connections(connections_max).acquire_timeout(ACQUIRE_TIMEOUT)
}

/// Whether a connection turned out to be closed: silently, or with the database's last words (SQLSTATE class 57P).
fn was_closed(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

/// What every connection of the store begins with.
pub(crate) async fn prepare_session(connection: &mut PgConnection) -> std::result::Result<(), sqlx::Error> {
    connection.execute(SESSION).await?;
    Ok(())
}

/// What the pipeline's connections begin with.
async fn prepare_pipeline(connection: &mut PgConnection) -> std::result::Result<(), sqlx::Error> {
    prepare_session(connection).await?;
    connection.execute(PIPELINE).await?;
    Ok(())
}
