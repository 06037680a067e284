//! The one writer: everything that came in while the last commit was on its way to the disk is committed together.
//!
//! ```text
//! queue -> BEGIN IMMEDIATE -> each request in a savepoint -> COMMIT -> answers
//! ```
//!
//! No request is answered before the commit that holds it. A request that is refused, or panics, is undone alone;
//! a commit that fails is answered to all with an error. There is no timer: a batch forms by itself.

use std::{future::Future, panic::AssertUnwindSafe, pin::Pin, sync::Arc};

use futures_util::FutureExt as _;
use ringback::store::{Error, Result};
use sqlx::{Acquire as _, Connection as _, Sqlite as Dialect, SqliteConnection, Transaction};
use tokio::sync::{mpsc, oneshot};

use crate::{
    Options, Sqlite,
    error::{is_busy, store_error},
    open::connect_writer,
};

/// Requests in one commit at most. Each is bounded itself; more would only make the first wait longer.
const TOGETHER_MAX: usize = 256;

/// Requests that may wait before the next has to wait for a place.
const QUEUED_MAX: usize = 1024;

/// What writes inside the gate's transaction: the future that a closure given to [`Sqlite::write`] returns.
pub type Writing<'tx, T> = Pin<Box<dyn Future<Output = T> + Send + 'tx>>;

impl Sqlite {
    /// Runs `work` inside a write transaction, one at a time in this process, and returns once it is on the disk.
    ///
    /// Transactions that arrive together share one commit, each in a savepoint of its own: an `Err` undoes what
    /// this `work` did and nothing else. It must not wait for anything but this connection, for every other write
    /// waits for it. Dropping the returned future does not take `work` back.
    ///
    /// # Errors
    /// `work`'s own; [`Error::Unavailable`] as `E` if the transaction could not begin or be committed.
    pub async fn write<T, E, F>(&self, work: F) -> std::result::Result<T, E>
    where
        F: for<'tx> FnOnce(&'tx mut SqliteConnection) -> Writing<'tx, std::result::Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let request = Request { work: Some(work), outcome: None, reply };
        if self.writer.queue.send(Box::new(request)).await.is_err() {
            return Err(E::from(unavailable(Gone)));
        }
        answer.await.unwrap_or_else(|_| Err(E::from(unavailable(Gone))))
    }

    /// [`Sqlite::write`] for this crate's own statements.
    pub(crate) async fn apply<T, F>(&self, work: F) -> Result<T>
    where
        F: for<'tx> FnOnce(&'tx mut SqliteConnection) -> Writing<'tx, sqlx::Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        self.write(move |tx| Box::pin(work(tx).map(|outcome| outcome.map_err(store_error)))).await
    }
}

/// Why no answer can be given.
#[derive(Debug, thiserror::Error)]
#[error("the writer ended before it answered")]
struct Gone;

/// Why a transaction that was in order was not committed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the transaction was not committed: {0}")]
struct NotCommitted(Arc<sqlx::Error>);

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Unavailable(Box::new(error))
}

/// Where requests go.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Box<dyn Queued>>,
}

impl Writer {
    /// Starts the task that owns the connection; it ends when the last clone is dropped.
    pub(crate) fn start(connection: SqliteConnection, options: Options) -> Self {
        let (queue, requests) = mpsc::channel(QUEUED_MAX);
        tokio::spawn(drain(connection, options, requests));
        Self { queue }
    }
}

async fn drain(mut connection: SqliteConnection, options: Options, mut requests: mpsc::Receiver<Box<dyn Queued>>) {
    let mut batch = Vec::with_capacity(TOGETHER_MAX);
    while requests.recv_many(&mut batch, TOGETHER_MAX).await > 0 {
        let committed = commit(&mut connection, &mut batch).await.map_err(Arc::new);
        for request in batch.drain(..) {
            request.answer(committed.as_ref().err().cloned().map(NotCommitted));
        }
        if let Err(error) = committed {
            tracing::warn!(%error, "writing to the database failed");
            if !is_busy(&error) {
                renew(&mut connection, &options).await;
            }
        }
    }
    // The last statements are committed; closing only tidies up the log.
    let _ = connection.close().await;
}

/// After a failure that may have left the connection unusable. If no new one can be had, the next batch fails
/// on the old one and tries again.
async fn renew(connection: &mut SqliteConnection, options: &Options) {
    match connect_writer(options).await {
        Ok(fresh) => drop(std::mem::replace(connection, fresh)),
        Err(error) => tracing::warn!(%error, "the database cannot be opened again"),
    }
}

/// One transaction for the whole batch.
async fn commit(connection: &mut SqliteConnection, batch: &mut [Box<dyn Queued>]) -> sqlx::Result<()> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    if let [only] = batch {
        return if only.run(&mut transaction).await {
            transaction.commit().await
        } else {
            transaction.rollback().await
        };
    }
    for request in batch {
        run_apart(&mut transaction, request.as_mut()).await?;
    }
    transaction.commit().await
}

/// One request in a savepoint. Fails only if the whole transaction is lost.
async fn run_apart(transaction: &mut Transaction<'_, Dialect>, request: &mut dyn Queued) -> sqlx::Result<()> {
    let mut savepoint = transaction.begin().await?;
    if request.run(&mut savepoint).await { savepoint.commit().await } else { savepoint.rollback().await }
}

/// A request without its types.
trait Queued: Send {
    /// Does the work and keeps what came of it; true if it is to be committed.
    fn run<'tx>(&'tx mut self, tx: &'tx mut SqliteConnection) -> Writing<'tx, bool>;

    /// Tells the caller, after the commit or its failure.
    fn answer(self: Box<Self>, failure: Option<NotCommitted>);
}

struct Request<F, T, E> {
    work: Option<F>,
    outcome: Option<std::result::Result<T, E>>,
    reply: oneshot::Sender<std::result::Result<T, E>>,
}

impl<F, T, E> Queued for Request<F, T, E>
where
    F: for<'tx> FnOnce(&'tx mut SqliteConnection) -> Writing<'tx, std::result::Result<T, E>> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn run<'tx>(&'tx mut self, tx: &'tx mut SqliteConnection) -> Writing<'tx, bool> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return false };
            // A panic, the closure's own or its future's, is the caller's: the writer must outlive it.
            let guarded = AssertUnwindSafe(async move { work(tx).await }).catch_unwind().await;
            self.outcome = guarded.ok();
            matches!(self.outcome, Some(Ok(_)))
        })
    }

    fn answer(self: Box<Self>, failure: Option<NotCommitted>) {
        let outcome = match (self.outcome, failure) {
            (Some(Ok(_)) | None, Some(failure)) => Err(E::from(unavailable(failure))),
            (Some(outcome), _) => outcome,
            (None, None) => Err(E::from(unavailable(Gone))),
        };
        // A caller that has gone away does not want to know.
        let _ = self.reply.send(outcome);
    }
}
