//! The command line.

use std::{ffi::OsString, io::Write as _, path::PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::{
    bench::{Bench, Scale},
    database::Store,
    failure::{Failure, Result, While as _},
    measure::{clock, machine::Machine},
    process::cluster::Cluster,
    report::{Row, document::Document, table},
    scenario::Scenario,
};

/// Measures Ringback, each result beside what the machine does without a database
#[derive(Debug, Parser)]
#[command(name = "ringback-bench", arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[command(flatten)]
    pub(crate) options: Options,
}

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Scaled down to minutes; says by how much and claims no target
    #[arg(long, global = true)]
    quick: bool,

    /// Just enough to see that everything works
    #[arg(long, global = true, hide = true)]
    tiny: bool,

    /// Events or deliveries, instead of the scenario's own number
    #[arg(long, global = true)]
    count: Option<u64>,

    /// Where: both unless one is named
    #[arg(long, global = true)]
    store: Option<Store>,

    /// A PostgreSQL server whose user may create databases, instead of a private one
    #[arg(long, global = true, value_name = "URL")]
    postgres: Option<String>,

    /// Everything that was measured, as JSON
    #[arg(long, global = true, value_name = "FILE")]
    json: Option<PathBuf>,

    /// The table as Markdown
    #[arg(long, global = true, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Shown(Shown),

    #[command(hide = true)]
    Receiver,
    #[command(hide = true)]
    Producer,
    #[command(hide = true)]
    Keeper,
    #[command(hide = true)]
    Node {
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
}

/// One command for each scenario, and one for all.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Shown {
    /// Every scenario
    All,
    /// Signed requests without a database
    Ceiling,
    /// A backlog goes out
    Drain,
    /// Fifty calls a second
    Latency,
}

impl Shown {
    fn scenarios(self) -> Vec<Scenario> {
        match self {
            Self::All => Scenario::ALL.to_vec(),
            Self::Ceiling => vec![Scenario::Ceiling],
            Self::Drain => vec![Scenario::Drain],
            Self::Latency => vec![Scenario::Latency],
        }
    }
}

/// Measures, and says what came of it.
pub(crate) async fn run(shown: Shown, options: Options) -> Result<()> {
    let stores = options.store.map_or_else(|| vec![Store::Postgres, Store::Sqlite], |store| vec![store]);
    let cluster = match &options.postgres {
        _ if !stores.contains(&Store::Postgres) => None,
        Some(url) => Some(Cluster::named(url).await?),
        None => Some(Cluster::start().await?),
    };
    let machine = Machine::look(cluster.as_ref().map(|cluster| cluster.version.clone()));
    let scale = match (options.tiny, options.quick) {
        (true, _) => Scale::Tiny,
        (false, true) => Scale::Quick,
        (false, false) => Scale::Full,
    };
    eprintln!("{}", machine.line());
    let bench = Bench { scale, count: options.count, stores, cluster };
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for scenario in shown.scenarios() {
        eprintln!("{}", scenario.name());
        match scenario.run(&bench).await {
            Ok(found) => rows.extend(found),
            Err(failure) => {
                eprintln!("  failed: {failure}");
                failed.push(scenario.name());
            }
        }
    }
    write(&options, &machine, &rows)?;
    if failed.is_empty() { Ok(()) } else { Err(Failure::new(format!("failed: {}", failed.join(", ")))) }
}

fn write(options: &Options, machine: &Machine, rows: &[Row]) -> Result<()> {
    let text = format!("{}\n\n{}", machine.line(), table::table(rows));
    std::io::stdout().write_all(text.as_bytes()).during("writing the table")?;
    if let Some(path) = &options.markdown {
        std::fs::write(path, &text).during(&format!("writing {}", path.display()))?;
    }
    if let Some(path) = &options.json {
        Document { machine, at: clock::unix_us() / 1_000_000, rows }.write(path)?;
    }
    Ok(())
}
