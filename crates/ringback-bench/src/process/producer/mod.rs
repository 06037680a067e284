//! The producer: a process that sends what a platform would send. It is told a job and says what came of it.

mod bare;
mod by_http;
mod by_sql;
mod pace;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use self::pace::Pace;
use super::child::{Child, questions, say};
use crate::{failure::Result, measure::latency::Latency, sizes::Sizes};

/// What to produce.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub(crate) enum Job {
    /// Signed requests straight to a receiver, as fast as they are answered: the ceiling.
    Bare { url: String, connections: usize, sizes: Sizes, seconds: f64 },
    /// One event per request to a node.
    Http { url: String, token: String, connections: usize, pace: Pace, events: Events },
    /// One event per transaction in PostgreSQL, without waking anybody.
    Sql { url: String, connections: usize, pace: Pace, events: Events },
}

/// Which events.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Events {
    /// Of the first; those that follow count on.
    pub(crate) first: u64,
    pub(crate) sizes: Sizes,
    /// They take turns among so many tenants, `t0` and following; 0 leaves them to the default one.
    pub(crate) tenants: u64,
}

impl Events {
    /// The tenant of an event.
    pub(crate) fn tenant(&self, number: u64) -> String {
        if self.tenants == 0 { "default".to_owned() } else { format!("t{}", number % self.tenants) }
    }
}

/// What came of a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Done {
    /// Requests or transactions that were answered as they should be.
    pub(crate) accepted: u64,
    /// And those that were not.
    pub(crate) failed: u64,
    /// What was said to one of them.
    pub(crate) failure: Option<String>,
    /// From the first to the last.
    pub(crate) seconds: f64,
    /// What the producer used meanwhile.
    pub(crate) cpu_seconds: f64,
    /// From asking to being answered.
    pub(crate) latency: Option<Latency>,
    /// How far behind its pace it was at worst, in milliseconds: above a few, the machine was too small for the pace.
    pub(crate) late_ms: f64,
}

impl Done {
    /// Answered as they should be, a second.
    pub(crate) fn rate(&self) -> f64 {
        self.accepted as f64 / self.seconds.max(1e-9)
    }
}

/// The hidden command.
pub(crate) async fn run() -> Result<()> {
    super::allow_many_files();
    let mut questions = questions();
    while let Some(line) = questions.recv().await {
        let done = match serde_json::from_str(&line)? {
            Job::Bare { url, connections, sizes, seconds } => bare::send(&url, connections, sizes, seconds).await,
            Job::Http { url, token, connections, pace, events } => {
                by_http::emit(&url, &token, connections, pace, events).await
            }
            Job::Sql { url, connections, pace, events } => by_sql::emit(&url, connections, pace, events).await,
        };
        say(done)?;
    }
    Ok(())
}

/// A running producer; ends when dropped.
pub(crate) struct Producer(Child);

impl Producer {
    /// Starts one.
    pub(crate) fn start() -> Result<Self> {
        Ok(Self(Child::start("producer")?))
    }

    /// Does a job, in `at_most`.
    pub(crate) async fn run(&mut self, job: &Job, at_most: Duration) -> Result<Done> {
        self.0.ask(job, at_most).await
    }
}
