//! Runs computations over callers' data apart from the threads that all requests run on.
//!
//! A task that computes keeps its thread busy until it is done: hashing, checking or parsing a megabyte takes some
//! milliseconds each. Small work is done at once, since moving it to another thread would take longer; large work waits for
//! one of a few places.

use std::{num::NonZero, panic::resume_unwind, sync::LazyLock, thread::available_parallelism};

use tokio::sync::Semaphore;

/// Work over at most so many bytes is done at once. Hashing them takes half a millisecond at 250 MB/s, the speed of a
/// processor without instructions for it.
const SMALL: usize = 128 * 1024;

/// The places for large work, of the whole process: half of its cores, so that the other half is always free for small work.
static PLACES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, NonZero::get).div_ceil(2)));

/// Whether work over so many bytes is done at once.
#[must_use]
pub const fn is_small(bytes: usize) -> bool {
    bytes <= SMALL
}

/// Does work that processes `bytes` bytes; bytes that it processes twice count twice. Large work gets places in the order of
/// the calls; a call that waits does not block its thread.
///
/// # Panics
/// As the work does.
pub async fn compute<T: Send + 'static>(bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> T {
    if is_small(bytes) {
        return work();
    }
    // Never fails, since the semaphore is never closed.
    let place = PLACES.acquire().await;
    // The work keeps its place to its end, even if its caller was dropped.
    let done = tokio::task::spawn_blocking(move || {
        let _place = place;
        work()
    });
    match done.await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is shutting down, and this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;

    #[tokio::test]
    async fn what_is_small_is_done_at_once_and_what_is_large_elsewhere() {
        let here = thread::current().id();
        assert_eq!(compute(SMALL, move || thread::current().id()).await, here);
        assert_ne!(compute(SMALL + 1, move || thread::current().id()).await, here);
    }

    #[tokio::test]
    async fn the_only_thread_goes_on_while_something_large_is_computed() {
        let (go, wait) = mpsc::channel::<()>();
        let large = tokio::spawn(compute(usize::MAX, move || wait.recv().is_ok()));
        tokio::task::yield_now().await;
        assert_eq!(compute(1, || 7).await, 7);
        go.send(()).unwrap();
        assert!(large.await.unwrap());
    }

    #[tokio::test]
    #[should_panic(expected = "as the work does")]
    async fn a_panic_is_the_callers() {
        compute(usize::MAX, || panic!("as the work does")).await;
    }
}
