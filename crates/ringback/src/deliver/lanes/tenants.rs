//! The tenants that have lanes on this node: each has a number, and a weight in the round.
//!
//! The tenant of an inline lane stands in the lane's events, so it is known once one of them is in memory. Until then
//! such lanes belong to [`UNKNOWN`] and share one tenant's turn in the round.

use std::collections::HashMap;

/// A tenant's number while it has lanes here.
pub(super) type TenantNumber = u32;

/// The tenant of inline lanes until one of their events has been read.
pub(super) const UNKNOWN: TenantNumber = 0;

#[derive(Debug)]
struct Tenant {
    name: Box<str>,
    weight: f32,
    /// The number of its lanes on this node.
    lanes: u32,
}

/// The tenants with lanes here.
#[derive(Debug)]
pub(super) struct Tenants {
    /// By name; a tenant that is not listed has weight 1.
    weights: HashMap<String, u32>,
    numbers: HashMap<Box<str>, TenantNumber>,
    /// By number; those in `free` are stale.
    tenants: Vec<Tenant>,
    free: Vec<TenantNumber>,
}

impl Tenants {
    pub(super) fn new(weights: HashMap<String, u32>) -> Self {
        let unknown = Tenant { name: Box::default(), weight: 1.0, lanes: 1 };
        Self { weights, numbers: HashMap::new(), tenants: vec![unknown], free: Vec::new() }
    }

    /// Counts one more lane of a tenant; returns the tenant's number.
    pub(super) fn add_lane(&mut self, name: &str) -> TenantNumber {
        if let Some(&number) = self.numbers.get(name) {
            self.tenants[number as usize].lanes += 1;
            return number;
        }
        let weight = self.weights.get(name).copied().unwrap_or(1).max(1) as f32;
        let tenant = Tenant { name: name.into(), weight, lanes: 1 };
        let number = if let Some(number) = self.free.pop() {
            self.tenants[number as usize] = tenant;
            number
        } else {
            self.tenants.push(tenant);
            (self.tenants.len() - 1) as TenantNumber
        };
        self.numbers.insert(name.into(), number);
        number
    }

    /// A tenant has one lane fewer; without lanes it loses its number.
    pub(super) fn remove_lane(&mut self, number: TenantNumber) {
        if number == UNKNOWN {
            return;
        }
        let tenant = &mut self.tenants[number as usize];
        tenant.lanes -= 1;
        if tenant.lanes == 0 {
            self.numbers.remove(&tenant.name);
            self.free.push(number);
        }
    }

    pub(super) fn weight(&self, number: TenantNumber) -> f32 {
        self.tenants[number as usize].weight
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.numbers.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_given_again_only_when_its_tenant_has_no_lane_left() {
        let mut tenants = Tenants::new(HashMap::from([("acme".to_owned(), 4)]));
        let acme = tenants.add_lane("acme");
        let other = tenants.add_lane("other");
        assert_eq!((tenants.weight(acme), tenants.weight(other), tenants.weight(UNKNOWN)), (4.0, 1.0, 1.0));
        assert_eq!(tenants.add_lane("acme"), acme);
        tenants.remove_lane(acme);
        assert_ne!(tenants.add_lane("third"), acme);
        tenants.remove_lane(acme);
        assert_eq!(tenants.add_lane("fourth"), acme);
        assert_eq!(tenants.weight(acme), 1.0);
        assert_eq!(tenants.count(), 3);
    }
}
