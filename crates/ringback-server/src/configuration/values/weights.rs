//! Weights of tenants that get more than an equal share of sending.

use std::collections::HashMap;

use super::super::value::Value;

/// The highest weight: a tenant with more would leave nothing to the others.
const WEIGHT_MAX: u32 = 1_000;

/// Weights by tenant; a tenant that is not named has weight 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Weights(pub(crate) HashMap<String, u32>);

impl Value for Weights {
    const NAME: &'static str = "TENANT=WEIGHT,…";

    fn expected() -> String {
        format!("tenants with whole numbers from 1 to {WEIGHT_MAX}, each once, such as acme=4,other=2")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut weights = HashMap::new();
        for item in text.split(',').map(str::trim) {
            if item.is_empty() && text.trim().is_empty() {
                break;
            }
            let (tenant, weight) = item.split_once('=')?;
            let (tenant, weight) = (tenant.trim(), weight.trim().parse().ok()?);
            let is_twice = weights.insert(tenant.to_owned(), weight).is_some();
            if is_twice || !is_tenant(tenant) || !(1..=WEIGHT_MAX).contains(&weight) {
                return None;
            }
        }
        Some(Self(weights))
    }
}

fn is_tenant(name: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
    (1..=128).contains(&name.len()) && name.chars().all(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tenant_has_one_weight_within_bounds() {
        let weights = Weights::parse(" acme=4, other.2 = 2 ").unwrap().0;
        assert_eq!(weights, HashMap::from([("acme".to_owned(), 4), ("other.2".to_owned(), 2)]));
        assert_eq!(Weights::parse(""), Some(Weights::default()));
        for wrong in
            ["acme", "acme=", "acme=0", "acme=1001", "acme=1.5", "acme=-1", "=3", "a b=3", "a=1,a=2", "a=1,,b=2"]
        {
            assert_eq!(Weights::parse(wrong), None, "{wrong}");
        }
    }
}
