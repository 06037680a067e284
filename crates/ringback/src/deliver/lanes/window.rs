//! How many requests a lane may have open at once: the endpoint's limit, approached step by step.
//!
//! A new lane opens one request, and twice as many after each full round of answers: a healthy lane is at full width
//! after a few rounds. A time-out, an unreachable receiver, or one that says it is overloaded halves the window; from that
//! width on it grows by a sixteenth of the limit in a round, so that it stays near what the receiver can take. Requests
//! that were open when the window was halved do not halve it again: they all tell of the same moment.

use tokio::time::Instant;

/// Once the window has been halved, a round of answers adds this fraction of the limit (1/16), and at least one request.
const ROUND_PART: f32 = 16.0;

/// The adaptive in-flight limit of one lane.
#[derive(Debug, Clone)]
pub(super) struct Window {
    /// At least one, at most the ceiling; the fraction is progress towards the next whole request.
    width: f32,
    /// A width below this doubles in a round; from here on it grows slowly.
    threshold: f32,
    ceiling: u32,
    /// When the window was last halved: only requests opened after that halve it again.
    narrowed: Option<Instant>,
}

impl Window {
    pub(super) fn new(ceiling: u32) -> Self {
        Self { width: 1.0, threshold: f32::INFINITY, ceiling: ceiling.max(1), narrowed: None }
    }

    pub(super) const fn width(&self) -> u32 {
        self.width as u32
    }

    /// The endpoint's `max_in_flight`.
    pub(super) const fn ceiling(&self) -> u32 {
        self.ceiling
    }

    /// The endpoint's `max_in_flight` changed.
    pub(super) const fn set_ceiling(&mut self, ceiling: u32) {
        self.ceiling = if ceiling > 0 { ceiling } else { 1 };
        self.width = self.width.min(self.ceiling as f32);
    }

    /// The receiver answered a request without a sign of overload.
    pub(super) fn answered(&mut self) {
        let ceiling = self.ceiling as f32;
        let step = if self.width < self.threshold { 1.0 } else { (ceiling / ROUND_PART).max(1.0) / self.width };
        self.width = (self.width + step).min(ceiling);
    }

    /// A request that was opened at `opened` ended at `now`: the receiver timed out, could not be reached, or said that it
    /// is overloaded.
    pub(super) fn failed(&mut self, opened: Instant, now: Instant) {
        if self.narrowed.is_none_or(|narrowed| opened > narrowed) {
            self.threshold = (self.width / 2.0).max(1.0);
            self.width = self.threshold;
            self.narrowed = Some(now);
        }
    }

    /// One request at a time from now on, until one is answered.
    pub(super) const fn close(&mut self) {
        self.width = 1.0;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    /// A round of requests that are all answered.
    fn round(window: &mut Window) -> u32 {
        for _ in 0..window.width() {
            window.answered();
        }
        window.width()
    }

    #[test]
    fn a_healthy_receiver_has_the_full_width_after_a_few_rounds() {
        let mut window = Window::new(256);
        let widths: Vec<_> = (0..9).map(|_| round(&mut window)).collect();
        assert_eq!(widths, [2, 4, 8, 16, 32, 64, 128, 256, 256]);
    }

    #[test]
    fn after_it_was_halved_a_window_grows_by_a_sixteenth_of_the_limit_in_a_round() {
        for (ceiling, expected) in [(256, [143, 159, 174]), (16, [9, 10, 11])] {
            let mut window = Window::new(ceiling);
            for _ in 0..9 {
                round(&mut window);
            }
            let now = Instant::now();
            window.failed(now, now);
            assert_eq!(window.width(), ceiling / 2);
            window.answered();
            assert_eq!(window.width(), ceiling / 2, "one answer is not a round");
            let widths: Vec<_> = (0..3).map(|_| round(&mut window)).collect();
            assert!(widths.iter().zip(expected).all(|(is, about)| is.abs_diff(about) <= 1), "{widths:?}");
        }
    }

    #[test]
    fn what_was_open_when_it_was_halved_does_not_halve_it_again() {
        let mut window = Window::new(16);
        for _ in 0..5 {
            round(&mut window);
        }
        let opened = Instant::now();
        let now = opened + Duration::from_secs(10);
        (0..16).for_each(|_| window.failed(opened, now));
        assert_eq!(window.width(), 8);
        let later = now + Duration::from_millis(1);
        window.failed(later, later);
        assert_eq!(window.width(), 4);
    }

    #[test]
    fn a_limit_that_is_lowered_counts_at_once() {
        let mut window = Window::new(16);
        for _ in 0..5 {
            round(&mut window);
        }
        window.set_ceiling(4);
        assert_eq!((window.width(), round(&mut window)), (4, 4));
        window.set_ceiling(0);
        assert_eq!(window.width(), 1);
    }

    #[test]
    fn a_window_that_was_closed_begins_with_one_request() {
        let mut window = Window::new(16);
        for _ in 0..5 {
            round(&mut window);
        }
        window.close();
        assert_eq!((window.width(), round(&mut window)), (1, 2));
    }

    proptest! {
        #[test]
        fn no_lane_is_stuck_and_none_exceeds_its_limit(ceiling in 1u32..1_000, failures in prop::collection::vec(any::<bool>(), 0..200)) {
            let mut window = Window::new(ceiling);
            let mut now = Instant::now();
            for failure in failures {
                now += Duration::from_millis(1);
                if failure { window.failed(now, now) } else { window.answered() }
                prop_assert!((1..=ceiling).contains(&window.width()));
            }
            window.close();
            let rounds = (0..).take_while(|_| round(&mut window) < ceiling).count();
            // A few that double, and sixteen or fewer for the rest.
            prop_assert!(rounds <= 32, "{rounds}");
        }
    }
}
