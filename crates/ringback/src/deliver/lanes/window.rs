//! How many requests a lane may have open at once: the endpoint's limit, approached with care.
//!
//! A lane that has not proved itself opens one request, and twice as many after each full round of answers;
//! a timeout or an unreachable receiver halves the window. So a thousand receivers that hang cost a thousand open
//! requests and not sixteen thousand, while a healthy one is at full width after a few answers.

/// The adaptive in-flight limit of one lane.
#[derive(Debug, Clone)]
pub(super) struct Window {
    /// Grows by one an answer while below the ceiling: doubling once per round.
    width: u32,
    ceiling: u32,
}

impl Window {
    pub(super) fn new(ceiling: u32) -> Self {
        Self { width: 1, ceiling: ceiling.max(1) }
    }

    pub(super) const fn width(&self) -> u32 {
        if self.width < self.ceiling { self.width } else { self.ceiling }
    }

    /// The endpoint's `max_in_flight`.
    pub(super) const fn ceiling(&self) -> u32 {
        self.ceiling
    }

    /// One request at a time from now on.
    pub(super) const fn close(&mut self) {
        self.width = 1;
    }

    /// The endpoint's `max_in_flight` changed.
    pub(super) fn set_ceiling(&mut self, ceiling: u32) {
        self.ceiling = ceiling.max(1);
        self.width = self.width.min(self.ceiling);
    }

    /// The receiver answered, whatever it said.
    pub(super) fn answered(&mut self) {
        self.width = (self.width + 1).min(self.ceiling);
    }

    /// The receiver timed out or could not be reached.
    pub(super) fn failed(&mut self) {
        self.width = (self.width() / 2).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_opens_with_answers_and_never_beyond_its_ceiling() {
        let mut window = Window::new(4);
        assert_eq!(window.width(), 1);
        for _ in 0..10 {
            window.answered();
        }
        assert_eq!(window.width(), 4);
        window.failed();
        assert_eq!(window.width(), 2);
        window.failed();
        window.failed();
        assert_eq!(window.width(), 1);
        window.set_ceiling(0);
        assert_eq!(window.width(), 1);
    }
}
