//! The receiver: a process that answers webhooks as cheaply as hyper can, on many addresses of the loopback, and
//! behaves as the path says. It counts, and says on its standard output what it has seen.

mod behaviour;
mod serve;
mod tally;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::tally::Tally;
pub(crate) use self::{behaviour::Behaviour, tally::Report};
use super::child::{Child, questions, say};
use crate::failure::{Failure, Result};

/// Addresses that the receiver listens on, 127.0.0.1 and following: so that the ports of those who connect suffice, and
/// so that there are many hosts.
pub(crate) const ADDRESSES: u16 = 16;

/// How long an answer without waiting may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ports on each of them, one after the other.
pub(crate) const PORTS: u16 = 32;

/// What the receiver can be asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
enum Question {
    /// Forget all; numbers below `expect` will be looked for.
    Reset { expect: u64 },
    /// What has been seen.
    Report,
    /// The same, once there were so many arrivals in all, or after a while.
    Wait { arrivals: u64, at_most_ms: u64 },
}

/// The hidden command.
pub(crate) async fn run() -> Result<()> {
    super::allow_many_files();
    let tally: &'static Tally = Box::leak(Box::default());
    let port = serve::listen(ADDRESSES, PORTS, tally).await?;
    say(Ok(port))?;
    let mut questions = questions();
    while let Some(line) = questions.recv().await {
        match serde_json::from_str(&line)? {
            Question::Reset { expect } => tally.reset(expect),
            Question::Report => {}
            Question::Wait { arrivals, at_most_ms } => tally.wait(arrivals, Duration::from_millis(at_most_ms)).await,
        }
        say(Ok(tally.report()))?;
    }
    Ok(())
}

/// A running receiver; ends when dropped.
pub(crate) struct Receiver {
    child: Child,
    /// The first of its ports.
    pub(crate) port: u16,
}

impl Receiver {
    /// Starts one.
    pub(crate) async fn start() -> Result<Self> {
        let mut child = Child::start("receiver")?;
        let port = child.answer(PATIENCE).await?;
        Ok(Self { child, port })
    }

    pub(crate) const fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// The URL of the `number`th endpoint that behaves like this; they take turns among the addresses.
    pub(crate) fn url(&self, behaviour: Behaviour, number: u32) -> String {
        let address = 1 + number % u32::from(ADDRESSES);
        let port = u32::from(self.port) + number / u32::from(ADDRESSES) % u32::from(PORTS);
        format!("http://127.0.0.{address}:{port}{}", behaviour.path(number))
    }

    /// Forgets what it has seen. Events numbered below `expect` are then looked for.
    pub(crate) async fn reset(&mut self, expect: u64) -> Result<()> {
        let _: Report = self.child.ask(&Question::Reset { expect }, PATIENCE).await?;
        Ok(())
    }

    /// What it has seen so far.
    pub(crate) async fn report(&mut self) -> Result<Report> {
        self.child.ask(&Question::Report, PATIENCE).await
    }

    /// Waits for the `arrivals`th request since it was reset, or the end of patience, which is no failure here.
    pub(crate) async fn wait(&mut self, arrivals: u64, patience: Duration) -> Result<Report> {
        let at_most_ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        self.child.ask(&Question::Wait { arrivals, at_most_ms }, patience + PATIENCE).await
    }

    /// The same; anything less is a failure.
    pub(crate) async fn all(&mut self, arrivals: u64, patience: Duration) -> Result<Report> {
        let report = self.wait(arrivals, patience).await?;
        if report.arrivals < arrivals {
            let got = report.arrivals;
            return Err(Failure::new(format!("{got} of {arrivals} requests arrived within {patience:?}")));
        }
        Ok(report)
    }
}
