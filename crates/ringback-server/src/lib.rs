//! The binary `ringback`: a list of commands.
//!
//! It is a library only so that the benchmarks can run `ringback serve` from their own executable; only [`run`] is meant for
//! other crates.

#![warn(clippy::print_stderr, reason = "it panics when nobody reads any more; print::note does not")]

mod client;
mod commands;
mod configuration;
mod demo;
mod exposed;
mod failure;
mod print;
mod screen;
mod secrets;
mod serve;
mod stores;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;

use std::{ffi::OsString, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::failure::{Failure, Result};

/// Tells a voice platform's customers that a call has ended.
#[derive(Debug, Parser)]
#[command(name = "ringback", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "\
First minute:   ringback demo
Run it:         ringback serve
At 3 a.m.:      ringback find CALL_ID; ringback top; ringback doctor

Commands open the store that the configuration names; with --url and --token they ask a running
server.
Exit status: 0 done, 1 failed, 2 wrong usage or configuration, 3 nothing found.")]
struct Ringback {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(commands::serve::Serve),
    Demo(commands::demo::Demo),
    Emit(commands::emit::Emit),
    Find(commands::find::Find),
    Gaps(commands::gaps::Gaps),
    Explain(commands::explain::Explain),
    Events(commands::events::Events),
    Payload(commands::payload::Payload),
    Deliveries(commands::deliveries::Deliveries),
    DeadLetters(commands::dead_letters::DeadLetters),
    Tail(commands::tail::Tail),
    Top(commands::top::Top),
    Replay(commands::replay::Replay),
    Replays(commands::replays::Replays),
    Discard(commands::discard::Discard),
    Expunge(commands::expunge::Expunge),
    Share(commands::share::Share),
    Portal(commands::portal::Portal),
    Endpoints(commands::endpoints::Endpoints),
    Filters(commands::filters::Filters),
    Ledger(commands::ledger::Ledger),
    Figures(commands::figures::Figures),
    Audit(commands::audit::Audit),
    Nodes(commands::nodes::Nodes),
    Verify(commands::verify::Verify),
    Listen(commands::listen::Listen),
    Token(commands::token::Token),
    Migrate(commands::migrate::Migrate),
    Rekey(commands::rekey::Rekey),
    Backup(commands::backup::Backup),
    CheckConfig(commands::check_config::CheckConfig),
    Doctor(commands::doctor::Doctor),
    Completions(commands::completions::Completions),
}

impl Command {
    async fn run(self) -> Result<()> {
        match self {
            Self::Serve(command) => command.run().await,
            Self::Demo(command) => command.run().await,
            Self::Emit(command) => command.run().await,
            Self::Find(command) => command.run().await,
            Self::Gaps(command) => command.run().await,
            Self::Explain(command) => command.run().await,
            Self::Events(command) => command.run().await,
            Self::Payload(command) => command.run().await,
            Self::Deliveries(command) => command.run().await,
            Self::DeadLetters(command) => command.run().await,
            Self::Tail(command) => command.run().await,
            Self::Top(command) => command.run().await,
            Self::Replay(command) => command.run().await,
            Self::Replays(command) => command.run().await,
            Self::Discard(command) => command.run().await,
            Self::Expunge(command) => command.run().await,
            Self::Share(command) => command.run().await,
            Self::Portal(command) => command.run().await,
            Self::Endpoints(command) => command.run().await,
            Self::Filters(command) => command.run().await,
            Self::Ledger(command) => command.run().await,
            Self::Figures(command) => command.run().await,
            Self::Audit(command) => command.run().await,
            Self::Nodes(command) => command.run().await,
            Self::Verify(command) => command.run(),
            Self::Listen(command) => command.run().await,
            Self::Token(command) => command.run().await,
            Self::Migrate(command) => command.run().await,
            Self::Rekey(command) => command.run().await,
            Self::Backup(command) => command.run().await,
            Self::CheckConfig(command) => command.run().await,
            Self::Doctor(command) => command.run().await,
            Self::Completions(command) => command.run(),
        }
    }
}

/// Does what the command line says; `arguments` begin with the program's name. Returns what to exit with.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<_> = arguments.into_iter().collect();
    if commands::completions::answered(&arguments) {
        return ExitCode::SUCCESS;
    }
    let command = Ringback::parse_from(arguments).command;
    let outcome = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(async {
            let outcome = command.run().await;
            stores::close().await;
            outcome
        }),
        Err(error) => Err(Failure::failed(format!("the system gives this program no threads: {error}"))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
