//! Tells the story on standard output and keeps count of what did not come out as told.

use std::cell::Cell;

use http::StatusCode;

use super::receivers::Arrival;
use crate::print::{self, Paint, plain};

/// The narrator.
#[derive(Debug)]
pub(super) struct Teller {
    /// Colours, if they are wanted.
    pub(super) paint: Paint,
    chapter: Cell<u32>,
    wrong: Cell<u32>,
}

impl Teller {
    pub(super) fn new() -> Self {
        Self { paint: Paint::stdout(), chapter: Cell::new(0), wrong: Cell::new(0) }
    }

    /// A new chapter.
    pub(super) fn chapter(&self, title: &str) {
        self.chapter.set(self.chapter.get() + 1);
        print::line("");
        print::line(self.paint.strong(&format!("{}. {title}", self.chapter.get())));
    }

    /// What the story says.
    pub(super) fn say(&self, words: &str) {
        words.lines().for_each(|line| print::line(format!("   {line}").trim_end()));
    }

    /// What somebody does.
    pub(super) fn act(&self, words: &str) {
        print::line(format!("   {} {words}", self.paint.pending("->")));
    }

    /// What reached a receiver, `after_ms` after it was emitted.
    pub(super) fn arrival(&self, arrival: &Arrival, after_ms: u128) {
        let status = if arrival.status == StatusCode::OK {
            self.paint.good(arrival.status.as_str())
        } else {
            self.paint.bad(arrival.status.as_str())
        };
        let number = arrival.header("ringback-attempt").unwrap_or("?");
        let check = match &arrival.check {
            Ok(fits) => fits.clone(),
            Err(wrong) => self.paint.bad(&plain(wrong)),
        };
        let place = format!("{:9} {}", arrival.receiver, plain(&arrival.path));
        print::line(format!("   <- {place}  attempt {}  {status}  after {after_ms} ms  {check}", plain(number)));
    }

    /// Checks a claim that must be true by now; the number of false ones decides how the demo ends.
    pub(super) fn check(&self, right: bool, claim: &str) -> bool {
        if right {
            print::line(format!("   {} {claim}", self.paint.good("ok")));
        } else {
            self.wrong.set(self.wrong.get() + 1);
            print::line(format!("   {}", self.paint.bad(&format!("NOT AS TOLD: {claim}"))));
        }
        right
    }

    /// How many claims were false.
    pub(super) const fn wrong(&self) -> u32 {
        self.wrong.get()
    }
}
