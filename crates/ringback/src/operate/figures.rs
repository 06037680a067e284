//! Figures for operators: how much waits now, and what each step of a time brought.
//!
//! `docs/decisions/0038-figures-are-summed-up.md` says how they are kept, and what a process that is killed takes along.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

use crate::{
    Engine,
    endpoint::Endpoint,
    store::{self, Backlog, Figures, Histogram, MINUTE, Span, Subject},
    time::{self, Timestamp},
};

/// Counting pending deliveries, and dead letters, stops here.
pub const COUNTED_MAX: u32 = 100_000;

/// Most steps in one answer: a day by the minute, and some more.
pub const STEPS_MAX: u64 = 1_500;

/// The steps of which the finest is taken that gives at most [`STEPS_BY_DEFAULT`] of them, where none is given.
const USUAL_STEPS: [u64; 7] = [60, 300, 900, 3_600, 6 * 3_600, 24 * 3_600, 7 * 24 * 3_600];

/// About as many as a picture of them can show.
const STEPS_BY_DEFAULT: u64 = 100;

/// Minutes read at once: some megabytes at most.
const PAGE: u32 = 5_000;

/// A day, by the minute.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Which time's figures, and in what steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Steps {
    /// The time: the last 24 hours, or up to now, where nothing else is given.
    pub span: Span,
    /// The length of a step: whole minutes. Where none is given, as many as a picture can show.
    pub step: Option<Duration>,
}

/// Why figures cannot be told in these steps. The text says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepsError {
    /// The step is not a number of whole minutes.
    #[error("must be whole minutes, such as 1m, 15m or 1h")]
    NotMinutes,
    /// There would be too many.
    #[error("{count} steps would be more than {STEPS_MAX}; a step of {}m or more, or a shorter time, would do", at_least.as_secs() / 60)]
    TooMany {
        /// How many.
        count: u64,
        /// The shortest step that would do.
        at_least: Duration,
    },
    /// The time ends before it begins.
    #[error("must be after `since` ({0})")]
    Backwards(Timestamp),
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// They were asked for in steps that cannot be.
    #[error(transparent)]
    Steps(#[from] StepsError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What one step brought.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepFigures {
    /// When the step began. The first one begins at or before the time that was asked for, at a multiple of the step.
    pub at: Timestamp,
    /// Attempts.
    pub attempts: Attempts,
    /// Attempts that were the first of their deliveries.
    pub first_attempts: u64,
    /// Deliveries that became dead letters, with or without an attempt.
    pub dead: u64,
    /// How long attempts took.
    pub duration_ms: Percentiles,
}

/// Attempts by how they ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Attempts {
    /// Answered with success.
    pub delivered: u64,
    /// Ended in any other way.
    pub failed: u64,
    /// The failed ones by what went wrong.
    #[serde(flatten)]
    pub errors: BTreeMap<String, u64>,
}

/// Durations in milliseconds that 50, 95 and 99 of 100 attempts did not exceed, to within 6 %; `None` without attempts.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Percentiles {
    /// The median.
    pub p50: Option<f64>,
    /// What 95 of 100 did not exceed.
    pub p95: Option<f64>,
    /// What 99 of 100 did not exceed.
    pub p99: Option<f64>,
}

impl From<&Histogram> for Percentiles {
    fn from(durations: &Histogram) -> Self {
        let [p50, p95, p99] = [50, 95, 99].map(|percent| durations.percentile_ms(percent));
        Self { p50, p95, p99 }
    }
}

impl StepFigures {
    fn new(at: Timestamp, figures: Figures) -> Self {
        let duration_ms = Percentiles::from(&figures.durations);
        let Figures { delivered, failed, errors, first_attempts, dead, .. } = figures;
        Self { at, attempts: Attempts { delivered, failed, errors }, first_attempts, dead, duration_ms }
    }
}

/// What the last 24 hours brought to an endpoint, to the minute.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct LastDay {
    /// Attempts that were answered with success.
    pub delivered: u64,
    /// Attempts that ended in any other way.
    pub failed: u64,
    /// Deliveries that became dead letters, with or without an attempt.
    pub dead: u64,
    /// The median duration of an attempt, in milliseconds; `None` if there were no attempts.
    pub p50_ms: Option<f64>,
    /// The duration, in milliseconds, that 99 of 100 did not exceed.
    pub p99_ms: Option<f64>,
}

impl Engine {
    /// How many deliveries are pending and how many are dead now, each counted up to [`COUNTED_MAX`].
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn backlog(&self) -> store::Result<Backlog> {
        self.store().backlog(COUNTED_MAX).await
    }

    /// What each step of a time brought, in order of time; steps without anything are there, too.
    ///
    /// What other processes counted in the last 10 s may not be in it yet.
    ///
    /// # Errors
    /// When there would be too many steps, or the store does not answer.
    pub async fn figures(&self, subject: &Subject, steps: Steps) -> Result<Vec<StepFigures>, Error> {
        let range = Range::of(steps, Timestamp::now())?;
        let mut sums = vec![Figures::default(); usize::try_from(range.count).unwrap_or(0)];
        self.read_figures(subject, range.from, range.until(), |at, figures| {
            if let Some(sum) = sums.get_mut(range.index(at)) {
                sum.merge(figures);
            }
        })
        .await?;
        Ok(sums
            .into_iter()
            .zip(0..)
            .map(|(sum, index)| StepFigures::new(range.from + range.step * index, sum))
            .collect())
    }

