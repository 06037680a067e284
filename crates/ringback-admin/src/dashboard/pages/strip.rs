//! A strip of 24 hours: attempts as bars, those that failed below those that were delivered, deaths as marks, and the same
//! numbers as a table. Drawn here, so that pages need no script; colours are the page's own, in light and dark.

use std::fmt::Write as _;

use askama::Template;
use ringback::{
    Engine,
    operate::figures::{self, StepFigures, Steps},
    store::Subject,
    time::Timestamp,
};

use super::phrases;
use crate::{dashboard::moment::Moment, problem::Problem};

/// The height of the bars, and the width of a step with its gap, in the units of the picture.
const HEIGHT: u64 = 60;
const STEP: u64 = 10;
const GAP: u64 = 2;

/// A row of the table. A bar is a quarter of it.
const HOUR: std::time::Duration = std::time::Duration::from_secs(3_600);

/// A picture of some time, and its numbers.
#[derive(Template)]
#[template(path = "parts/strip.html")]
pub(super) struct Strip {
    picture: String,
    summary: String,
    hours: Vec<Hour>,
}

struct Hour {
    at: Moment,
    delivered: String,
    failed: String,
    errors: String,
    dead: String,
    p50: String,
    p99: String,
}

impl Strip {
    /// The last 24 hours of a subject.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(super) async fn of(engine: &Engine, subject: &Subject) -> Result<Self, Problem> {
        let steps = engine.figures(subject, Steps { step: Some(HOUR / 4), ..Steps::default() }).await?;
        let hours = engine.figures(subject, Steps { step: Some(HOUR), ..Steps::default() }).await?;
        let now = Timestamp::now();
        let busy = |hour: &&StepFigures| hour.attempts.delivered + hour.attempts.failed + hour.dead > 0;
        Ok(Self {
            picture: picture(&steps),
            summary: summary(&hours),
            hours: hours.iter().rev().filter(busy).map(|hour| Hour::of(hour, now)).collect(),
        })
    }
}

impl Hour {
    fn of(hour: &StepFigures, now: Timestamp) -> Self {
        let figures::Percentiles { p50, p99, .. } = hour.duration_ms;
        let milliseconds = |ms: Option<f64>| ms.map_or_else(|| "–".to_owned(), phrases::milliseconds);
        Self {
            at: Moment::new(hour.at, now),
            delivered: number(hour.attempts.delivered),
            failed: number(hour.attempts.failed),
            errors: errors(hour.attempts.errors.iter()),
            dead: number(hour.dead),
            p50: milliseconds(p50),
            p99: milliseconds(p99),
        }
    }
}

fn number(count: u64) -> String {
    phrases::number(i64::try_from(count).unwrap_or(i64::MAX))
}

/// `12 by timeout, 3 by status`, the most frequent first.
fn errors<'a>(errors: impl Iterator<Item = (&'a String, &'a u64)>) -> String {
    let mut errors: Vec<_> = errors.collect();
    errors.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), name.as_str()));
    errors.iter().map(|(name, count)| format!("{} by {name}", number(**count))).collect::<Vec<_>>().join(", ")
}

fn summary(hours: &[StepFigures]) -> String {
    let sum = |of: fn(&StepFigures) -> u64| hours.iter().map(of).sum::<u64>();
    let (delivered, failed) = (sum(|hour| hour.attempts.delivered), sum(|hour| hour.attempts.failed));
    let (first, dead) = (sum(|hour| hour.first_attempts), sum(|hour| hour.dead));
    let mut all = std::collections::BTreeMap::<String, u64>::new();
    for (name, count) in hours.iter().flat_map(|hour| &hour.attempts.errors) {
        *all.entry(name.clone()).or_default() += count;
    }
    let errors = errors(all.iter());
    let errors = if errors.is_empty() { String::new() } else { format!(" ({errors})") };
    format!(
        "{} attempts delivered, {} failed{errors}; {} were first attempts; {} given up",
        number(delivered),
        number(failed),
        number(first),
        number(dead)
    )
}

/// Bars that are as high as their share of the busiest step.
fn picture(steps: &[StepFigures]) -> String {
    let most = steps.iter().map(|step| step.attempts.delivered + step.attempts.failed).max().unwrap_or(0).max(1);
    let width = steps.len() as u64 * STEP;
    let mut svg = format!(
        "<svg class=\"strip\" viewBox=\"0 0 {width} {}\" preserveAspectRatio=\"none\" aria-hidden=\"true\" focusable=\"false\">",
        HEIGHT + 8
    );
    for (step, index) in steps.iter().zip(0_u64..) {
        // Anything at all is seen.
        let height = |count: u64| if count == 0 { 0 } else { (count * HEIGHT).div_ceil(most).max(2) };
        let (failed, delivered) = (height(step.attempts.failed), height(step.attempts.delivered));
        let mut bar = |class: &str, y: u64, height: u64| {
            if height > 0 {
                let (x, width) = (index * STEP + GAP / 2, STEP - GAP);
                // Writing to a text cannot fail.
                let _ =
                    write!(svg, "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>");
            }
        };
        let top = HEIGHT.saturating_sub(failed + delivered);
        bar("good", top, delivered.min(HEIGHT.saturating_sub(failed)));
        bar("bad", HEIGHT.saturating_sub(failed), failed);
        bar("dead", HEIGHT + 4, if step.dead > 0 { 4 } else { 0 });
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stay_within_the_picture_and_small_numbers_are_seen() {
        let step = |delivered, failed, dead| StepFigures {
            at: Timestamp::default(),
            attempts: figures::Attempts { delivered, failed, ..figures::Attempts::default() },
            first_attempts: 0,
            dead,
            duration_ms: figures::Percentiles::default(),
        };
        let drawn = picture(&[step(1_000_000, 1, 0), step(0, 0, 1), step(0, 500_000, 0), step(0, 0, 0)]);
        assert_eq!(drawn.matches("<rect").count(), 4, "{drawn}");
        assert!(drawn.contains("class=\"bad\" x=\"1\" y=\"58\" width=\"8\" height=\"2\""), "{drawn}");
        assert!(drawn.contains("class=\"good\" x=\"1\" y=\"0\" width=\"8\" height=\"58\""), "{drawn}");
        assert!(drawn.contains("class=\"dead\" x=\"11\" y=\"64\""), "{drawn}");
    }

    #[test]
    fn the_most_frequent_error_is_named_first() {
        let all = std::collections::BTreeMap::from([("dns".to_owned(), 2), ("timeout".to_owned(), 9)]);
        assert_eq!(errors(all.iter()), "9 by timeout, 2 by dns");
    }
}
