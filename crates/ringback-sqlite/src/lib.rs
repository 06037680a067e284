//! Ringback's embedded store: one SQLite file, nothing to install.
//!
//! ```no_run
//! # async fn run() -> ringback::store::Result<()> {
//! use ringback::event::NewEvent;
//! use ringback_sqlite::Sqlite;
//!
//! let store = Sqlite::open("calls.db").await?;
//! store.migrate().await?;
//!
//! // The host's own rows and the event are committed together, or not at all.
//! store
//!     .write(|tx| {
//!         Box::pin(async move {
//!             // sqlx::query("UPDATE call SET ended = 1 WHERE id = ?1").bind(42).execute(&mut *tx).await
//!             ringback_sqlite::emit(tx, &NewEvent::new("CALL_ENDED", r#"{"id":42}"#)).await
//!         })
//!     })
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! SQLite has one writer at a time. Within a process all writes go through one task that commits together
//! whatever came in while the last commit was on its way to the disk; a host that shares the file writes through
//! the same gate, [`Sqlite::write`]. Another process may emit and use the operators' functions on the same file;
//! it sends only once the lock on `<database>.lock` is free.
//!
//! This crate cannot be built beside another one that links a different SQLite. Its README says more.

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[macro_use]
mod statement;

mod batch;
mod contents;
mod error;
mod file;
mod open;
mod presence;
mod read;
mod schema;
mod write;

mod emit;

mod audit;
mod backup;
mod configuration;
mod expunging;
mod feed;
mod figures;
mod idempotency;
mod intake;
mod leases;
mod links;
mod liveness;
mod once;
mod operations;
mod outbox;
mod printed;
mod record;
mod route;
mod sealed;
mod sessions;
mod tokens;
mod upkeep;
mod work;

pub use self::{
    emit::emit,
    file::Missing,
    open::{Options, Sqlite},
    printed::schema_text,
    write::Writing,
};
