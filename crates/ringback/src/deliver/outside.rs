//! What a sending process needs from the operating system: a way to receivers, and a thread that work does not delay. The
//! simulation has its own.

use std::{io, pin::Pin, thread, time::Duration};

use super::{
    send::{Connections, Sender},
    sign::Signed,
};
use crate::{attempt::Outcome, engine::OpenError, settings::Settings};

/// The outside of one process.
pub(crate) struct Outside {
    pub(crate) carrier: Box<dyn Carry>,
    pub(crate) apart: Box<dyn Apart>,
}

/// Carries requests to receivers.
#[async_trait::async_trait]
pub(crate) trait Carry: Send + Sync {
    /// Sends one request, over an idle connection of its lane's `pool` or a new one. Returns its outcome within `timeout`.
    async fn carry(&self, pool: &Connections, request: &Signed, timeout: Duration) -> Outcome;
}

/// Runs work that nothing else may delay.
pub(crate) trait Apart: Send + Sync {
    /// Starts `work`, which ends by itself.
    ///
    /// # Errors
    /// When the operating system cannot start a thread.
    fn run(&self, work: Pin<Box<dyn Future<Output = ()> + Send>>) -> io::Result<()>;
}

impl Outside {
    /// The network, and threads.
    pub(crate) fn real(settings: &Settings) -> Result<Self, OpenError> {
        Ok(Self { carrier: Box::new(Sender::as_set(settings)?), apart: Box::new(Threads) })
    }
}

#[async_trait::async_trait]
impl Carry for Sender {
    async fn carry(&self, pool: &Connections, request: &Signed, timeout: Duration) -> Outcome {
        self.send(pool, request, timeout).await
    }
}

/// Runs each work on a thread and a runtime of its own.
struct Threads;

impl Apart for Threads {
    fn run(&self, work: Pin<Box<dyn Future<Output = ()> + Send>>) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("ringback-lease".to_owned()).spawn(move || runtime.block_on(work))?;
        Ok(())
    }
}
