//! The one writer: it commits together all requests that came in while the last commit was being written to the disk.
//!
//! ```text
//! queue -> BEGIN IMMEDIATE -> each request in a savepoint -> COMMIT -> answers
//! ```
//!
//! No request is answered before its commit, and none as done if the files have gone meanwhile. A request that is refused,
//! or panics, is undone by itself; if a commit fails, all its requests are answered with an error. There is no timer: a
//! batch is what has queued.
//!
//! If there was no room left, the log is cut as soon as possible, since it may be what fills the disk.
//!
//! When the store is closed, the writer's connection is closed last, so that SQLite removes the log.

use std::{
    any::Any,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use parking_lot::Mutex;
use ringback::{
    store::{Error, Result},
    time::Timestamp,
};
use sqlx::{Acquire as _, Connection as _, Row as _, Sqlite as Dialect, SqliteConnection, Transaction};
use tokio::sync::{mpsc, oneshot};

use crate::{
    Options, Sqlite,
    error::{Fault, file_error, is_busy, told},
    open::connect_writer,
    presence::Files,
};

/// Most requests in one commit. Each is bounded itself; more would only make the first one wait longer.
const TOGETHER_MAX: usize = 256;

/// Requests that may queue; further callers wait to queue theirs.
const QUEUED_MAX: usize = 1024;

/// How long cutting the log waits for readers.
const CUT_PATIENCE: Duration = Duration::from_millis(250);

/// Between tries to cut the log while there is no room even for that: each try writes much of the log in vain.
const CUT_AGAIN: Duration = Duration::from_secs(1);

/// How long closing waits for reads that are under way.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// The future that a closure given to [`Sqlite::write`] returns: it writes inside the writer's transaction.
pub type Writing<'tx, T> = Pin<Box<dyn Future<Output = T> + Send + 'tx>>;

impl Sqlite {
    /// Runs `work` inside a write transaction, one at a time in this process, and returns once it is on the disk.
    ///
    /// Transactions that arrive together share one commit, each in a savepoint of its own: an `Err` undoes what
    /// this `work` did and nothing else. It must not wait for anything but this connection, for every other write
    /// waits for it. Dropping the returned future does not take `work` back.
    ///
    /// # Errors
    /// `work`'s own; [`Error::Unavailable`] as `E` if the transaction could not begin or be committed, [`Error::Gone`] if
    /// the files were removed or replaced.
    pub async fn write<T, E, F>(&self, work: F) -> std::result::Result<T, E>
    where
        F: for<'tx> FnOnce(&'tx mut SqliteConnection) -> Writing<'tx, std::result::Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let request = Request { work: Some(work), outcome: None, reply };
        if self.writer.queue.send(Box::new(request)).await.is_err() {
            return Err(E::from(unavailable(Ended)));
        }
        answer.await.unwrap_or_else(|_| Err(E::from(unavailable(Ended))))
    }

    /// Closes the store for all its clones: commits waiting requests, copies the log into the database and removes it, so
    /// that the database is one file. If another process has the database open, the log stays. Later calls fail.
    ///
    /// The engine must have stopped sending before. Without this call nothing that was answered is lost: the next process
    /// that opens the database reads the log.
    ///
    /// # Errors
    /// When the log could not be copied; then it stays.
    pub async fn close(&self) -> Result<()> {
        // Readers are closed first: an open one would keep the log from being removed.
        let _ = tokio::time::timeout(CLOSE_PATIENCE, self.readers.close()).await;
        let (reply, answer) = oneshot::channel();
        if self.writer.chores.send(Chore::Close(reply)).await.is_err() {
            return Ok(());
        }
        // Without an answer another call of `close` came first.
        answer.await.map_or(Ok(()), |closed| closed.map_err(|error| self.error(error)))
    }

    /// [`Sqlite::write`] for this crate's own statements.
    pub(crate) async fn apply<T, F>(&self, work: F) -> Result<T>
    where
        F: for<'tx> FnOnce(&'tx mut SqliteConnection) -> Writing<'tx, sqlx::Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        let options = Arc::clone(&self.options);
        self.write(move |tx| {
            Box::pin(work(tx).map(move |outcome| outcome.map_err(|error| file_error(&options.path, error))))
        })
        .await
    }
}

/// The writer has ended, so there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("the store was closed, or its writer ended before it answered")]
struct Ended;

/// Why no request of a batch counts as done.
#[derive(Debug, Clone)]
enum Lost {
    NotCommitted(Fault, NotCommitted),
    /// The files were removed or replaced, before the commit or meanwhile.
    Gone(String),
}

/// Why the transaction of a batch was not committed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the transaction was not committed: {0}")]
struct NotCommitted(Arc<str>);

impl From<Lost> for Error {
    fn from(lost: Lost) -> Self {
        match lost {
            // The request itself succeeded; the reason why the commit failed may pass.
            Lost::NotCommitted(Fault::Data, why) => unavailable(why),
            Lost::NotCommitted(fault, why) => fault.told(Box::new(why)),
            Lost::Gone(why) => Self::Gone(why),
        }
    }
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Unavailable(Box::new(error))
}

