//! The rows that were played, for people.

use std::{collections::BTreeMap, io::Write as _, sync::Mutex, time::Duration};

use crate::{outcome::Outcome, row::Row};

/// The rows noted down so far.
static LINES: Mutex<Vec<Line>> = Mutex::new(Vec::new());

/// Below this a silence needs no cause.
const UNNOTICED: Duration = Duration::from_secs(1);

/// Longest line of a log in the table.
const SAID_MAX: usize = 170;

const HEAD: [&str; 11] = [
    "fault",
    "accepted",
    "received",
    "lost",
    "unexpected",
    "unanswered",
    "duplicates",
    "latest",
    "meanwhile",
    "ledger",
    "",
];

struct Line {
    cells: Vec<String>,
    notes: Vec<String>,
}

/// Notes down a row, and where it is not what is expected.
pub(crate) fn note(row: Row, outcome: Option<&Outcome>, broken: &[String]) {
    let verdict = if broken.is_empty() { "" } else { "FAILED" };
    let line = match outcome {
        None => Line {
            cells: [row.title()]
                .into_iter()
                .chain((0..9).map(|_| "-".to_owned()))
                .chain([verdict.to_owned()])
                .collect(),
            notes: Vec::new(),
        },
        Some(outcome) => Line { cells: cells(row, outcome, verdict), notes: notes(row, outcome) },
    };
    let line = Line { notes: line.notes.into_iter().chain(broken.iter().cloned()).collect(), ..line };
    LINES.lock().expect("nobody panics with it").push(line);
}

fn cells(row: Row, outcome: &Outcome, verdict: &str) -> Vec<String> {
    let ledger = match (outcome.ledger_is_true(), row.expected.is_forgetful) {
        (true, _) => "true",
        (false, true) => "balanced",
        (false, false) => "untrue",
    };
    vec![
        row.title(),
        outcome.accepted.to_string(),
        outcome.received.to_string(),
        outcome.lost.len().to_string(),
        outcome.unexpected.len().to_string(),
        format!("{} of {}", outcome.unanswered_received, outcome.unanswered.values().sum::<usize>()),
        outcome.duplicates().to_string(),
        seconds(outcome.latest),
        outcome.meanwhile.map_or_else(|| "-".to_owned(), seconds),
        ledger.to_owned(),
        verdict.to_owned(),
    ]
}

fn notes(row: Row, outcome: &Outcome) -> Vec<String> {
    let mut notes = Vec::new();
    if !outcome.unanswered.is_empty() {
        notes.push(format!("unanswered: {}", listed(&outcome.unanswered)));
    }
    if outcome.duplicates() > 0 {
        let bound = row.expected.duplicates;
        let causes = listed(&outcome.causes);
        notes.push(format!("duplicates: at most {}, {}; attempts: {causes}", bound.most, bound.because));
    }
    if outcome.latest > UNNOTICED {
        let bound = row.expected.latest;
        notes.push(format!("latest: at most {}, {}", seconds(bound.most), bound.because));
    }
    notes.extend(outcome.seen.iter().cloned());
    if let Some(said) = outcome.telling() {
        let short: String = said.chars().take(SAID_MAX).collect();
        notes.push(format!("log: {short}"));
    }
    notes
}

fn listed(counts: &BTreeMap<String, usize>) -> String {
    counts.iter().map(|(what, times)| format!("{times} {what}")).collect::<Vec<_>>().join(", ")
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// Prints the table, if any row was played. `impossible` says which rows cannot be played here, and why.
pub(crate) fn print(impossible: &[String]) {
    let mut lines = LINES.lock().expect("nobody panics with it");
    if lines.is_empty() {
        return;
    }
    lines.sort_by(|one, other| one.cells.cmp(&other.cells));
    let head = HEAD.map(str::to_owned);
    let width = |column: usize| {
        let cells = lines.iter().map(|line| &line.cells[column]).chain([&head[column]]);
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<_> = (0..HEAD.len()).map(width).collect();
    let aligned = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut out = std::io::stdout().lock();
    let mut say = |line: &str| writeln!(out, "{line}").expect("standard output takes it");
    say(&aligned(&head));
    for line in lines.iter() {
        say(&aligned(&line.cells));
        line.notes.iter().for_each(|note| say(&format!("    {note}")));
    }
    impossible.iter().for_each(|line| say(&format!("NOT PLAYED: {line}")));
}
