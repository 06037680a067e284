//! The ledger: counted when it is asked for; for the dashboard's pages, as of the last count.
//!
//! The ledger counts whole tables, which takes longer the larger they are. A page that people look at again and again must
//! not cost that each time, nor make them wait. So one count runs at a time for each tenant, a page that is asked for
//! meanwhile shows the count before, and a count that took long is followed by a rest: counting takes up at most one part
//! in `REST` of one connection's time.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{
    Engine,
    store::{self, Ledger, Span},
    time::Timestamp,
};

/// How long a page waits for a count that has begun.
const PATIENCE: Duration = Duration::from_millis(300);

/// A count that takes no longer than this is repeated each time.
const QUICK: Duration = Duration::from_millis(50);

/// A slower count is followed by a rest of so many times its duration.
const REST: u32 = 20;

/// The ledger, and when it was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// What was counted.
    pub ledger: Ledger,
    /// When counting began.
    pub counted_at: Timestamp,
}

/// The last count of each tenant that was asked for, and of all tenants under `None`. Bounded by the tenants whose tokens
/// look at pages.
#[derive(Default)]
pub(crate) struct Tallies(Mutex<HashMap<Option<String>, Arc<watch::Sender<State>>>>);

#[derive(Default)]
struct State {
    last: Option<Tally>,
    counting: bool,
    rest_until: Option<Instant>,
}

impl Tallies {
    fn of(&self, tenant: Option<&str>) -> Arc<watch::Sender<State>> {
        Arc::clone(self.0.lock().entry(tenant.map(str::to_owned)).or_default())
    }
}

impl Engine {
    /// The ledger of one tenant or of all, counted now, of the events accepted in this time and their deliveries.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn ledger(&self, tenant: Option<&str>, accepted: Span) -> store::Result<Ledger> {
        self.store().ledger(tenant, accepted).await
    }

    /// The ledger of one tenant or of all, as of the last count; `None` if the first count takes longer than a page should
    /// wait, or the store does not answer.
    pub async fn tally(&self, tenant: Option<&str>) -> Option<Tally> {
        let slot = self.tallies().of(tenant);
        let mut begins = false;
        slot.send_if_modified(|state| {
            begins = !state.counting && state.rest_until.is_none_or(|until| Instant::now() >= until);
            state.counting |= begins;
            begins
        });
        if begins {
            tokio::spawn(count(self.clone(), tenant.map(str::to_owned), Arc::clone(&slot)));
        }
        let mut counted = slot.subscribe();
        // `slot` keeps the sender alive, so this wait ends only with the count or the time-out.
        let _ = tokio::time::timeout(PATIENCE, counted.wait_for(|state| !state.counting)).await;
        slot.borrow().last
    }
}

async fn count(engine: Engine, tenant: Option<String>, slot: Arc<watch::Sender<State>>) {
    let (began, counted_at) = (Instant::now(), Timestamp::now());
    let counted = engine.ledger(tenant.as_deref(), Span::default()).await;
    let took = began.elapsed();
    slot.send_modify(|state| {
        state.counting = false;
        state.rest_until = (took > QUICK).then(|| Instant::now() + took * REST);
        match counted {
            Ok(ledger) => state.last = Some(Tally { ledger, counted_at }),
            Err(error) => tracing::warn!(%error, "the ledger could not be counted"),
        }
    });
}