/// The handle through which requests reach the writer.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Box<dyn Queued>>,
    chores: mpsc::Sender<Chore>,
    began: Arc<Mutex<Option<Timestamp>>>,
}

/// Work that is done between two commits.
enum Chore {
    /// Cut the log; false if a reader uses it.
    CutLog(oneshot::Sender<sqlx::Result<bool>>),
    /// Commit waiting requests, cut the log and end.
    Close(oneshot::Sender<sqlx::Result<()>>),
}

impl Writer {
    /// Starts the task that owns the connection; it ends when it is closed or the last clone is dropped.
    pub(crate) fn start(connection: SqliteConnection, options: Options, files: Arc<Files>) -> Self {
        let (queue, requests) = mpsc::channel(QUEUED_MAX);
        let (chores, asked) = mpsc::channel(1);
        let began = Arc::default();
        let desk = Desk { connection, options, files, began: Arc::clone(&began), lacks_room: false, not_cut: None };
        tokio::spawn(desk.work(requests, asked));
        Self { queue, chores, began }
    }

    /// When the transaction began that is open now, if one is.
    pub(crate) fn began(&self) -> Option<Timestamp> {
        *self.began.lock()
    }

    /// Cuts the write-ahead log between two commits; false if a reader uses it.
    pub(crate) async fn cut_log(&self) -> Result<sqlx::Result<bool>> {
        let (reply, answer) = oneshot::channel();
        if self.chores.send(Chore::CutLog(reply)).await.is_err() {
            return Err(unavailable(Ended));
        }
        answer.await.map_err(|_| unavailable(Ended))
    }
}

/// The state of the writer's task, the only user of this connection.
struct Desk {
    connection: SqliteConnection,
    options: Options,
    files: Arc<Files>,
    /// When the transaction began that is open now.
    began: Arc<Mutex<Option<Timestamp>>>,
    /// There was no room left, and the log has not been cut since.
    lacks_room: bool,
    /// When cutting it was last tried for that reason, and failed.
    not_cut: Option<Instant>,
}

impl Desk {
    async fn work(mut self, mut requests: mpsc::Receiver<Box<dyn Queued>>, mut chores: mpsc::Receiver<Chore>) {
        let mut batch = Vec::with_capacity(TOGETHER_MAX);
        let mut closing = None;
        loop {
            let received = tokio::select! {
                received = requests.recv_many(&mut batch, TOGETHER_MAX) => received,
                Some(chore) = chores.recv(), if closing.is_none() => {
                    match chore {
                        // The send fails if the caller has gone away.
                        Chore::CutLog(reply) => drop(reply.send(cut_log(&mut self.connection, &self.options).await)),
                        Chore::Close(reply) => {
                            requests.close();
                            closing = Some(reply);
                        }
                    }
                    continue;
                }
            };
            if received == 0 {
                break;
            }
            let lost = self.commit_all(&mut batch).await.err();
            let is_full = batch.iter().any(|request| matches!(request.fault(), Some((Fault::Full, _))))
                || matches!(lost, Some(Lost::NotCommitted(Fault::Full, _)));
            for request in batch.drain(..) {
                request.answer(lost.clone());
            }
            self.lacks_room |= is_full;
            // After a commit that succeeded there is room again, so no pause is needed.
            if self.lacks_room && !(is_full && self.not_cut.is_some_and(|at| at.elapsed() < CUT_AGAIN)) {
                self.make_room().await;
            }
        }
        let cut = match &closing {
            Some(_) if self.files.may_close() => cut_log(&mut self.connection, &self.options).await.map(drop),
            _ => Ok(()),
        };
        self.close().await;
        if let Some(reply) = closing {
            let _ = reply.send(cut);
        }
    }

    /// Commits a batch, and checks that the files are still in place.
    async fn commit_all(&mut self, batch: &mut [Box<dyn Queued>]) -> std::result::Result<(), Lost> {
        self.look()?;
        *self.began.lock() = Some(Timestamp::now());
        let committed = commit(&mut self.connection, batch).await;
        *self.began.lock() = None;
        // Checked again before a failure is looked at: files that are gone may be its cause.
        self.look()?;
        let Err(error) = committed else {
            // SQLite opens a file that takes no writes for reading, begins a transaction on it all the same, and never finds
            // out that it takes writes again: only a new connection does.
            if batch.iter().any(|request| matches!(request.fault(), Some((Fault::ReadOnly, _)))) {
                self.renew().await;
            }
            return Ok(());
        };
        // Some failures of one statement undo the whole transaction. The error of the next statement is then not the cause.
        let cause = batch.iter().find_map(|request| request.fault());
        let said = || told(&self.options.path, &error);
        let (mut fault, mut why) = cause.unwrap_or_else(|| (Fault::of(&error), said()));
        if !is_busy(&error) {
            self.renew().await;
        }
        // On a connection that was opened before the file became read-only, writing fails as it does on a broken disk.
        if matches!(fault, Fault::NotWritten | Fault::Damaged)
            && let Some(refused) = self.refuses_writes().await
        {
            (fault, why) = (Fault::ReadOnly, refused);
        }
        tracing::warn!(error = why, "writing to the database failed");
        Err(Lost::NotCommitted(fault, NotCommitted(why.into())))
    }

