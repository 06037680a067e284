//! Benchmarks of Ringback against the ceilings of the machine they run on. `README.md` tells the method.
//!
//! Everything stays on the loopback, everything is bounded in count and time, and every process that is started ends
//! with this one.

mod arguments;
mod bench;
mod database;
mod failure;
mod measure;
mod neighbourhood;
mod payload;
mod process;
mod report;
mod scenario;
mod sizes;
mod stage;

use std::process::ExitCode;

use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    arguments::{Arguments, Command},
    failure::{Failure, Result},
};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Node { arguments } => return process::node::run(arguments),
        Command::Keeper => process::keeper::run(),
        Command::Storer => on_all_cores(process::storer::run()),
        Command::Receiver => on_all_cores(process::receiver::run()),
        Command::Producer => on_all_cores(process::producer::run()),
        Command::Shown(shown) => on_one_core(arguments::run(shown, arguments.options)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn on_all_cores(work: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(work)
}

/// Whoever only watches takes as little as it can. Ctrl-C and SIGTERM end it in order: what it has started, too.
fn on_one_core(work: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            outcome = work => outcome,
            _ = tokio::signal::ctrl_c() => Err(Failure::new("interrupted")),
            _ = terminate.recv() => Err(Failure::new("told to stop")),
        }
    })
}
