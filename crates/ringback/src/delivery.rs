//! Deliveries: one event, owed to one destination.

use crate::{
    id::{DeliveryId, EndpointId},
    schedule::Schedule,
    time::Timestamp,
    word::words,
};

/// How many slices the lanes are cut into. Fixed: stored rows carry their shard.
pub const SHARDS: u16 = 64;

/// A slice of the lanes, from 0 to [`SHARDS`] − 1.
pub type Shard = u16;

/// A lane, named by a stable hash of its destination. Its shard is the hash modulo [`SHARDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneId(i64);

impl LaneId {
    /// The lane of a registered endpoint.
    #[must_use]
    pub fn of_endpoint(endpoint: EndpointId) -> Self {
        Self::hash(&[b"endpoint", endpoint.uuid().as_bytes()])
    }

    /// The lane that inline destinations of one tenant at one origin share.
    #[must_use]
    pub fn of_inline(tenant: &str, scheme: &str, host: &str, port: u16) -> Self {
        Self::hash(&[b"inline", tenant.as_bytes(), scheme.as_bytes(), host.as_bytes(), &port.to_be_bytes()])
    }

    /// A lane read back from a store.
    #[must_use]
    pub const fn from_i64(hash: i64) -> Self {
        Self(hash)
    }

    /// As a store keeps it.
    #[must_use]
    pub const fn as_i64(self) -> i64 {
        self.0
    }

    /// The shard that the lane belongs to.
    #[must_use]
    pub const fn shard(self) -> Shard {
        // The low bits of the hash; the same as `lane & 63` in SQL.
        (self.0 as u64 % SHARDS as u64) as Shard
    }

    /// SHA-256 cut to 64 bits: stored, so it must not change between versions or platforms.
    fn hash(parts: &[&[u8]]) -> Self {
        use sha2::Digest as _;
        let mut hasher = sha2::Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        let digest = hasher.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Self(i64::from_be_bytes(first))
    }
}

words! {
    /// The state of a delivery.
    Status {
        Pending = 1 "pending": "still owed: waiting, held, or being sent",
        Delivered = 2 "delivered": "a receiver answered that it has it",
        Dead = 3 "dead": "given up: a dead letter",
        Cancelled = 4 "cancelled": "its event was expunged, its endpoint deleted, or its dead letter discarded",
    }

    /// Why a delivery was given up.
    #[non_exhaustive]
    DeadReason {
        Exhausted = 1 "exhausted": "every try failed",
        ///
        /// It was due, but its lane was held for longer than `expires_after`; or no attempt had begun by its event's
        /// `expires_at`.
        Expired = 2 "expired": "held for too long, or its event's time was over",
        ///
        /// Its destination cannot be used, or its scheme needs what the payload does not have.
        Unroutable = 3 "unroutable": "cannot be sent as it is",
        ///
        /// An inline destination answered 410.
        Gone = 4 "gone": "the receiver said it is gone for good",
        ///
        /// The endpoint lists the status that was answered in `permanent_statuses`.
        Refused = 5 "refused": "the receiver refused it for good",
    }

    /// Why a lane may not send.
    #[non_exhaustive]
    HoldReason {
        Paused = 1 "paused": "paused by an operator; resume it to go on",
        EndpointDisabled = 2 "endpoint_disabled": "the endpoint is disabled; enable it to go on",
        RetryAfter = 3 "retry_after": "the receiver asked for time (Retry-After)",
        ///
        /// It timed out or was unreachable.
        Failing = 4 "failing": "failed many times in a row; tried again by itself",
        Unverified = 5 "unverified": "its receiver has not answered a verification; verify the endpoint to go on",
    }
}

/// Why a delivery exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Marks {
    /// Created by "send a test event": it carries `ringback-test: 1`, and is sent even if its endpoint is not enabled.
    pub test: bool,
    /// Released by a replay: it carries `ringback-replay: 1`.
    pub replay: bool,
    /// Delivered before: its `finished` row stays, however this replay ends.
    pub delivered_before: bool,
}

impl Marks {
    /// The bits that stores keep.
    #[must_use]
    pub const fn bits(self) -> i16 {
        self.test as i16 | (self.replay as i16) << 1 | (self.delivered_before as i16) << 2
    }

    /// Reads [`Self::bits`] back.
    #[must_use]
    pub const fn from_bits(bits: i16) -> Self {
        Self { test: bits & 1 != 0, replay: bits & 2 != 0, delivered_before: bits & 4 != 0 }
    }
}

/// A delivery that is due, as lanes have it in memory: everything except its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its id.
    pub id: DeliveryId,
    /// The lane it waits in.
    pub lane: LaneId,
    /// Its endpoint; `None` for an inline destination.
    pub endpoint: Option<EndpointId>,
    /// Since when it is due, by the database's clock.
    pub due_at: Timestamp,
    /// Where its event stands in the order of emission.
    pub seq: i64,
    /// Attempts made so far, ever: the fence of its state, and one less than the next attempt's number.
    pub attempts: i32,
    /// The value of `attempts` when its budget of attempts was last refilled.
    pub attempts_at_refill: i32,
    /// Why it exists.
    pub marks: Marks,
    /// Set only if the endpoint is ordered and the event has an ordering key.
    pub ordering_key: Option<Box<str>>,
}

/// A delivery to be inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// Its id, which contains its event's.
    pub id: DeliveryId,
    /// The lane it will wait in.
    pub lane: LaneId,
    /// Its endpoint; `None` for an inline destination.
    pub endpoint: Option<EndpointId>,
    /// Set only if the endpoint is ordered and the event has an ordering key.
    pub ordering_key: Option<String>,
    /// Why it exists.
    pub marks: Marks,
    /// When it may begin: its event's, unless it is made by a replay.
    pub schedule: Schedule,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_stable_across_versions() {
        // Stored: if this number changes, running installations lose their lanes.
        let lane = LaneId::of_inline("default", "https", "example.com", 443);
        assert_eq!(lane.shard(), (lane.as_i64() & 63) as u16);
        assert_eq!(lane, LaneId::of_inline("default", "https", "example.com", 443));
        assert_ne!(lane, LaneId::of_inline("default", "https", "example.co", 443));
    }

    #[test]
    fn marks_survive_a_store() {
        for bits in 0..8 {
            assert_eq!(Marks::from_bits(bits).bits(), bits);
        }
    }

    #[test]
    fn words_are_printed_as_the_contract_writes_them() {
        assert_eq!(HoldReason::EndpointDisabled.to_string(), "endpoint_disabled");
        assert_eq!(DeadReason::Exhausted.to_string(), "exhausted");
    }
}
