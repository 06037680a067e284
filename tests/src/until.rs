//! Waiting for what must come true, within a bound that only a broken promise exceeds.

use std::time::{Duration, Instant};

/// Longer than anything a healthy run waits for on a busy machine of two cores.
pub const BOUND: Duration = Duration::from_secs(60);

/// How often a condition is looked at: less and less often, for every look is a request to a server that other tests
/// wait for, too.
const PAUSE_LEAST: Duration = Duration::from_millis(10);
const PAUSE_MOST: Duration = Duration::from_millis(150);

/// Looks until `probe` finds something.
///
/// # Panics
/// When it has found nothing within [`BOUND`]; `what` says what was waited for.
pub async fn until<T>(what: &str, probe: impl AsyncFnMut() -> Option<T>) -> T {
    until_within(BOUND, what, probe).await
}

/// As [`until`], with a bound of its own.
///
/// # Panics
/// When it has found nothing within `bound`.
pub async fn until_within<T>(bound: Duration, what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        let waited = started.elapsed();
        assert!(waited < bound, "{what}: not within {bound:?}");
        tokio::time::sleep((waited / 10).clamp(PAUSE_LEAST, PAUSE_MOST)).await;
    }
}
