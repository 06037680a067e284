//! Expires deliveries that were held too long, and keeps the tables small. One node does this, the owner of shard 0.
//!
//! Each step fails by itself: the other steps are taken, and it is tried again in the next round. While a clock may be
//! wrong, steps that go by the age of rows are not taken.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::clocks::ClockDoubt;
use crate::{
    deliver::Delivering,
    delivery::DeadReason,
    store::{self, Step},
};

/// Between rounds.
const PAUSE: Duration = Duration::from_secs(10);

/// Between rounds while there is more to do, so that others get at the database.
const PAUSE_BUSY: Duration = Duration::from_millis(200);

/// Keeps house until `stop`.
pub(crate) async fn keep_house(delivering: Arc<Delivering>, stop: CancellationToken) {
    let mut told = Told::default();
    while !stop.is_cancelled() {
        let pause = if round(&delivering, &mut told).await { PAUSE_BUSY } else { PAUSE };
        delivering.pause(pause, &stop).await;
    }
}

/// Takes each step once; true if there is more to do now.
async fn round(delivering: &Delivering, told: &mut Told) -> bool {
    let (engine, keeps_house) = (delivering.engine(), delivering.owns(0));
    // Every node that sends compares clocks, since its own may be the wrong one.
    let looked = engine.clocks().check(&**engine.store(), keeps_house).await;
    let Some(doubt) = told.came_to("look_at_clocks", looked) else { return false };
    told.doubt(doubt);
    if !keeps_house {
        return false;
    }
    let retention = &engine.settings().retention;
    let mut more = false;
    if doubt.is_none() {
        let expired =
            told.came_to("expire_held", engine.store().expire_held(retention.expires_after).await).unwrap_or(0);
        if expired > 0 {
            engine.metrics().count_dead(DeadReason::Expired, expired);
            tracing::info!(count = expired, "deliveries were held for too long and are dead letters now");
            more = true;
        }
    }
    for step in Step::ALL.into_iter().filter(|step| doubt.is_none() || !step.goes_by_age()) {
        more |= told.came_to(step.name(), engine.store().take_step(step, retention).await).unwrap_or(false);
    }
    more
}

/// What the log has been told already, so that nothing is logged each round.
#[derive(Default)]
struct Told {
    failing: HashMap<&'static str, String>,
    doubts: bool,
}

impl Told {
    /// The result of a step; `None` if it failed, which is logged once until it succeeds or fails for another reason.
    fn came_to<T>(&mut self, step: &'static str, came_to: store::Result<T>) -> Option<T> {
        match came_to {
            Ok(value) => {
                if self.failing.remove(step).is_some() {
                    tracing::info!(step, "a step of housekeeping succeeds again");
                }
                Some(value)
            }
            Err(error) => {
                let why = error.to_string();
                if self.failing.get(step) != Some(&why) {
                    tracing::warn!(step, %error, "a step of housekeeping failed; it is tried again, and the others are done");
                    self.failing.insert(step, why);
                }
                None
            }
        }
    }

    fn doubt(&mut self, doubt: Option<ClockDoubt>) {
        match doubt {
            Some(doubt) if !self.doubts => tracing::warn!("{doubt}"),
            None if self.doubts => tracing::info!("the clocks are in order again, and what is too old is dropped"),
            _ => {}
        }
        self.doubts = doubt.is_some();
    }
}
