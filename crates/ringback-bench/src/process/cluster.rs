//! The PostgreSQL server that a benchmark works on: a private one, or one that is named.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection, Row as _};

use super::{child::Child, keeper::Kept};
use crate::{
    failure::{Result, While as _},
    measure::cpu,
};

/// Making a cluster and starting it, on a slow disk.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server; a private one ends when this is dropped.
pub(crate) struct Cluster {
    /// Of a database that every server has.
    pub(crate) url: String,
    pub(crate) version: String,
    /// Its first process, if it is on this machine and can be seen.
    pub(crate) pid: Option<u32>,
    keeper: Option<Child>,
}

impl Cluster {
    /// A private one.
    pub(crate) async fn start() -> Result<Self> {
        let mut keeper = Child::start_kept("keeper")?;
        let kept: Kept = keeper.answer(PATIENCE).await?;
        Self::known(kept.url, Some(keeper)).await
    }

    /// The one at `url`, whose user may create databases.
    pub(crate) async fn named(url: &str) -> Result<Self> {
        Self::known(url.to_owned(), None).await
    }

    async fn known(url: String, keeper: Option<Child>) -> Result<Self> {
        let mut connection = PgConnection::connect(&url).await.during("connecting to PostgreSQL")?;
        let row = sqlx::query("SELECT pg_backend_pid(), current_setting('server_version'), current_setting('fsync')");
        let row = row.fetch_one(&mut connection).await?;
        let (backend, version, fsync): (i32, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        if fsync != "on" {
            eprintln!("warning: this server runs with fsync off: nothing it says about speed counts");
        }
        let pid = u32::try_from(backend)
            .ok()
            .and_then(|backend| cpu::parent_of(backend).ok())
            .filter(|pid| is_postgres(*pid));
        Ok(Self { url, version, pid, keeper })
    }

    /// Whether it was started for this benchmark alone.
    pub(crate) const fn is_private(&self) -> bool {
        self.keeper.is_some()
    }

    /// Stops a private one. When it is only dropped, its keeper does the same after this process has gone on.
    pub(crate) async fn stop(self) -> Result<()> {
        match self.keeper {
            Some(keeper) => keeper.finish(PATIENCE).await,
            None => Ok(()),
        }
    }

    /// CPU time of all its processes so far.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        cpu::of_tree(self.pid?).ok()
    }
}

fn is_postgres(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim().starts_with("postgres"))
}
