//! The matrix of faults: what a stream of events comes to while something breaks. Each row is a test on one store, of the
//! real binary: see `row.rs`. `tests/run faults` plays all rows; a plain `tests/run` those that take some seconds.
//!
//! ```text
//! row        what is staged, which fault befalls it, and what must come of it
//! stage      the database, nodes, receivers and stream that a fault befalls
//! stream     a steady stream of events, and what became of each at the door
//! outcome    what has arrived, compared with what was accepted
//! table      the rows that were played, for people
//! rows/      the faults
//! ```

use std::{any::Any, panic::AssertUnwindSafe, process::ExitCode};

use futures_util::FutureExt as _;
use libtest_mimic::{Arguments, Failed, Trial};

use crate::{outcome::Outcome, row::Row};

mod outcome;
mod row;
mod rows;
mod stage;
mod stream;
mod table;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // As the tests of other programs have it.
    let threads = std::env::var("RUST_TEST_THREADS").ok().and_then(|threads| threads.parse().ok());
    arguments.test_threads = arguments.test_threads.or(threads);
    let (rows, impossible) = rows::all();
    let trials = rows
        .into_iter()
        .map(|row| Trial::test(format!("faults::{}", row.title()), move || play(row)).with_ignored_flag(row.is_slow));
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    if !arguments.list {
        table::print(&impossible);
    }
    conclusion.exit_code()
}

/// Plays one row, notes it down for the table, and compares it with what is expected.
fn play(row: Row) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let played = runtime.block_on(AssertUnwindSafe(stage::play(row)).catch_unwind());
    let (outcome, broken) = match played {
        Ok(outcome) => {
            let broken = outcome.broken(&row.expected);
            (Some(outcome), broken)
        }
        Err(panic) => (None, vec![format!("not played to its end: {}", words(&*panic))]),
    };
    table::note(row, outcome.as_ref(), &broken);
    match broken.is_empty() {
        true => Ok(()),
        false => Err(format!("{}\n{}", broken.join("\n"), outcome.map(Outcome::complaints).unwrap_or_default()).into()),
    }
}

/// What a panic says.
fn words(panic: &dyn Any) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    words.unwrap_or("a panic without words").to_owned()
}