    /// Cuts the log after the disk was full. The log may have taken the room itself: it grows to tens of megabytes before a
    /// commit copies it into the file, and a commit that fails copies nothing. Copying needs only as much room as the file
    /// grows by, so it is done now, before the log grows again.
    async fn make_room(&mut self) {
        let cut = cut_log(&mut self.connection, &self.options).await;
        self.lacks_room = !matches!(cut, Ok(true));
        self.not_cut = self.lacks_room.then(Instant::now);
        match cut {
            Ok(true) => tracing::info!("the database's log was cut: there was no room left"),
            Ok(false) => {
                tracing::warn!("there is no room left, and the database's log cannot be cut: somebody reads from it")
            }
            Err(error) => tracing::warn!(%error, "there is no room left, nor any to cut the database's log"),
        }
    }

    fn look(&self) -> std::result::Result<(), Lost> {
        self.files.check().map_err(|gone| Lost::Gone(gone.to_string()))
    }

    /// Replaces the connection after a failure that may have left it unusable. If no new one can be opened, the next batch
    /// fails on the old one, and then this is tried again. The old one stays open until then, so that the last connection is
    /// never closed.
    async fn renew(&mut self) {
        match connect_writer(&self.options).await {
            Ok(fresh) if self.files.check().is_ok() => drop(std::mem::replace(&mut self.connection, fresh)),
            // The new connection is to another file, so it is dropped.
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the database cannot be opened again"),
        }
    }

    /// Why the file takes no writes, if it is read-only.
    async fn refuses_writes(&mut self) -> Option<String> {
        let error = sqlx::query(sql!("liveness/write_nothing")).execute(&mut self.connection).await.err()?;
        (Fault::of(&error) == Fault::ReadOnly).then(|| format!("{}: {error}", self.options.path.display()))
    }

    async fn close(self) {
        self.files.let_go();
        if self.files.may_close() {
            // An error does no harm: everything is committed, and closing only removes the log.
            let _ = self.connection.close().await;
        } else {
            // Never closed, because that could remove another database's log; it ends with the process.
            std::mem::forget(self.connection);
            self.files.put_log_aside();
        }
    }
}

/// Copies the log into the file and cuts it to nothing. It waits for readers only briefly, since all writes wait meanwhile.
async fn cut_log(connection: &mut SqliteConnection, options: &Options) -> sqlx::Result<bool> {
    wait_for_others(connection, CUT_PATIENCE).await?;
    let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await;
    wait_for_others(connection, options.busy_timeout).await?;
    Ok(row?.try_get::<i64, _>(0)? == 0)
}

async fn wait_for_others(connection: &mut SqliteConnection, time: Duration) -> sqlx::Result<()> {
    // Safe: only a number is put into the text. PRAGMA takes no arguments.
    let pragma = format!("PRAGMA busy_timeout = {}", time.as_millis());
    sqlx::query(sqlx::AssertSqlSafe(pragma)).fetch_all(connection).await?;
    Ok(())
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

/// A queued request, whatever the types of its result.
trait Queued: Send {
    /// Does the work and keeps its result; true if it is to be committed.
    fn run<'tx>(&'tx mut self, tx: &'tx mut SqliteConnection) -> Writing<'tx, bool>;

    /// If it failed because of the database and not of its data: the fault and the error's text.
    fn fault(&self) -> Option<(Fault, String)>;

    /// Tells the caller, after the commit or its failure.
    fn answer(self: Box<Self>, lost: Option<Lost>);
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
    E: From<Error> + Send + 'static,
{
    fn run<'tx>(&'tx mut self, tx: &'tx mut SqliteConnection) -> Writing<'tx, bool> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return false };
            // Catches a panic of the closure or its future: the writer must survive it; the caller gets an error.
            let guarded = AssertUnwindSafe(async move { work(tx).await }).catch_unwind().await;
            self.outcome = guarded.ok();
            matches!(self.outcome, Some(Ok(_)))
        })
    }

    fn fault(&self) -> Option<(Fault, String)> {
        let Some(Err(error)) = &self.outcome else { return None };
        let error = (error as &dyn Any).downcast_ref::<Error>()?;
        match error {
            Error::Full(why) => Some((Fault::Full, why.to_string())),
            Error::ReadOnly(why) => Some((Fault::ReadOnly, why.to_string())),
            Error::Damaged(why) => Some((Fault::Damaged, why.to_string())),
            Error::Unavailable(why) => Some((Fault::Passing, why.to_string())),
            _ => None,
        }
    }

    fn answer(self: Box<Self>, lost: Option<Lost>) {
        let outcome = match (self.outcome, lost) {
            (Some(Ok(_)) | None, Some(lost)) => Err(E::from(lost.into())),
            (Some(outcome), _) => outcome,
            (None, None) => Err(E::from(unavailable(Ended))),
        };
        // Fails if the caller has gone away.
        let _ = self.reply.send(outcome);
    }
}
