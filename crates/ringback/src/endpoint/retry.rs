//! How often and when a failed delivery is tried again.

use serde::{Deserialize, Serialize};

use crate::invalid::Invalid;

/// Total number of sends and the waits between them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// The total number of sends, 1–100; for inline destinations at most 20.
    pub max_attempts: u32,
    /// Waits after the first, second … failure in milliseconds; the last repeats. 1–20 of 50 ms to 7 d.
    pub delays_ms: Vec<u64>,
    /// Each wait is multiplied by a uniform factor in [1 − jitter, 1 + jitter]. 0–1.
    pub jitter: f64,
}

/// Most sends.
const ATTEMPTS_MAX: u32 = 100;

/// Most sends to an inline destination: nobody registered it, so it is tried less often.
const INLINE_ATTEMPTS_MAX: u32 = 20;

/// Most waits that differ.
const DELAYS_MAX: usize = 20;

/// Shortest wait, in milliseconds: a failed delivery is never tried again without a pause.
pub(crate) const DELAY_MS_MIN: u64 = 50;

/// Longest wait: 7 d, in milliseconds.
const DELAY_MS_MAX: u64 = 7 * 24 * 60 * 60 * 1_000;

impl Retry {
    /// ±20 %.
    pub const JITTER_DEFAULT: f64 = 0.2;

    /// Checks all ranges; pointers begin with `/retry`.
    pub(crate) fn check(&self, invalid: &mut Invalid) {
        if !(1..=ATTEMPTS_MAX).contains(&self.max_attempts) {
            invalid.add("/retry/max_attempts", "out_of_range", format!("must be 1 to {ATTEMPTS_MAX}"));
        }
        if self.delays_ms.is_empty() || self.delays_ms.len() > DELAYS_MAX {
            invalid.add("/retry/delays_ms", "out_of_range", format!("must have 1 to {DELAYS_MAX} entries"));
        }
        for (index, &delay) in self.delays_ms.iter().enumerate() {
            if !(DELAY_MS_MIN..=DELAY_MS_MAX).contains(&delay) {
                let detail = format!("must be {DELAY_MS_MIN} to {DELAY_MS_MAX} (7 days)");
                invalid.add(format!("/retry/delays_ms/{index}"), "out_of_range", detail);
            }
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            invalid.add("/retry/jitter", "out_of_range", "must be 0 to 1");
        }
    }

    /// The policy with no wait below [`DELAY_MS_MIN`]: it may have been stored before there was a shortest wait.
    #[must_use]
    pub(crate) fn with_pauses(mut self) -> Self {
        for delay in &mut self.delays_ms {
            *delay = (*delay).max(DELAY_MS_MIN);
        }
        self
    }

    /// The policy for an inline destination, whether its own or inherited.
    #[must_use]
    pub(crate) fn for_inline(self) -> Self {
        let max_attempts = self.max_attempts.min(INLINE_ATTEMPTS_MAX);
        Self { max_attempts, ..self }.with_pauses()
    }
}

/// The policy of the default preset.
impl Default for Retry {
    fn default() -> Self {
        super::Preset::Default.retry()
    }
}

/// The parts of a [`Retry`] that a caller sets; the others are from the preset.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RetryDraft {
    /// As [`Retry::max_attempts`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// As [`Retry::delays_ms`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delays_ms: Option<Vec<u64>>,
    /// As [`Retry::jitter`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<f64>,
}

impl RetryDraft {
    /// As [`Self::over`], for an inline destination, which may have fewer sends: if it asks for more itself, that is a
    /// finding; an inherited number is capped.
    pub(super) fn over_for_inline(self, base: Retry, invalid: &mut Invalid) -> Retry {
        if self.max_attempts.is_some_and(|attempts| attempts > INLINE_ATTEMPTS_MAX) {
            let detail = format!("must be 1 to {INLINE_ATTEMPTS_MAX} for a destination that comes with its event");
            invalid.add("/retry/max_attempts", "out_of_range", detail);
        }
        let retry = self.over(base);
        Retry { max_attempts: retry.max_attempts.min(INLINE_ATTEMPTS_MAX), ..retry }
    }

    /// The policy with the given parts; the others are from `base`.
    #[must_use]
    pub fn over(self, base: Retry) -> Retry {
        Retry {
            max_attempts: self.max_attempts.unwrap_or(base.max_attempts),
            delays_ms: self.delays_ms.unwrap_or(base.delays_ms),
            jitter: self.jitter.unwrap_or(base.jitter),
        }
    }
}

impl From<Retry> for RetryDraft {
    fn from(retry: Retry) -> Self {
        Self { max_attempts: Some(retry.max_attempts), delays_ms: Some(retry.delays_ms), jitter: Some(retry.jitter) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Preset;

    fn found(draft: RetryDraft) -> Vec<String> {
        let mut invalid = Invalid::default();
        draft.over(Preset::Default.retry()).check(&mut invalid);
        invalid.findings.into_iter().map(|finding| finding.pointer).collect()
    }

    #[test]
    fn the_preset_fills_what_is_left_open() {
        let draft = RetryDraft { max_attempts: Some(5), ..RetryDraft::default() };
        let retry = draft.over(Preset::Default.retry());
        assert_eq!((retry.max_attempts, retry.delays_ms.len(), retry.jitter), (5, 2, 0.2));
    }

    #[test]
    fn ranges_are_checked_and_named() {
        let week = 7 * 24 * 3_600_000;
        let fits = RetryDraft { max_attempts: Some(100), delays_ms: Some(vec![50, week]), jitter: Some(1.0) };
        assert!(found(fits).is_empty());
        assert!(found(RetryDraft { delays_ms: Some(vec![50; 20]), ..Default::default() }).is_empty());
        let wrong = RetryDraft { max_attempts: Some(0), delays_ms: Some(vec![49, week + 1]), jitter: Some(f64::NAN) };
        let pointers = ["/retry/max_attempts", "/retry/delays_ms/0", "/retry/delays_ms/1", "/retry/jitter"];
        assert_eq!(found(wrong), pointers);
        let wrong = RetryDraft { max_attempts: Some(101), delays_ms: Some(vec![]), jitter: Some(-0.1) };
        assert_eq!(found(wrong), ["/retry/max_attempts", "/retry/delays_ms", "/retry/jitter"]);
        assert_eq!(found(RetryDraft { delays_ms: Some(vec![50; 21]), ..Default::default() }), ["/retry/delays_ms"]);
    }

    #[test]
    fn a_stored_policy_is_used_within_the_bounds_of_today() {
        let stored = Retry { max_attempts: 100, delays_ms: vec![0, 49, 50, 700], jitter: 0.0 };
        let inline = stored.clone().for_inline();
        assert_eq!((inline.max_attempts, inline.delays_ms), (20, vec![50, 50, 50, 700]));
        let registered = stored.with_pauses();
        assert_eq!((registered.max_attempts, registered.delays_ms), (100, vec![50, 50, 50, 700]));
    }
}
