//! Whose turn it is in one pool: deficit round robin over tenants, and over each tenant's lanes.
//!
//! A lane stands here while it has work and nothing is known that keeps it from sending; a tenant stands here while one
//! of its lanes does. In each round a lane may spend [`QUANTUM`], and a tenant [`QUANTUM`] times its weight; a request
//! costs its expected time. So a tenant with ten thousand endpoints gets no more than a tenant with one, and a slow lane
//! no more than a fast one. Choosing takes the same time however many lanes wait.

use std::collections::VecDeque;

use super::tenants::TenantNumber;
use crate::delivery::LaneId;

/// What a lane may spend in one round, in units of cost.
pub(super) const QUANTUM: f32 = 8.0;

/// The lanes of one tenant that want to send.
#[derive(Debug, Default)]
struct Queue {
    lanes: VecDeque<LaneId>,
    /// The cost that the tenant may still spend in this round.
    credit: f32,
    /// Whether the tenant stands in the round.
    listed: bool,
}

/// The lanes of one pool that want to send.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Tenants with lanes that want to send.
    round: VecDeque<TenantNumber>,
    /// By the tenant's number.
    queues: Vec<Queue>,
}

impl Turns {
    /// Puts a lane at the end of its tenant's line. A tenant that had no lane in line comes last in the round, with the
    /// credit of one round.
    pub(super) fn enter(&mut self, tenant: TenantNumber, weight: f32, lane: LaneId) {
        let index = tenant as usize;
        if index >= self.queues.len() {
            self.queues.resize_with(index + 1, Queue::default);
        }
        let queue = &mut self.queues[index];
        queue.lanes.push_back(lane);
        if !queue.listed {
            (queue.listed, queue.credit) = (true, QUANTUM * weight);
            self.round.push_back(tenant);
        }
    }

    /// The lane whose turn it is, and its tenant.
    pub(super) fn front(&mut self) -> Option<(TenantNumber, LaneId)> {
        loop {
            let &tenant = self.round.front()?;
            match self.queues[tenant as usize].lanes.front() {
                Some(&lane) => return Some((tenant, lane)),
                None => self.tenant_leaves(),
            }
        }
    }

    /// The lane at the front has spent its share of this round.
    pub(super) fn next_lane(&mut self) {
        if let Some(queue) = self.front_queue() {
            queue.lanes.rotate_left(1);
        }
    }

    /// Whether the tenant at the front can pay. If not, it has spent its share of this round: it gets the credit of the
    /// next round, and the next tenant's turn has come.
    pub(super) fn can_pay(&mut self, cost: f32, weight: f32) -> bool {
        let Some(queue) = self.front_queue() else { return false };
        if queue.credit >= cost {
            return true;
        }
        queue.credit += QUANTUM * weight;
        self.round.rotate_left(1);
        false
    }

    /// The tenant at the front pays for a request.
    pub(super) fn pay(&mut self, cost: f32) {
        if let Some(queue) = self.front_queue() {
            queue.credit -= cost;
        }
    }

    /// Removes the lane at the front: it cannot send now.
    pub(super) fn leave(&mut self) {
        if let Some(queue) = self.front_queue() {
            queue.lanes.pop_front();
            if queue.lanes.is_empty() {
                self.tenant_leaves();
            }
        }
    }

    /// Removes a lane that does not exist any more.
    pub(super) fn remove(&mut self, tenant: TenantNumber, lane: LaneId) {
        if let Some(queue) = self.queues.get_mut(tenant as usize) {
            queue.lanes.retain(|each| *each != lane);
        }
    }

    fn front_queue(&mut self) -> Option<&mut Queue> {
        let &tenant = self.round.front()?;
        self.queues.get_mut(tenant as usize)
    }

    /// The tenant at the front has no lane in line any more. It loses its saved credit: only tenants in line may save.
    fn tenant_leaves(&mut self) {
        if let Some(queue) = self.round.pop_front().and_then(|tenant| self.queues.get_mut(tenant as usize)) {
            queue.listed = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(number: i64) -> LaneId {
        LaneId::from_i64(number)
    }

    #[test]
    fn in_a_round_a_tenant_spends_a_quantum_times_its_weight() {
        let mut turns = Turns::default();
        turns.enter(1, 2.0, lane(1));
        turns.enter(2, 1.0, lane(2));
        let mut spent = Vec::new();
        while spent.len() < 3 * (16 + 8) {
            let (tenant, _) = turns.front().unwrap();
            if turns.can_pay(1.0, if tenant == 1 { 2.0 } else { 1.0 }) {
                turns.pay(1.0);
                spent.push(tenant);
            }
            assert!(turns.queues[1].credit + turns.queues[2].credit <= 24.0, "and saves nothing up");
        }
        assert_eq!(spent, [[1; 16].as_slice(), &[2; 8]].concat().repeat(3));
    }

    #[test]
    fn a_tenants_lanes_take_turns_until_they_are_gone() {
        let mut turns = Turns::default();
        for number in 1..=3 {
            turns.enter(1, 1.0, lane(number));
        }
        turns.next_lane();
        assert_eq!(turns.front(), Some((1, lane(2))));
        turns.remove(1, lane(2));
        assert_eq!(turns.front(), Some((1, lane(3))));
        turns.leave();
        turns.remove(1, lane(1));
        assert_eq!(turns.front(), None);
        turns.enter(1, 1.0, lane(4));
        assert_eq!(turns.front(), Some((1, lane(4))));
    }
}
