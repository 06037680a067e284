//! Watches that the pipeline works. Each stage reports each round of its loop. A node with a stage that does not come round,
//! whatever that waits for, is not ready and gives its lease up: another node may do better, and nobody would notice
//! otherwise.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

/// A stage of the pipeline: a loop that must come round again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Changes of the configuration have been read.
    Follow,
    /// The outbox has been looked at.
    Route,
    /// Due deliveries have been read.
    Feed,
    /// Deliveries that may be sent have been picked.
    Dispatch,
    /// Outcomes have been committed. Watched only while there are any.
    Record,
}

impl Stage {
    const ALL: [Self; 5] = [Self::Follow, Self::Route, Self::Feed, Self::Dispatch, Self::Record];

    const fn name(self) -> &'static str {
        match self {
            Self::Follow => "following changes",
            Self::Route => "routing",
            Self::Feed => "reading what is due",
            Self::Dispatch => "dispatching",
            Self::Record => "recording",
        }
    }
}

/// A stage that has not come round for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stalled {
    stage: Stage,
    since: Duration,
}

impl std::fmt::Display for Stalled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} has not come round for {} s", self.stage.name(), self.since.as_secs())
    }
}

/// When each stage last came round.
pub(crate) struct Progress {
    epoch: Instant,
    /// No stage may take longer.
    limit: Duration,
    /// Milliseconds after `epoch`, by stage.
    rounds: [AtomicU64; Stage::ALL.len()],
}

impl Progress {
    pub(super) fn new(limit: Duration) -> Self {
        Self { epoch: Instant::now(), limit, rounds: Default::default() }
    }

    pub(crate) fn came_round(&self, stage: Stage) {
        self.rounds[stage as usize].store(self.millis(Instant::now()), Ordering::Relaxed);
    }

    /// The stage that has not come round for longest, if that is too long. Recording counts only while outcomes wait to
    /// be recorded.
    pub(crate) fn stalled(&self, now: Instant, is_recording: bool) -> Option<Stalled> {
        let now = self.millis(now);
        let counted = Stage::ALL.into_iter().filter(|stage| is_recording || *stage != Stage::Record);
        let since = |stage: Stage| {
            let millis = now.saturating_sub(self.rounds[stage as usize].load(Ordering::Relaxed));
            Stalled { stage, since: Duration::from_millis(millis) }
        };
        counted.map(since).max_by_key(|stalled| stalled.since).filter(|stalled| stalled.since > self.limit)
    }

    fn millis(&self, moment: Instant) -> u64 {
        u64::try_from(moment.saturating_duration_since(self.epoch).as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(24);

    #[test]
    fn a_stage_that_does_not_come_round_is_named() {
        let progress = Progress::new(LIMIT);
        let later = progress.epoch + LIMIT + Duration::from_secs(1);
        assert_eq!(progress.stalled(progress.epoch + LIMIT, true), None);
        for stalled in Stage::ALL {
            for stage in Stage::ALL {
                let at = if stage == stalled { 0 } else { progress.millis(later) };
                progress.rounds[stage as usize].store(at, Ordering::Relaxed);
            }
            let found = progress.stalled(later, true).map(|found| found.to_string());
            assert_eq!(found, Some(format!("{} has not come round for 25 s", stalled.name())));
            let is_found = progress.stalled(later, false).is_some();
            assert_eq!(is_found, stalled != Stage::Record, "nothing is there to be recorded");
        }
    }

    #[test]
    fn a_stage_that_has_come_round_is_not() {
        let progress = Progress::new(LIMIT);
        Stage::ALL.into_iter().for_each(|stage| progress.came_round(stage));
        assert_eq!(progress.stalled(Instant::now() + LIMIT, true), None);
    }
}
