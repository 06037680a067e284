//! Jobs that are carried out step by step, several at a time: expunges and replays. Each job fails by itself: it is tried
//! again after a pause, and the others go on meanwhile.

use std::{collections::HashMap, fmt::Display, hash::Hash, time::Duration};

use tokio::time::Instant;

use crate::store;

/// How long a job that failed once waits: short, since the database may have been away for a moment only.
const PAUSE: Duration = Duration::from_secs(1);

/// The pause doubles with each failure so many times, to about a minute: a job that always fails costs the others little.
const DOUBLINGS_MAX: u32 = 6;

/// The jobs whose last step failed.
pub(super) struct Failing<Id> {
    jobs: HashMap<Id, Failed>,
}

/// How a job has failed.
struct Failed {
    why: String,
    times: u32,
    next_try: Instant,
}

impl<Id> Default for Failing<Id> {
    fn default() -> Self {
        Self { jobs: HashMap::new() }
    }
}

impl<Id: Copy + Eq + Hash + Display> Failing<Id> {
    /// Whether a job's next step may be taken now.
    pub(super) fn may_try(&self, id: Id, now: Instant) -> bool {
        self.jobs.get(&id).is_none_or(|failed| failed.next_try <= now)
    }

    /// The result of a job's step; `None` if it failed, which is logged once until it fails for another reason.
    pub(super) fn came_to<T>(&mut self, id: Id, step: store::Result<T>, now: Instant) -> Option<T> {
        match step {
            Ok(value) => {
                if self.jobs.remove(&id).is_some() {
                    tracing::info!(job = %id, "{id} goes on");
                }
                Some(value)
            }
            Err(error) => {
                let (why, before) = (error.to_string(), self.jobs.get(&id));
                if before.is_none_or(|before| before.why != why) {
                    tracing::warn!(job = %id, %error, "{id} failed; it is tried again, and others go on meanwhile");
                }
                let times = before.map_or(0, |before| before.times) + 1;
                let next_try = now + PAUSE * (1 << (times - 1).min(DOUBLINGS_MAX));
                self.jobs.insert(id, Failed { why, times, next_try });
                None
            }
        }
    }

    /// Forgets the jobs that do not run any more.
    pub(super) fn keep(&mut self, running: &[Id]) {
        self.jobs.retain(|id, _| running.contains(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed() -> store::Result<()> {
        Err(store::Error::corrupt("nonsense"))
    }

    #[test]
    fn a_job_that_fails_waits_alone_and_longer_each_time() {
        let (mut failing, mut now) = (Failing::default(), Instant::now());
        assert!(failing.may_try(1, now));
        for seconds in [1, 2, 4, 8, 16, 32, 64, 64] {
            assert_eq!(failing.came_to(1, failed(), now), None);
            now += Duration::from_secs(seconds);
            assert!(!failing.may_try(1, now - Duration::from_millis(1)) && failing.may_try(1, now));
            assert!(failing.may_try(2, now - Duration::from_millis(1)), "another waits for nobody");
        }
        assert_eq!(failing.came_to(1, Ok("done"), now), Some("done"));
        assert!(failing.may_try(1, now));
        failing.came_to(1, failed(), now);
        assert!(failing.may_try(1, now + PAUSE), "what succeeded begins with the shortest pause");
    }

    #[test]
    fn what_does_not_run_any_more_is_forgotten() {
        let (mut failing, now) = (Failing::default(), Instant::now());
        for id in [1, 2] {
            failing.came_to(id, failed(), now);
        }
        failing.keep(&[2, 3]);
        assert!(failing.may_try(1, now) && !failing.may_try(2, now));
    }
}
