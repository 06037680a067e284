//! Identifiers: UUIDv7 inside, a prefix and 32 lower-case hex digits outside.
//!
//! The low 16 bits of an event's id are zero, and its deliveries are `event | n` with `n` from 1. So one range read over
//! delivery ids gives all deliveries of an event, and a delivery's event is computed from its id.

use std::{fmt, str::FromStr};

use uuid::Uuid;

use crate::time::Timestamp;

/// The low bits of an id that number an event's deliveries.
const DELIVERY_BITS: u128 = 0xffff;

/// The last millisecond that an id can hold.
const MILLIS_MAX: u128 = 0xffff_ffff_ffff;

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix}_ and 32 lower-case hex digits")]
pub struct Malformed {
    prefix: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The prefix of the printed form, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// The id as a store keeps it.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// An id read back from a store.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Malformed;

            fn from_str(text: &str) -> Result<Self, Malformed> {
                parse($prefix, text).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// One event. Its low 16 bits are zero; its time is the moment it was accepted.
    EventId, "evt"
);
id!(
    /// One delivery: its event's id with a number from 1 to 65,535 in the low 16 bits.
    DeliveryId, "dlv"
);
id!(
    /// One registered endpoint.
    EndpointId, "ep"
);
id!(
    /// One replay of many deliveries.
    ReplayId, "rpl"
);
id!(
    /// One expunge of many events.
    ExpungeId, "exp"
);
id!(
    /// One API token.
    TokenId, "tok"
);
id!(
    /// One link that opens pages without a login.
    LinkId, "lnk"
);
id!(
    /// One session of the dashboard.
    SessionId, "ses"
);

impl EventId {
    /// A new id at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let uuid = uuid_at(now).as_u128() & !DELIVERY_BITS;
        Self(Uuid::from_u128(uuid))
    }

    /// The `number`-th delivery of this event, counted from 1.
    #[must_use]
    pub const fn delivery(self, number: u16) -> DeliveryId {
        DeliveryId(Uuid::from_u128(self.0.as_u128() | number as u128))
    }

    /// When the event was accepted, to the millisecond.
    #[must_use]
    pub const fn accepted_at(self) -> Timestamp {
        time_of(self.0)
    }

    /// The smallest id that an event accepted at `time` can have: ids sort by time.
    #[must_use]
    pub const fn floor(time: Timestamp) -> Self {
        let ms = time.millis();
        let ms = if ms < 0 { 0 } else { ms as u128 };
        // Ids hold 48 bits of milliseconds, which last until the year 10889.
        let ms = if ms > MILLIS_MAX { MILLIS_MAX } else { ms };
        Self(Uuid::from_u128(ms << 80))
    }
}

impl DeliveryId {
    /// The event that this delivery belongs to.
    #[must_use]
    pub const fn event(self) -> EventId {
        EventId(Uuid::from_u128(self.0.as_u128() & !DELIVERY_BITS))
    }
}

impl EndpointId {
    /// A new id at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(uuid_at(now))
    }
}

impl ReplayId {
    /// A new id at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(uuid_at(now))
    }
}

impl ExpungeId {
    /// A new id at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(uuid_at(now))
    }
}

impl TokenId {
    /// A new id at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(uuid_at(now))
    }
}

impl LinkId {
    /// A new id at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(uuid_at(now))
    }
}

impl SessionId {
    /// A new id at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(uuid_at(now))
    }
}

/// A UUIDv7 (RFC 9562 §5.7) at `now` with random low bits.
fn uuid_at(now: Timestamp) -> Uuid {
    let ms = u64::try_from(now.millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(ms, &crate::chance::chance()).into_uuid()
}

const fn time_of(uuid: Uuid) -> Timestamp {
    Timestamp::from_millis((uuid.as_u128() >> 80) as i64)
}

fn parse(prefix: &'static str, text: &str) -> Result<Uuid, Malformed> {
    let malformed = Malformed { prefix };
    let digits = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')).ok_or(malformed.clone())?;
    let lower_hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    if digits.len() != 32 || !digits.as_bytes().iter().all(lower_hex) {
        return Err(malformed);
    }
    Uuid::try_parse(digits).map_err(|_| malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_of_an_event_share_its_bits() {
        let event = EventId::new(Timestamp::from_millis(1_700_000_000_123));
        let delivery = event.delivery(65_535);
        assert_eq!(delivery.event(), event);
        assert_eq!(event.accepted_at().millis(), 1_700_000_000_123);
        assert!(event.uuid() < delivery.uuid());
        assert_eq!(event.uuid().get_version_num(), 7);
    }

    #[test]
    fn only_the_printed_form_is_read_back() {
        let event = EventId::new(Timestamp::from_millis(1));
        assert_eq!(event.to_string().parse(), Ok(event));
        for wrong in ["", "evt_", "dlv_00000000000000000000000000000000", "evt_0000000000000000000000000000000G"] {
            assert!(wrong.parse::<EventId>().is_err(), "{wrong}");
        }
        assert!(event.to_string().to_uppercase().parse::<EventId>().is_err());
    }
}
