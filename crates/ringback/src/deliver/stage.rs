//! A stage runs until it is told to stop. One that panics is begun again: nobody else would notice that it is gone,
//! while the lease goes on being renewed.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;

/// Before a stage is begun again: a defect that strikes at once must not keep a core busy.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs what `begin` begins until it ends by itself or `stop`.
pub(super) async fn keep_running<F>(name: &'static str, stop: CancellationToken, begin: impl Fn(CancellationToken) -> F)
where
    F: Future<Output = ()>,
{
    while AssertUnwindSafe(begin(stop.clone())).catch_unwind().await.is_err() {
        tracing::error!(stage = name, "a stage panicked and is begun again");
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = stop.cancelled() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stage_that_panics_is_begun_again() {
        let begun = AtomicUsize::new(0);
        keep_running("test", CancellationToken::new(), |_| async {
            assert!(begun.fetch_add(1, Ordering::Relaxed) >= 2, "a defect");
        })
        .await;
        assert_eq!(begun.load(Ordering::Relaxed), 3);
    }
}
