//! A lane's limit of requests per second. No span of one second has more requests, whenever it begins; and requests are
//! spread evenly, so that a lane that rested does not send a second's worth at once.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// A lag behind the even spread up to this is made up for, since timers are a little late; a longer lag is forgotten.
const CATCH_UP: Duration = Duration::from_millis(20);

/// The requests of the last second are remembered in at most so many chunks, which bounds the memory of high rates.
const CHUNKS_MAX: usize = 256;

/// The longest interval, of a rate near zero: adding it to a moment must not exceed what the clock can express.
const INTERVAL_MAX: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

/// A lane that has to wait for longer than this looks again after this time.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// When requests of one lane were made, and may be.
#[derive(Debug, Clone)]
pub(super) struct Rate {
    per_second: f64,
    /// The time between two requests of an even spread.
    interval: Duration,
    /// When the next request is due by an even spread.
    next: Instant,
    /// No span of this length has more than `chunks * chunk` requests. One second, or the interval if that is longer.
    span: Duration,
    chunks: usize,
    /// Requests in a chunk.
    chunk: usize,
    /// Requests made in the present chunk.
    in_chunk: usize,
    /// When the last request of each of the last chunks was made.
    chunks_ended: VecDeque<Instant>,
}

impl Rate {
    /// One request may be made at once.
    pub(super) fn new(per_second: f64, now: Instant) -> Self {
        let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or(INTERVAL_MAX).min(INTERVAL_MAX);
        // Rates are at most 100,000: far from what a cast would cut off.
        let whole = (per_second.ceil() as usize).max(1);
        let chunk = whole.div_ceil(CHUNKS_MAX);
        let interval = seconds(per_second.recip());
        Self {
            per_second,
            interval,
            next: now,
            span: interval.max(Duration::from_secs(1)),
            chunks: whole / chunk,
            chunk,
            in_chunk: 0,
            chunks_ended: VecDeque::new(),
        }
    }

    pub(super) const fn per_second(&self) -> f64 {
        self.per_second
    }

    /// `Ok` if a request may be made now; otherwise the moment to ask again.
    pub(super) fn free(&self, now: Instant) -> Result<(), Instant> {
        let free = self.free_from().map_or(self.next, |free| free.max(self.next));
        if now < free { Err(free.min(now + DAY)) } else { Ok(()) }
    }

    /// Counts a request that is made now; if none may be made, the moment to ask again.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        self.free(now)?;
        let behind = now.checked_sub(CATCH_UP).map_or(self.next, |least| least.max(self.next));
        self.next = behind + self.interval;
        if self.in_chunk == 0 && self.chunks_ended.len() == self.chunks {
            self.chunks_ended.pop_front();
        }
        self.in_chunk += 1;
        if self.in_chunk == self.chunk {
            self.in_chunk = 0;
            self.chunks_ended.push_back(now);
        }
        Ok(())
    }

    /// When the last span has room for a further chunk; `None` if it has room now.
    fn free_from(&self) -> Option<Instant> {
        let is_full = self.in_chunk == 0 && self.chunks_ended.len() == self.chunks;
        self.chunks_ended.front().filter(|_| is_full).map(|oldest| *oldest + self.span)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Asks whenever it is told to, each time late by as much as `late` gives, and pauses before some requests.
    fn requests(rate: f64, until: Duration, mut late: impl FnMut() -> Duration) -> Vec<Duration> {
        let start = Instant::now();
        let (mut rate, mut now, mut made) = (Rate::new(rate, start), start, Vec::new());
        // Each request takes two turns at most: one that is told when, and one that makes it.
        for _ in 0..200_000 {
            if now >= start + until {
                return made;
            }
            match rate.take(now) {
                Ok(()) => made.push(now - start),
                Err(next) => now = next + late(),
            }
        }
        panic!("no end of requests, or of asking: {} were made", made.len());
    }

    /// `made` is in order.
    fn most_in(span: Duration, made: &[Duration]) -> usize {
        let from = |(place, first): (usize, &Duration)| made[place..].partition_point(|at| *at < *first + span);
        made.iter().enumerate().map(from).max().unwrap_or(0)
    }

    #[test]
    fn a_lane_that_rested_does_not_send_a_seconds_worth_at_once() {
        let start = Instant::now();
        let mut rate = Rate::new(10.0, start);
        assert_eq!(rate.take(start), Ok(()));
        let later = start + 60 * SECOND;
        assert_eq!(rate.take(later), Ok(()));
        assert_eq!(rate.take(later), Err(later + Duration::from_millis(80)));
    }

    #[test]
    fn the_rate_is_reached_though_timers_are_late() {
        for rate in [1.0, 7.0, 50.0, 400.0, 5_000.0] {
            let made = requests(rate, 10 * SECOND, || Duration::from_millis(1)).len() as f64;
            assert!((rate * 9.8..=rate * 10.0 + 1.0).contains(&made), "{made} of {rate} a second");
        }
    }

    #[test]
    fn a_rate_below_one_lets_one_through_in_its_time() {
        let start = Instant::now();
        let mut rate = Rate::new(0.1, start);
        assert_eq!(rate.per_second(), 0.1);
        assert_eq!(rate.take(start), Ok(()));
        assert_eq!(rate.take(start + SECOND), Err(start + 10 * SECOND));
        assert_eq!(rate.take(start + 10 * SECOND), Ok(()));
    }

    #[test]
    fn a_rate_near_zero_lets_one_through_in_a_century_and_is_looked_at_once_a_day() {
        let (start, day, century) = (Instant::now(), 86_400 * SECOND, 36_600 * 86_400 * SECOND);
        for per_second in [f64::MIN_POSITIVE, 1e-10] {
            let mut rate = Rate::new(per_second, start);
            assert_eq!(rate.take(start), Ok(()));
            assert_eq!(rate.take(start), Err(start + day));
            assert_eq!(rate.take(start + day), Err(start + 2 * day));
            assert_eq!(rate.take(start + century - SECOND), Err(start + century));
            assert_eq!(rate.take(start + century), Ok(()));
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let start = Instant::now();
        let mut rate = Rate::new(100_000.0, start);
        for micros in 0..2_000_000 {
            let _ = rate.take(start + Duration::from_micros(micros));
        }
        assert!(rate.chunks_ended.len() <= CHUNKS_MAX);
    }

    proptest! {
        /// However late and irregularly it is asked, also after long rests.
        #[test]
        fn no_second_holds_more_than_the_rate(
            rate in prop_oneof![(1_u32..2_000).prop_map(f64::from), 0.2..30.0_f64],
            late in prop::collection::vec(prop_oneof![9 => 0_u64..3, 3 => 0_u64..200, 1 => 0_u64..3_000], 1..40),
        ) {
            let mut late = late.into_iter().cycle().map(Duration::from_millis);
            let made = requests(rate, 5 * SECOND, || late.next().unwrap_or_default());
            // A moment less: the time for one request is rounded to whole nanoseconds.
            let span = SECOND.max(SECOND.div_f64(rate)) - Duration::from_nanos(1);
            prop_assert!(most_in(span, &made) <= rate.ceil() as usize);
        }
    }
}
