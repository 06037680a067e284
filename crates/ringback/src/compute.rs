//! Work over what callers bring, done beside the threads that everybody's requests run on.
//!
//! A task that computes keeps its thread from all others until it is done: a megabyte to be hashed, checked or parsed
//! takes some milliseconds each time. What is small is done at once, since handing it over would take longer; what is
//! large waits for one of a few places.

use std::{num::NonZero, panic::resume_unwind, sync::LazyLock, thread::available_parallelism};

use tokio::sync::Semaphore;

/// What is done at once: so many bytes to look at, once each. Hashing them takes half a millisecond at 250 MB/s, which
/// is a processor without instructions for it.
const SMALL: usize = 128 * 1024;

/// For the whole process, as its cores are: half of them, so that the other half is always there for what is small.
static PLACES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, NonZero::get).div_ceil(2)));

/// Does work that looks at `bytes` bytes, counted as often as each is looked at. In order of asking; who waits keeps
/// nobody else from anything.
///
/// # Panics
/// As the work does.
pub async fn compute<T: Send + 'static>(bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> T {
    if bytes <= SMALL {
        return work();
    }
    // Never closed.
    let place = PLACES.acquire().await;
    // The work keeps its place to its end, also where nobody waits for it any more.
    let done = tokio::task::spawn_blocking(move || {
        let _place = place;
        work()
    });
    match done.await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is shutting down, and whoever waits here with it.
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
