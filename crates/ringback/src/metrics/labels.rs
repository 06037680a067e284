//! The labels. Their values are Ringback's own words, so their number is bounded.

use prometheus_client::encoding::EncodeLabelSet;

use crate::attempt::{Conclusion, ErrorClass};

/// What became of an event in routing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct State {
    pub(super) state: &'static str,
}

/// How an attempt ended, and what went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Ended {
    pub(super) outcome: &'static str,
    /// Empty if nothing went wrong.
    pub(super) error: &'static str,
}

impl Ended {
    pub(super) fn of(outcome: Conclusion, error: Option<ErrorClass>) -> Self {
        Self { outcome: outcome.name(), error: error.map_or("", ErrorClass::name) }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Outcome {
    pub(super) outcome: &'static str,
}

/// The state of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Status {
    pub(super) status: &'static str,
}

/// Why a delivery is dead, or its lane held.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Reason {
    pub(super) reason: &'static str,
}

/// A call of the store, by its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Statement {
    pub(super) statement: &'static str,
}

/// The program.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Build {
    pub(super) version: &'static str,
}
