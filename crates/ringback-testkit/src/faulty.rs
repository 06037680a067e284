//! A store that fails when a test wants it to.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ringback::{
    attempt::Attempt,
    audit::Entry,
    delivery::{Due, LaneId, Shard},
    endpoint::StoredEndpoint,
    event::NewEvent,
    id::{DeliveryId, EndpointId, EventId, ExpungeId, LinkId, ReplayId, SessionId, TokenId},
    link::Link,
    store::{
        Acceptance, Audit, AuditFilter, AuditPosition, AuditRow, Backlog, Changes, Claimed, Configuration, Created,
        Cursor, DeadGroups, DeliveryFilter, DeliveryRow, Elsewhere, EndpointAsOf, EndpointFilter, Erased, Error,
        EventFilter, EventRow, Expected, ExpungeRow, ExpungeToCreate, Expunging, FeedPage, FigureKeeping, Figures,
        FiguresPart, Floor, Group, GroupFilter, Hold, Ingest, Intake, Keys, LeaseKeeper, Leases, Ledger, Links,
        Liveness, LoadedEvent, NodeId, Nodes, Once, OnceName, Operations, Outbox, OutboxPage, Outcome, Page,
        PayloadRead, PendingLane, Recorded, RecordedRouting, ReplayListFilter, ReplayOf, ReplayOne, ReplayRow,
        ReplayScope, ReplayToCreate, Resealed, Result, Retention, RoutedEvent, Sealed, SealedDestinations, Sessions,
        ShardMap, SharedStore, Span, Step, Subject, Tokens, Updated, Upkeep, Vitals, Work,
    },
    time::Timestamp,
    token::Token,
};

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The database is not reached: nothing is done, and the caller is told that it is unavailable.
    Unreached,
    /// It is done, and the answer is lost: the caller is told that the database is unavailable.
    AnswerLost,
    /// It is done, after this long.
    Late(Duration),
    /// Nothing is done, and no answer ever comes.
    Hangs,
    /// Nothing is done, and the call panics.
    Panics,
    /// It is done, and then the call panics.
    PanicsAfter,
}

/// A store around another, of which a test lets calls fail by their names: those of the methods of the store's traits.
/// Those of [`Liveness`] and of keepers of leases never fail.
///
/// ```no_run
/// # async fn example(store: ringback::store::SharedStore) {
/// use ringback_testkit::{Fault, Faulty};
///
/// let faulty = Faulty::around(store);
/// faulty.next("record", [Fault::AnswerLost, Fault::Unreached]);
/// // … an engine on `faulty` records an outcome twice in vain before it succeeds …
/// assert_eq!(faulty.count("record"), 3);
/// # }
/// ```
pub struct Faulty {
    inner: SharedStore,
    calls: Mutex<BTreeMap<&'static str, Calls>>,
}

/// What is known of the calls of one name.
#[derive(Debug, Default)]
struct Calls {
    count: u64,
    faults: VecDeque<Fault>,
}

impl Faulty {
    /// Around a store; no call fails yet.
    #[must_use]
    pub fn around(inner: SharedStore) -> Arc<Self> {
        Arc::new(Self { inner, calls: Mutex::default() })
    }

    /// Lets the next calls of this name fail, one after another, after those that are to fail already.
    ///
    /// # Panics
    /// When no call has this name.
    pub fn next(&self, call: &str, faults: impl IntoIterator<Item = Fault>) {
        let call = *CALLS.iter().find(|known| **known == call).unwrap_or_else(|| panic!("no call of a store: {call}"));
        self.calls().entry(call).or_default().faults.extend(faults);
    }

    /// How many calls of this name there were, those that failed included.
    #[must_use]
    pub fn count(&self, call: &str) -> u64 {
        self.calls().get(call).map_or(0, |calls| calls.count)
    }

    fn calls(&self) -> MutexGuard<'_, BTreeMap<&'static str, Calls>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn meet<T>(&self, call: &'static str, answer: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let fault = {
            let mut calls = self.calls();
            let calls = calls.entry(call).or_default();
            calls.count += 1;
            calls.faults.pop_front()
        };
        match fault {
            None => answer.await,
            Some(Fault::Unreached) => Err(lost()),
            Some(Fault::AnswerLost) => answer.await.and_then(|_| Err(lost())),
            Some(Fault::Late(late)) => {
                tokio::time::sleep(late).await;
                answer.await
            }
            Some(Fault::Hangs) => std::future::pending().await,
            Some(Fault::Panics) => panic!("a test lets this call panic"),
            Some(Fault::PanicsAfter) => {
                let _ = answer.await;
                panic!("a test lets this call panic when it is done")
            }
        }
    }
}

fn lost() -> Error {
    Error::Unavailable("a test lets this call fail".into())
}

macro_rules! faulty {
    ($($stage:ident { $($limit:ident $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)+ })+) => {
        /// The names of all calls that can fail.
        const CALLS: &[&str] = &[$($(stringify!($name)),+),+];

        $(#[async_trait::async_trait]
        impl $stage for Faulty {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$answer> {
                self.meet(stringify!($name), self.inner.$name($($argument),*)).await
            })+
        })+
    };
}
ringback::for_every_call!(faulty);

#[async_trait::async_trait]
impl Liveness for Faulty {
    fn distrust(&self, asked: Instant) {
        self.inner.distrust(asked);
    }

    async fn probe(&self) -> Result<()> {
        self.inner.probe().await
    }
}
