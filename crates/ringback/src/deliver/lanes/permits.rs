//! Places for open requests on this node, in three pools, so that receivers that hang cannot take all of them.
//!
//! | pool | part | whose requests start there |
//! |---|---|---|
//! | fast | half | lanes whose last request was over within a second |
//! | trial | an eighth | lanes that have not answered yet: nobody knows whether they will |
//! | slow | the rest | lanes whose last request took longer, or has been open for longer |
//!
//! A request that has been open for a second moves to the slow pool and frees its place for others; a third of the slow
//! pool is kept for requests that move there. While the slow pool is full, the request keeps its place: all pools together
//! never hold more requests than the node may. Within a pool, a lane that has requests open already gets a further place
//! only while more than half of the pool is free. So lanes that hang, or have not answered yet, take no places from lanes
//! that answer. Of the lanes that answer, as many may begin to hang in the same second as half of the fast pool has
//! places, each with as many requests as it likes: the next lane with nothing open still finds a place.
//!
//! A node with fewer than [`DIVIDED_FROM`] places has one pool.

use std::time::Duration;

/// A request open for longer counts as slow.
pub(super) const SLOW_AFTER: Duration = Duration::from_secs(1);

/// Fewer places are not divided: each pool would have one or none.
const DIVIDED_FROM: usize = 8;

/// Which pool a request's place belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pool {
    Fast,
    Trial,
    Slow,
}

impl Pool {
    pub(super) const ALL: [Self; 3] = [Self::Fast, Self::Trial, Self::Slow];
}

/// The places of one pool.
#[derive(Debug, Clone, Copy, Default)]
struct Places {
    open: usize,
    /// A request starts here only while fewer than this are open.
    starts: usize,
    /// Most requests open at once, including those that moved here.
    most: usize,
}

/// The places of one node.
#[derive(Debug)]
pub(super) struct Permits {
    pools: [Places; Pool::ALL.len()],
    divided: bool,
}

impl Permits {
    /// `total` places; at least one.
    pub(super) fn new(total: usize) -> Self {
        let total = total.max(1);
        let divided = total >= DIVIDED_FROM;
        let (fast, trial) = if divided { (total / 2, total / 8) } else { (total, 0) };
        let slow = total - fast - trial;
        let whole = |most| Places { open: 0, starts: most, most };
        Self { pools: [whole(fast), whole(trial), Places { starts: slow - slow / 3, ..whole(slow) }], divided }
    }

    /// Whether a slow request has another pool to move to.
    pub(super) const fn are_divided(&self) -> bool {
        self.divided
    }

    /// The pool in which a request starts: `pool`, or the only pool of a node that is not divided.
    pub(super) const fn start(&self, pool: Pool) -> Pool {
        if self.divided { pool } else { Pool::Fast }
    }

    /// Whether a request may start in `pool`.
    pub(super) const fn has_room(&self, pool: Pool) -> bool {
        let places = &self.pools[pool as usize];
        places.open < places.starts
    }

    /// Whether a lane that has this many requests open may start one more in a pool that has room.
    pub(super) const fn grants(&self, pool: Pool, open: u32) -> bool {
        let places = &self.pools[pool as usize];
        open == 0 || !self.divided || places.open * 2 < places.starts
    }

    pub(super) const fn open(&self) -> usize {
        self.pools[0].open + self.pools[1].open + self.pools[2].open
    }

    pub(super) const fn take(&mut self, pool: Pool) {
        self.pools[pool as usize].open += 1;
    }

    pub(super) const fn give_back(&mut self, pool: Pool) {
        let open = &mut self.pools[pool as usize].open;
        *open = open.saturating_sub(1);
    }

    /// A request that started in `from` has been open for long and moves to the slow pool. False if that has no place, as
    /// always on a node that is not divided.
    pub(super) const fn slow_down(&mut self, from: Pool) -> bool {
        if !self.has_room_for_slowed() {
            return false;
        }
        self.give_back(from);
        self.take(Pool::Slow);
        true
    }

    pub(super) const fn has_room_for_slowed(&self) -> bool {
        let slow = &self.pools[Pool::Slow as usize];
        slow.open < slow.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_pools_together_are_never_larger_than_the_node_allows() {
        for total in 1..200 {
            let mut permits = Permits::new(total);
            for pool in [Pool::Slow, Pool::Trial, Pool::Fast] {
                while permits.has_room(permits.start(pool)) {
                    permits.take(permits.start(pool));
                    permits.slow_down(permits.start(pool));
                }
            }
            assert_eq!(permits.open(), total, "and every place is used if need be");
        }
    }

    #[test]
    fn a_lane_with_requests_open_leaves_the_second_half_of_a_pool_to_others() {
        let mut permits = Permits::new(64);
        let mut open = 0;
        while permits.has_room(Pool::Fast) && permits.grants(Pool::Fast, open) {
            permits.take(Pool::Fast);
            open += 1;
        }
        assert_eq!(open, 16);
        assert!(permits.grants(Pool::Fast, 0));
    }
}
