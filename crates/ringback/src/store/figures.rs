//! Figures over time: what each minute brought, and how the receivers of endpoints do.

use std::{collections::BTreeMap, time::Duration};

use super::{Histogram, Result};
use crate::{
    attempt::{Attempt, Conclusion, ErrorClass},
    delivery::HoldReason,
    id::EndpointId,
    time::Timestamp,
};

/// The finest step of figures.
pub const MINUTE: Duration = Duration::from_secs(60);

/// Whose figures.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// Those of everything.
    All,
    /// A tenant's, inline destinations included.
    Tenant(String),
    /// An endpoint's; the tenant is the one that owns it.
    Endpoint(String, EndpointId),
}

impl Subject {
    /// The tenant as stores keep it: empty for everything.
    #[must_use]
    pub fn tenant(&self) -> &str {
        match self {
            Self::All => "",
            Self::Tenant(tenant) | Self::Endpoint(tenant, _) => tenant,
        }
    }

    /// The endpoint as stores keep it: the nil id for a tenant's figures and for those of everything.
    #[must_use]
    pub const fn endpoint(&self) -> uuid::Uuid {
        match self {
            Self::Endpoint(_, endpoint) => endpoint.uuid(),
            Self::All | Self::Tenant(_) => uuid::Uuid::nil(),
        }
    }
}

/// What some time brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// Attempts that were answered with success.
    pub delivered: u64,
    /// Attempts that ended in any other way.
    pub failed: u64,
    /// The failed ones, by the name of what went wrong.
    pub errors: BTreeMap<String, u64>,
    /// Attempts that were the first of their deliveries.
    pub first_attempts: u64,
    /// Deliveries that became dead letters, with or without an attempt.
    pub dead: u64,
    /// How long the attempts took.
    pub durations: Histogram,
}

impl Figures {
    /// Adds an attempt that counted: a stale one does not.
    pub fn add_attempt(&mut self, attempt: &Attempt) {
        if attempt.conclusion == Conclusion::Delivered {
            self.delivered += 1;
        } else {
            self.failed += 1;
            if let Some(error) = attempt.error {
                *self.errors.entry(error.name().to_owned()).or_default() += 1;
            }
        }
        self.first_attempts += u64::from(attempt.number == 1);
        self.durations.add(attempt.duration);
    }

    /// Adds what another time, endpoint or node brought.
    pub fn merge(&mut self, other: &Self) {
        self.delivered += other.delivered;
        self.failed += other.failed;
        for (error, count) in &other.errors {
            *self.errors.entry(error.clone()).or_default() += count;
        }
        self.first_attempts += other.first_attempts;
        self.dead += other.dead;
        self.durations.merge(&other.durations);
    }
}

/// One minute of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinuteOf {
    /// Whose.
    pub subject: Subject,
    /// When the minute began.
    pub at: Timestamp,
    /// What it brought.
    pub figures: Figures,
}

/// A failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastFailure {
    /// When it began.
    pub at: Timestamp,
    /// What went wrong.
    pub error: Option<ErrorClass>,
    /// The status that was answered.
    pub status: Option<u16>,
}

/// How an endpoint's receiver does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pulse {
    /// When the last attempt that succeeded began.
    pub last_success_at: Option<Timestamp>,
    /// The last attempt that failed.
    pub last_failure: Option<LastFailure>,
    /// The first success after the last failure.
    pub succeeding_since: Option<Timestamp>,
    /// The first failure after the last success.
    pub failing_since: Option<Timestamp>,
}

impl Pulse {
    /// Adds an attempt that ended after those before.
    pub fn add_attempt(&mut self, attempt: &Attempt) {
        if attempt.conclusion == Conclusion::Delivered {
            self.last_success_at = self.last_success_at.max(Some(attempt.at));
            self.succeeding_since.get_or_insert(attempt.at);
            self.failing_since = None;
        } else {
            let failure = LastFailure { at: attempt.at, error: attempt.error, status: attempt.status };
            self.last_failure = self.last_failure.filter(|last| last.at > failure.at).or(Some(failure));
            self.failing_since.get_or_insert(attempt.at);
            self.succeeding_since = None;
        }
    }
}

/// What a node adds at once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FiguresPart {
    /// A part counts once, however often it is sent.
    pub id: uuid::Uuid,
    /// Minutes, each subject's at most once.
    pub minutes: Vec<MinuteOf>,
    /// How receivers have done since the last part, each endpoint at most once.
    pub pulses: Vec<(EndpointId, Pulse)>,
}

/// What is known of a lane of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vitals {
    /// How its receiver does.
    pub pulse: Pulse,
    /// A hold that has not ended.
    pub hold: Option<HoldNow>,
    /// Pending deliveries, replays of delivered ones aside. Counting stops at a bound.
    pub pending: u32,
    /// When the first of its deliveries is due, or was.
    pub oldest_due_at: Option<Timestamp>,
}

/// A hold that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldNow {
    /// Why.
    pub reason: HoldReason,
    /// Since when, without a break.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// Keeps figures.
#[async_trait::async_trait]
pub trait FigureKeeping {
    /// Adds a part to what is there, in one transaction; nothing if it was added before. It has at most some thousands of
    /// rows.
    async fn add_figures(&self, part: &FiguresPart) -> Result<()>;

    /// The minutes of a subject that begin in `from <= t < until`, in order of time, at most `limit`.
    async fn read_figures(
        &self,
        subject: &Subject,
        from: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Timestamp, Figures)>>;

    /// What is known of these endpoints, in the order in which they are given: one statement, however many they are. Of
    /// each, counting what is pending stops at `counted_max`.
    async fn vitals(&self, endpoints: &[EndpointId], counted_max: u32) -> Result<Vec<Vitals>>;

    /// Endpoints whose newest attempts failed, the last of them at or after `since`: those that fail longest, at most `most`.
    async fn failing_endpoints(&self, since: Timestamp, most: u32) -> Result<Vec<EndpointId>>;
}
