//! How a receiver answers what it has checked.

use std::{
    fmt,
    sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
};

use http::StatusCode;

/// A receiver of the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Temper {
    /// Answers 200.
    Healthy,
    /// Answers 503 twice, then 200.
    Flaky,
    /// Answers 500 until it is repaired.
    Refusing,
}

impl fmt::Display for Temper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Healthy => "healthy",
            Self::Flaky => "flaky",
            Self::Refusing => "refusing",
        })
    }
}

/// The state of a receiver.
#[derive(Debug, Default)]
pub(super) struct Mood {
    answered: AtomicU32,
    repaired: AtomicBool,
}

/// How often the flaky one fails.
const FLAKY_FAILURES: u32 = 2;

impl Mood {
    pub(super) fn repair(&self) {
        self.repaired.store(true, Relaxed);
    }

    pub(super) fn answer(&self, temper: Temper) -> (StatusCode, &'static str) {
        let before = self.answered.fetch_add(1, Relaxed);
        let fine = (StatusCode::OK, r#"{"status":"ok"}"#);
        match temper {
            Temper::Flaky if before < FLAKY_FAILURES => {
                (StatusCode::SERVICE_UNAVAILABLE, r#"{"error":"a new version is being rolled out"}"#)
            }
            Temper::Refusing if !self.repaired.load(Relaxed) => {
                (StatusCode::INTERNAL_SERVER_ERROR, r#"{"error":"column \"duration\" does not exist"}"#)
            }
            _ => fine,
        }
    }
}
