//! The scenarios, one file each.

mod backlog;
mod ceiling;
mod database;
mod drain;
mod emit_http;
mod emit_sql;
mod end_all;
mod endpoints;
mod fan_out;
mod history;
mod latency;
mod neighbours;
mod nodes;
mod questions;
mod restart;
mod size_mix;
mod urls;

use clap::Subcommand;
use serde_json::json;

use crate::{bench::Bench, database::Store, failure::Result, process::producer::Done, report::Row};

/// What can be measured, in the order in which `all` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub(crate) enum Scenario {
    /// Signed requests without a database
    Ceiling,
    /// The store's statements without sending
    Database,
    /// A backlog of one endpoint goes out
    Drain,
    /// One event per HTTP request
    EmitHttp,
    /// One event per SQL transaction
    EmitSql,
    /// Fifty events a second and nothing else
    Latency,
    /// Each event to 1, 10 and 100 endpoints
    FanOut,
    /// Payloads from 1.2 to 450 KB
    SizeMix,
    /// What sick receivers cost the healthy ones
    Neighbours,
    /// 20,000 calls end in two seconds
    EndAll,
    /// Draining out of up to a million pending
    Backlog,
    /// Draining and finding beside ten million
    History,
    /// What operators ask, beside ten million
    Questions,
    /// A URL of its own for each event
    Urls,
    /// A hundred thousand endpoints
    Endpoints,
    /// One, two and four nodes
    Nodes,
    /// The database crashes and comes back
    Restart,
}

impl Scenario {
    /// All of them.
    pub(crate) const ALL: [Self; 17] = [
        Self::Ceiling,
        Self::Database,
        Self::Drain,
        Self::EmitHttp,
        Self::EmitSql,
        Self::Latency,
        Self::FanOut,
        Self::SizeMix,
        Self::Neighbours,
        Self::EndAll,
        Self::Backlog,
        Self::History,
        Self::Questions,
        Self::Urls,
        Self::Endpoints,
        Self::Nodes,
        Self::Restart,
    ];

    /// Runs it on each store that it applies to.
    pub(crate) async fn run(self, bench: &Bench) -> Result<Vec<Row>> {
        match self {
            Self::Ceiling => ceiling::run(bench).await,
            Self::Database => each(bench, database::run).await,
            Self::Drain => each(bench, drain::run).await,
            Self::EmitHttp => each(bench, emit_http::run).await,
            Self::EmitSql => emit_sql::run(bench).await,
            Self::Latency => each(bench, latency::run).await,
            Self::FanOut => each(bench, fan_out::run).await,
            Self::SizeMix => each(bench, size_mix::run).await,
            Self::Neighbours => each(bench, neighbours::run).await,
            Self::EndAll => each(bench, end_all::run).await,
            Self::Backlog => each(bench, backlog::run).await,
            Self::History => each(bench, history::run).await,
            Self::Questions => each(bench, questions::run).await,
            Self::Urls => each(bench, urls::run).await,
            Self::Endpoints => each(bench, endpoints::run).await,
            Self::Nodes => nodes::run(bench).await,
            Self::Restart => restart::run(bench).await,
        }
    }
}

async fn each(bench: &Bench, scenario: impl AsyncFn(&Bench, Store) -> Result<Vec<Row>>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for store in &bench.stores {
        rows.extend(scenario(bench, *store).await?);
    }
    Ok(rows)
}

/// The producer's side of a row.
fn told(row: Row, done: &Done) -> Row {
    row.with("accepted_per_second", done.rate())
        .with("accepting", json!(done.latency))
        .with("producer_us", done.cpu_seconds * 1e6 / done.accepted.max(1) as f64)
        .with("late_ms", done.late_ms)
}
