//! The command line.

use std::{
    cell::RefCell,
    ffi::OsString,
    io::Write as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::{Args, Parser, Subcommand};
use tokio::time::timeout;

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

    /// A folder for the plots, as SVG; those of a full run go to where the README shows them
    #[arg(long, global = true, value_name = "FOLDER")]
    plots: Option<PathBuf>,
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
    Storer,
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
    #[command(flatten)]
    One(Scenario),
}

impl Shown {
    fn scenarios(self) -> Vec<Scenario> {
        match self {
            Self::All => Scenario::ALL.to_vec(),
            Self::One(scenario) => vec![scenario],
        }
    }
}

/// No scenario takes that long on any machine that is worth measuring.
const LONGEST: Duration = Duration::from_secs(2 * 60 * 60);

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
    let bench = Bench { scale, count: options.count, stores, cluster, plots: RefCell::default() };
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for scenario in shown.scenarios() {
        let (name, since) = (format!("{scenario:?}"), Instant::now());
        eprintln!("{name}");
        let outcome = timeout(LONGEST, scenario.run(&bench)).await.during("waiting for the end");
        match outcome.and_then(|outcome| outcome) {
            Ok(found) => rows.extend(found),
            Err(failure) => {
                eprintln!("  failed: {failure}");
                failed.push(name);
                continue;
            }
        }
        eprintln!("  {:.0} s", since.elapsed().as_secs_f64());
    }
    draw(&options, &bench, &machine)?;
    write(&options, &machine, &rows)?;
    if let Some(cluster) = bench.cluster {
        cluster.stop().await?;
    }
    if failed.is_empty() { Ok(()) } else { Err(Failure::new(format!("failed: {}", failed.join(", ")))) }
}

/// Plots of a run that is scaled down are drawn only where somebody asks for them: they would replace real ones.
fn draw(options: &Options, bench: &Bench, machine: &Machine) -> Result<()> {
    let is_whole = bench.scale == Scale::Full && bench.count.is_none();
    let own = is_whole.then(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("plots"));
    let Some(folder) = options.plots.clone().or(own) else { return Ok(()) };
    std::fs::create_dir_all(&folder).during("making the folder for plots")?;
    for plot in bench.plots.borrow().iter() {
        let path = folder.join(format!("{}.svg", plot.name));
        std::fs::write(&path, plot.svg(&machine.line())).during(&format!("writing {}", path.display()))?;
    }
    Ok(())
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
