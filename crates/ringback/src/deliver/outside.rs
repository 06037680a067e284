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
    pub(crate) carrier: Carrier,
    pub(crate) apart: Box<dyn Apart>,
}

/// Who carries requests. The network has a variant of its own, so that its requests are no allocations more.
pub(crate) enum Carrier {
    Network(Sender),
    #[cfg(test)]
    Simulated(Box<dyn Carry>),
}

impl Carrier {
    /// Sends one request, over an idle connection of its lane's `pool` or a new one. Returns its outcome within `timeout`.
    pub(crate) async fn carry(&self, pool: &Connections, request: &Signed, timeout: Duration) -> Outcome {
        match self {
            Self::Network(sender) => sender.send(pool, request, timeout).await,
            #[cfg(test)]
            Self::Simulated(other) => other.carry(pool, request, timeout).await,
        }
    }
}

/// Carries requests to receivers of the simulation.
#[cfg(test)]
#[async_trait::async_trait]
pub(crate) trait Carry: Send + Sync {
    /// As [`Carrier::carry`].
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
        Ok(Self { carrier: Carrier::Network(Sender::as_set(settings)?), apart: Box::new(Threads) })
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
