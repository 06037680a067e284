//! The simulated way to receivers, and what each of them does.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::world::World;
use crate::{
    attempt::{ErrorClass, Failure, Outcome, Phase, Response, Timings},
    deliver::{
        outside::{Apart, Carry},
        send::Connections,
        sign::Signed,
    },
};

/// What a receiver is like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Receiver {
    /// It answers within this.
    pub(super) answers_within: Duration,
    /// One of so many requests is answered 503; 0 for none, 1 for all.
    pub(super) fails_one_of: u32,
    /// It takes requests and never answers.
    pub(super) hangs: bool,
    /// What answers to one of so many requests makes the engine panic; 0 for none.
    pub(super) panics_one_of: u32,
    pub(super) max_in_flight: Option<u32>,
    pub(super) rate_per_second: Option<f64>,
}

/// How many of them are healthy, the first ones: what they are owed must come in time.
pub(super) const HEALTHY: usize = 7;

const AT_ONCE: Receiver = Receiver {
    answers_within: Duration::from_millis(40),
    fails_one_of: 0,
    hangs: false,
    panics_one_of: 0,
    max_in_flight: None,
    rate_per_second: None,
};

/// Whom the simulated platform sends to.
pub(super) const RECEIVERS: [Receiver; 10] = [
    AT_ONCE,
    AT_ONCE,
    AT_ONCE,
    AT_ONCE,
    AT_ONCE,
    Receiver { answers_within: Duration::from_millis(300), max_in_flight: Some(2), panics_one_of: 100, ..AT_ONCE },
    Receiver { rate_per_second: Some(5.0), ..AT_ONCE },
    Receiver { fails_one_of: 3, ..AT_ONCE },
    Receiver { fails_one_of: 1, ..AT_ONCE },
    Receiver { hangs: true, ..AT_ONCE },
];

/// What becomes of one request.
pub(super) struct Met {
    pub(super) hangs: bool,
    pub(super) fails: bool,
    pub(super) panics: bool,
    pub(super) took: Duration,
}

/// One node's way to receivers.
pub(super) struct Way {
    pub(super) world: Arc<Mutex<World>>,
    pub(super) node: usize,
    /// The moment of the node's clock at which the world's time began.
    pub(super) base: Instant,
}

#[async_trait::async_trait]
impl Carry for Way {
    async fn carry(&self, _: &Connections, request: &Signed, timeout: Duration) -> Outcome {
        let now = Instant::now() - self.base;
        let Met { hangs, fails, panics, took } = self.world.lock().opened(self.node, now, request, timeout);
        assert!(!panics, "a defect of the engine's, simulated");
        tokio::time::sleep(took).await;
        let status = if fails { 503 } else { 204 };
        let error = if hangs { ErrorClass::Timeout } else { ErrorClass::Status };
        let failure = Failure { error, phase: hangs.then_some(Phase::Head), ambiguous: hangs };
        Outcome {
            response: (!hangs).then(|| Response { status, ..Response::default() }),
            failure: (hangs || fails).then_some(failure),
            remote_addr: None,
            duration: took,
            timings: Timings::default(),
        }
    }
}

/// Nothing of a node runs while it stands still, so the lease is kept among everything else.
pub(super) struct Together;

impl Apart for Together {
    fn run(&self, work: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>) -> std::io::Result<()> {
        tokio::spawn(work);
        Ok(())
    }
}
