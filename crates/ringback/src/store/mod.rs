//! What the engine asks of a database. One trait per stage; a store implements all of them.
//!
//! The traits are for those who write a store. The filters, rows and pages are for everyone: the methods of
//! [`Engine`](crate::Engine) take and return them. A host that works with events, deliveries or endpoints calls the engine
//! and not a store: the engine writes the audit log, keeps its directory up to date, and has the keys.
//!
//! Every method is one short transaction. None is held open while a receiver is being spoken to.
//! A method that makes a change someone asked for takes the change's [`Entry`](crate::audit::Entry) and writes it
//! in the same transaction, if and only if anything changes.
//! Times that decide anything (`due_at`, leases) are written and compared by the database's clock.

mod audit;
mod calls;
pub mod codes;
mod configuration;
mod damage;
mod expunging;
mod figures;
mod gaps;
mod histogram;
mod intake;
mod leases;
mod links;
mod liveness;
mod once;
mod operations;
mod outbox;
mod parts;
mod replays;
pub mod rules;
mod sealed;
mod sessions;
mod tokens;
mod upkeep;
mod watched;
mod work;

use std::{fmt, sync::Arc};

pub use self::{
    audit::{Audit, AuditFilter, AuditPosition, AuditRow},
    configuration::{Change, Changes, Configuration, EndpointAsOf, EndpointFilter, Updated},
    expunging::{Erased, ExpungeFilter, ExpungeRow, ExpungeState, ExpungeToCreate, Expunging, Keys},
    figures::{FigureKeeping, Figures, FiguresPart, HoldNow, LastFailure, MINUTE, MinuteOf, Pulse, Subject, Vitals},
    gaps::{Expected, Fate, LATE_AFTER, Outcome, Standing},
    histogram::Histogram,
    intake::{Acceptance, Accepted, EventToAccept, Group, Intake, Routing, Verdict},
    leases::{Claimed, LeaseKeeper, Leases, NodeId, NodeRow, NodeState, Nodes, OpenRequest, Renewal, ShardMap},
    links::Links,
    liveness::Liveness,
    once::{DoneBefore, ONCE_FOR, Once, OnceName},
    operations::{
        Backlog, DeadGroup, DeadGroups, DeliveryFilter, DeliveryRow, EventFilter, EventRow, EventState, GroupFilter,
        Ingest, Ledger, LedgerDeliveries, LedgerEvents, Operations, Page, PayloadRead, Span, UNHELD_LANES,
        UNHELD_ROWS_OF_LANE, UNHELD_ROWS_OF_SHARD,
    },
    outbox::{Floor, Outbox, OutboxPage, Pointer, RecordedRouting, RoutedAs, RoutedEvent, UnroutedEvent},
    replays::{
        Created, Elsewhere, ReplayFilter, ReplayListFilter, ReplayOf, ReplayOne, ReplayRow, ReplayScope, ReplayState,
        ReplayToCreate, Replayed, Wanting,
    },
    sealed::{Resealed, Sealed, SealedDestinations},
    sessions::Sessions,
    tokens::Tokens,
    upkeep::{IDS_AHEAD_MAX, Retention, Step, Upkeep},
    watched::NoAnswer,
    work::{Cursor, FeedPage, Hold, LoadedEvent, PendingLane, Recorded, Settlement, Work},
};
pub(crate) use self::{
    damage::Damage,
    parts::{Parts, Setback},
    watched::{Refusals, Watched},
    work::Fresh,
};

/// For how long a caller that stands still in a transaction may hold locks, and for how long a statement waits for a lock:
/// a third of the default lease, so that others go on in time.
pub const PATIENCE_WITH_LOCKS: std::time::Duration = std::time::Duration::from_secs(4);

/// All calls of the engine to a database.
pub trait Store:
    Intake
    + Outbox
    + Work
    + Leases
    + Configuration
    + Sealed
    + Operations
    + FigureKeeping
    + Expunging
    + Tokens
    + Links
    + Sessions
    + Audit
    + Upkeep
    + Liveness
    + Send
    + Sync
    + 'static
{
}

impl<T> Store for T where
    T: Intake
        + Outbox
        + Work
        + Leases
        + Configuration
        + Sealed
        + Operations
        + FigureKeeping
        + Expunging
        + Tokens
        + Links
        + Sessions
        + Audit
        + Upkeep
        + Liveness
        + Send
        + Sync
        + 'static
{
}

/// A store that several parts of a process share.
pub type SharedStore = Arc<dyn Store>;

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database is away, too busy, or closed the connection; the same call may succeed later.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Others held a lock on the very rows that this call needs, for longer than it waits ([`PATIENCE_WITH_LOCKS`]); the same
    /// call may succeed later, and a call for other rows succeeds now.
    #[error("others hold locks in the database: {0}")]
    Locked(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database takes no writes: its file, disk or server is read-only, or the system refuses to write. What is there is in
    /// order, and reads may succeed.
    #[error("the database takes no writes: {0}")]
    ReadOnly(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no room left for the database. Reads may succeed, and writes will once there is room.
    #[error("the database has no room left: {0}")]
    Full(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database itself is damaged, or its disk fails: what it holds cannot be read as it should. It does not heal
    /// by itself; the same call may succeed once somebody has repaired it, or restored a backup.
    #[error("the database is damaged: {0}")]
    Damaged(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database refused these very values; the same call will fail again.
    #[error("the database refused the data: {0}")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The schema is missing, older or newer than this program.
    #[error("{0}")]
    Schema(String),
    /// The database, or the connection to it, is set up in a way that Ringback cannot work with.
    #[error("{0}")]
    Unsuitable(String),
    /// A stored value that no version of this program writes, in a database that is in order.
    #[error("a stored value could not be read: {0}")]
    Corrupt(String),
    /// A file of the database was removed, replaced or overwritten while the store had it open; the text names the file. No write is
    /// confirmed any more, and no later call will succeed: the store must be opened anew.
    #[error("{0}")]
    Gone(String),
    /// The store's code panicked in this call: a defect. The call may have taken effect all the same.
    #[error("the store panicked ({0})")]
    Panicked(&'static str),
}

/// The result of asking a store.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The error for a stored value that cannot be read.
    pub fn corrupt(what: impl fmt::Display) -> Self {
        Self::Corrupt(what.to_string())
    }

    /// The same error for another caller. Its source cannot be cloned, so the copy has the source's text.
    #[must_use]
    pub(crate) fn retold(&self) -> Self {
        match self {
            Self::Unavailable(why) => Self::Unavailable(why.to_string().into()),
            Self::Locked(why) => Self::Locked(why.to_string().into()),
            Self::ReadOnly(why) => Self::ReadOnly(why.to_string().into()),
            Self::Full(why) => Self::Full(why.to_string().into()),
            Self::Damaged(why) => Self::Damaged(why.to_string().into()),
            Self::Refused(why) => Self::Refused(why.to_string().into()),
            Self::Schema(why) => Self::Schema(why.clone()),
            Self::Unsuitable(why) => Self::Unsuitable(why.clone()),
            Self::Corrupt(why) => Self::Corrupt(why.clone()),
            Self::Gone(why) => Self::Gone(why.clone()),
            Self::Panicked(call) => Self::Panicked(call),
        }
    }
}
