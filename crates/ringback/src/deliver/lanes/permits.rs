//! Places for open requests on this node, in two pools, so that receivers that hang cannot take all of them.
//!
//! A request starts in the fast pool. One that has been open for [`SLOW_AFTER`] moves to the slow pool and frees
//! its place for others; its lane is slow from then on and starts requests in the slow pool only, as long as that has room,
//! until one of its requests is answered quickly again.

use std::time::Duration;

/// A request open for longer counts as slow.
pub(super) const SLOW_AFTER: Duration = Duration::from_secs(1);

/// Which pool a request's place belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pool {
    Fast,
    Slow,
}

/// The places of one node.
#[derive(Debug)]
pub(super) struct Permits {
    fast_open: usize,
    slow_open: usize,
    fast_max: usize,
    slow_max: usize,
}

impl Permits {
    /// `total` places, a quarter of them fast: what answers within a second needs few.
    pub(super) fn new(total: usize) -> Self {
        let total = total.max(2);
        let fast_max = (total / 4).max(1);
        Self { fast_open: 0, slow_open: 0, fast_max, slow_max: total - fast_max }
    }

    pub(super) const fn has_room(&self, pool: Pool) -> bool {
        self.room(pool) > 0
    }

    /// Places that are free.
    pub(super) const fn room(&self, pool: Pool) -> usize {
        match pool {
            Pool::Fast => self.fast_max.saturating_sub(self.fast_open),
            Pool::Slow => self.slow_max.saturating_sub(self.slow_open),
        }
    }

    pub(super) const fn open(&self) -> usize {
        self.fast_open + self.slow_open
    }

    pub(super) fn take(&mut self, pool: Pool) {
        *self.of(pool) += 1;
    }

    pub(super) fn give_back(&mut self, pool: Pool) {
        let open = self.of(pool);
        *open = open.saturating_sub(1);
    }

    /// A fast request turned out slow. The slow pool may exceed its bound by what was already open: each lane can
    /// do that only once, since it starts nothing fast any more.
    pub(super) fn slow_down(&mut self) {
        self.give_back(Pool::Fast);
        self.take(Pool::Slow);
    }

    const fn of(&mut self, pool: Pool) -> &mut usize {
        match pool {
            Pool::Fast => &mut self.fast_open,
            Pool::Slow => &mut self.slow_open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hanging_requests_leave_room_for_fast_ones() {
        let mut permits = Permits::new(8);
        for _ in 0..100 {
            if permits.has_room(Pool::Fast) {
                permits.take(Pool::Fast);
                permits.slow_down();
            }
        }
        assert!(permits.has_room(Pool::Fast));
        assert!(!permits.has_room(Pool::Slow));
    }
}
