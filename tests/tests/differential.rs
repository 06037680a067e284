//! Both stores answer the same, and what they should.
//!
//! `RINGBACK_TEST_CALLS=10000` makes so many calls instead of a few hundred, `RINGBACK_TEST_SEED` others. What is found says
//! its seed; the same seed finds it again.

use ringback_tests::differential;

/// Enough for every kind of call, in less than a minute.
const CALLS: usize = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_calls_are_answered_alike_by_both_stores_and_as_the_model_says() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse().expect("a whole number"));
    let calls = number("RINGBACK_TEST_CALLS").and_then(|calls: u64| usize::try_from(calls).ok()).unwrap_or(CALLS);
    let seed = number("RINGBACK_TEST_SEED").unwrap_or(1);
    let found = differential::run(seed, calls).await;
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
}