    /// What the last 24 hours brought to an endpoint. It is as exact as [`Engine::figures`] are.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn last_day(&self, endpoint: &Endpoint) -> store::Result<LastDay> {
        let now = Timestamp::now();
        let from = floor(now - DAY, MINUTE);
        let subject = Subject::Endpoint(endpoint.tenant.clone(), endpoint.id);
        let mut sum = Figures::default();
        self.read_figures(&subject, from, now + MINUTE, |_, figures| sum.merge(figures)).await?;
        let [p50_ms, p99_ms] = [50, 99].map(|percent| sum.durations.percentile_ms(percent));
        Ok(LastDay { delivered: sum.delivered, failed: sum.failed, dead: sum.dead, p50_ms, p99_ms })
    }

    /// Adds what this process has counted to the figures, so that whoever reads them next sees it.
    pub(crate) async fn add_figures(&self) {
        if let Err(error) = self.sums().add_to(self.store()).await {
            tracing::debug!(%error, "figures wait to be added");
        }
    }

    async fn read_figures(
        &self,
        subject: &Subject,
        mut from: Timestamp,
        until: Timestamp,
        mut each: impl FnMut(Timestamp, &Figures),
    ) -> store::Result<()> {
        self.add_figures().await;
        loop {
            let minutes = self.store().read_figures(subject, from, until, PAGE).await?;
            minutes.iter().for_each(|(at, figures)| each(*at, figures));
            match minutes.last() {
                Some((last, _)) if minutes.len() >= PAGE as usize => from = *last + MINUTE,
                _ => return Ok(()),
            }
        }
    }
}

/// Steps that begin at multiples of their length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    from: Timestamp,
    step: Duration,
    count: u64,
}

impl Range {
    fn of(Steps { span, step }: Steps, now: Timestamp) -> Result<Self, StepsError> {
        let until = span.until.unwrap_or(now);
        let since = span.since.unwrap_or(until - DAY);
        if until <= since {
            return Err(StepsError::Backwards(since));
        }
        let steps_of = |step: Duration| {
            let from = floor(since, step);
            let step_micros = step.as_micros().max(1);
            let count = until.since(from).as_micros().div_ceil(step_micros);
            Self { from, step, count: u64::try_from(count).unwrap_or(u64::MAX) }
        };
        let usual = || USUAL_STEPS.map(Duration::from_secs).map(steps_of).into_iter();
        let range = match step {
            Some(step) if step.is_zero() || step.as_nanos() % MINUTE.as_nanos() != 0 => {
                return Err(StepsError::NotMinutes);
            }
            Some(step) => steps_of(step),
            None => usual().find(|range| range.count <= STEPS_BY_DEFAULT).unwrap_or_else(|| steps_of(7 * DAY)),
        };
        if range.count > STEPS_MAX {
            let minutes = until.since(since).as_secs().div_ceil(60).div_ceil(STEPS_MAX - 1);
            return Err(StepsError::TooMany { count: range.count, at_least: Duration::from_secs(minutes * 60) });
        }
        Ok(range)
    }

    fn until(&self) -> Timestamp {
        self.from + self.step * u32::try_from(self.count).unwrap_or(u32::MAX)
    }

    fn index(&self, at: Timestamp) -> usize {
        usize::try_from(at.since(self.from).as_micros() / self.step.as_micros().max(1)).unwrap_or(usize::MAX)
    }
}

/// The last multiple of a step at or before a moment.
fn floor(at: Timestamp, step: Duration) -> Timestamp {
    let step = i64::try_from(step.as_micros()).unwrap_or(i64::MAX).max(1);
    Timestamp::from_micros(at.micros().div_euclid(step) * step)
}

/// A step's length for people: `15 min`.
#[must_use]
pub fn step_of(figures: &[StepFigures]) -> Option<String> {
    let [first, second, ..] = figures else { return None };
    Some(time::span(second.at.since(first.at).as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis((30_000_000 + minutes) * 60_000)
    }

    fn range(minutes: i64, step: Option<u64>) -> Result<Range, StepsError> {
        let span = Span { since: Some(at(-minutes)), until: Some(at(0)) };
        Range::of(Steps { span, step: step.map(Duration::from_secs) }, at(0))
    }

    #[test]
    fn steps_begin_at_multiples_of_their_length_and_cover_the_time() {
        let quarter = range(20, Some(900)).unwrap();
        assert_eq!((quarter.from, quarter.count, quarter.until()), (at(-30), 2, at(0)));
        assert_eq!((quarter.index(at(-30)), quarter.index(at(-16)), quarter.index(at(-15))), (0, 0, 1));
        let minute = range(10, Some(60)).unwrap();
        assert_eq!((minute.from, minute.count), (at(-10), 10));
    }

    #[test]
    fn a_step_is_chosen_so_that_a_picture_can_show_them() {
        let day = Range::of(Steps::default(), at(0)).unwrap();
        assert_eq!((day.step, day.count, day.from), (Duration::from_secs(900), 96, at(-1_440)));
        assert_eq!(range(30, None).unwrap().step, MINUTE);
        assert!(range(60 * 24 * 365, None).unwrap().count <= STEPS_BY_DEFAULT);
        assert!(range(60 * 24 * 365 * 20, None).unwrap().count <= STEPS_MAX);
    }

    #[test]
    fn what_cannot_be_says_what_would_be_right() {
        assert_eq!(range(60, Some(90)), Err(StepsError::NotMinutes));
        assert_eq!(range(60, Some(0)), Err(StepsError::NotMinutes));
        assert!(matches!(range(0, None), Err(StepsError::Backwards(_))));
        let Err(StepsError::TooMany { count: 43_200, at_least }) = range(60 * 24 * 30, Some(60)) else {
            panic!("a month by the minute is too much")
        };
        assert!(range(60 * 24 * 30, Some(at_least.as_secs())).is_ok());
    }
}
