//! The engine in a simulated world: several nodes, a database and receivers, in simulated time and by chance.
//!
//! What runs is the engine itself, all its stages, each node on a runtime of its own whose clock the world sets. Around it
//! everything is simulated: statements take time, wait for locks and lose their answers; nodes are killed, told to stop,
//! stand still at any await, in the middle of a transaction, too, and panic, in their statements and in their stages; the
//! database goes away, stands still, is restored from a copy, and its clock jumps.
//!
//! ```text
//! node        an engine, and how it begins, stands still and ends
//! line        its store: statements on their way to the database
//! database    what is committed, who holds locks
//! receivers   whom it sends to, and what they are like
//! course      what happens, by chance: events that are owed
//! faults      what goes wrong meanwhile
//! witness     holds every request, and all that waits, against the promises
//! ```
//!
//! A seed is one course of events. `RINGBACK_TEST_SEED=7 tests/run -p ringback simulated_lives` lives one of them again;
//! otherwise they are lived from the first on, or with `RINGBACK_TEST_SEED=random` from anywhere, for as long as
//! `RINGBACK_TEST_SECONDS` says. Chance, faults and ids are the seed's; which of two
//! tasks that are ready runs first is not.

mod course;
mod database;
mod faults;
mod line;
mod node;
mod receivers;
mod witness;
mod world;

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

use rand::{
    RngExt as _, SeedableRng as _,
    distr::{Distribution, StandardUniform},
    rngs::StdRng,
};

use self::course::Course;
pub(crate) use self::node::wall_clock;

/// The world goes on by so much at a time.
const STEP: Duration = Duration::from_millis(5);

/// How long one course lasts, and how long nothing goes wrong any more at its end.
const COURSE: Duration = Duration::from_secs(240);
const CALM: Duration = Duration::from_secs(150);

thread_local! {
    /// Where the engine's chance comes from while a course is lived through.
    static CHANCE: RefCell<Option<StdRng>> = const { RefCell::new(None) };
    /// The node that lives now has a defect, so that it panics here and there.
    static IS_DEFECTIVE: Cell<bool> = const { Cell::new(false) };
}

/// Of a node with a defect one of so many asks for chance panics: each stage asks for it when it rests.
const CHANCES: u32 = 200;

/// The simulation's chance, on a thread on which there is one.
pub(crate) fn chance<T>() -> Option<T>
where
    StandardUniform: Distribution<T>,
{
    panic_perhaps(CHANCES);
    CHANCE.with_borrow_mut(|chance| chance.as_mut().map(|chance| chance.random()))
}

/// Panics one time of so many if the node that lives now has a defect.
fn panic_perhaps(one_of: u32) {
    let strikes = |chance: &mut StdRng| chance.random_range(0..one_of) == 0;
    let strikes = IS_DEFECTIVE.get() && CHANCE.with_borrow_mut(|chance| chance.as_mut().is_some_and(strikes));
    assert!(!strikes, "a defect of the engine's, simulated");
}

/// Lives through one seed's course; what it was, and which promises were broken.
fn live(seed: u64) -> (String, Vec<String>) {
    CHANCE.set(Some(StdRng::seed_from_u64(seed)));
    let mut course = Course::new(StdRng::seed_from_u64(!seed));
    course.live();
    CHANCE.set(None);
    course.end()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn nothing_stops_and_nothing_is_lost_in_simulated_lives() {
    let seconds = number("RINGBACK_TEST_SECONDS").unwrap_or(20);
    let one = number("RINGBACK_TEST_SEED");
    let is_random = std::env::var("RINGBACK_TEST_SEED").is_ok_and(|seed| seed == "random");
    let first = one.unwrap_or_else(|| if is_random { u64::from(rand::random::<u32>()) } else { 1 });
    let begun = Instant::now();
    let mut lived = 0;
    while lived == 0 || (one.is_none() && begun.elapsed() < Duration::from_secs(seconds)) {
        let seed = first + lived;
        let (told, broken) = live(seed);
        println!("RINGBACK_TEST_SEED={seed}: {told}");
        assert!(broken.is_empty(), "with RINGBACK_TEST_SEED={seed}:\n{}\n\n{told}", broken.join("\n"));
        lived += 1;
    }
}
