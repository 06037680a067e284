//! Random lives of a store, held against a model of it in memory.
//!
//! The promises of [`crate::contract`] look at one thing each. Here all that a database is asked for is asked in any order:
//! events are accepted, emitted and routed, outcomes are recorded, among them stale ones and some that come again,
//! deliveries are replayed, one and many, events expire, are erased or retired, endpoints change, and what is sealed is
//! sealed anew. After each call the ledger and what is due are those of the model, and now and then everything that can be
//! asked is.
//!
//! ```ignore
//! ringback_testkit::store_model!(fresh);
//! ```

#![expect(clippy::unwrap_used, reason = "a life that goes wrong ends its test")]

mod acts;
mod house;
mod jobs;
mod looks;
mod verdict;

use ringback::store::Store;

use self::house::House;
use crate::Random;

/// Calls in one life: a bug needs few, and what is to be looked at grows with them.
const CALLS_OF_LIFE: u32 = 150;

/// How many calls there are between two looks at everything.
const CALLS_BETWEEN_LOOKS: u32 = 25;

/// Makes a test of random lives; takes the name of an `async fn() -> Fresh`. As many calls are made as the variable
/// `RINGBACK_TEST_CALLS` says (300), and the first life is that of `RINGBACK_TEST_SEED` (1).
#[macro_export]
macro_rules! store_model {
    ($fresh:ident) => {
        #[tokio::test]
        async fn random_lives_are_those_of_the_model() {
            for seed in $crate::model::seeds() {
                let fresh = $fresh().await;
                $crate::model::live(&*fresh.store, seed).await;
                drop(fresh.store);
                fresh.remove.await;
            }
        }
    };
}

/// The lives that are to be lived, by their seeds.
///
/// # Panics
/// If a variable is no whole number.
pub fn seeds() -> impl Iterator<Item = u64> {
    let number = |name: &str, otherwise: u64| match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} must be a whole number, not {text:?}")),
        Err(_) => otherwise,
    };
    let (first, calls) = (number("RINGBACK_TEST_SEED", 1), number("RINGBACK_TEST_CALLS", 300));
    first..first + calls.div_ceil(u64::from(CALLS_OF_LIFE))
}

/// Lives one life with an empty store.
///
/// # Panics
/// With the seed and the last calls, if the store answers anything but what the model does.
pub async fn live(store: &dyn Store, seed: u64) {
    let (mut random, mut house) = (Random::of(seed), House::of(seed));
    for call in 1..=CALLS_OF_LIFE {
        acts::act(store, &mut house, &mut random).await;
        looks::glance(store, &house).await;
        if call % CALLS_BETWEEN_LOOKS == 0 {
            looks::everywhere(store, &house, &mut random).await;
        }
    }
}
