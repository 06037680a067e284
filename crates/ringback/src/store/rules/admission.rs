//! Whether a new endpoint may be stored.

/// What a store has read about a tenant in the transaction that stores one more endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Another endpoint of the tenant, not a deleted one, has the key.
    pub is_key_taken: bool,
    /// Endpoints of the tenant that are not deleted.
    pub live: i64,
    /// Most endpoints that a tenant may have.
    pub live_max: u32,
}

/// What becomes of the new endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It is stored.
    Admitted,
    /// Its key is another endpoint's.
    KeyTaken,
    /// The tenant has as many as it may have.
    TooMany,
}

/// The key is checked first: a repeated request gets the answer that the endpoint exists, even if the tenant is full.
#[must_use]
pub fn of_new_endpoint(facts: Facts) -> Admission {
    if facts.is_key_taken {
        Admission::KeyTaken
    } else if facts.live >= i64::from(facts.live_max) {
        Admission::TooMany
    } else {
        Admission::Admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_key_is_told_before_a_full_tenant() {
        let of = |is_key_taken, live| of_new_endpoint(Facts { is_key_taken, live, live_max: 1 });
        assert_eq!(of(true, 1), Admission::KeyTaken);
        assert_eq!(of(false, 1), Admission::TooMany);
        assert_eq!(of(true, 0), Admission::KeyTaken);
        assert_eq!(of(false, 0), Admission::Admitted);
    }
}
