//! The scenarios, one file each.

mod ceiling;
mod drain;
mod latency;

use crate::{bench::Bench, database::Store, failure::Result, report::Row};

/// What can be measured, in the order in which `all` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    Ceiling,
    Drain,
    Latency,
}

impl Scenario {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Ceiling, Self::Drain, Self::Latency];

    /// Its command.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ceiling => "ceiling",
            Self::Drain => "drain",
            Self::Latency => "latency",
        }
    }

    /// Runs it on each store that it applies to.
    pub(crate) async fn run(self, bench: &Bench) -> Result<Vec<Row>> {
        match self {
            Self::Ceiling => ceiling::run(bench).await,
            Self::Drain => each(bench, drain::run).await,
            Self::Latency => each(bench, latency::run).await,
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
