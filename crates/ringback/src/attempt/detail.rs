//! The part of an attempt that nothing is searched by, as stores keep it: what was sent and what came back, for people.
//!
//! Every delivery writes one, and it is most of what a delivery writes. So it is kept in postcard, numbers without
//! their zeros and usual header names as a number, which takes less than half of the room and of the time of JSON.

use std::{borrow::Cow, net::SocketAddr};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Timings;

/// The first byte, should there ever be another layout. No JSON begins with it.
const LAYOUT: u8 = 1;

/// What most of them fit into, in bytes.
const USUAL_BYTES: usize = 384;

/// What was sent and what came back.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Detail<'a> {
    /// Where the time went.
    #[serde(with = "in_micros")]
    pub timings: Timings,
    /// The address dialled.
    pub remote_addr: Option<SocketAddr>,
    /// The URL as it was requested.
    #[serde(borrow)]
    pub url: Cow<'a, str>,
    /// Lower-case names of what was sent; credentials read `***`, signatures are shown.
    #[serde(borrow, with = "named")]
    pub request_headers: Headers<'a>,
    /// Lower-case names of what was answered; empty without an answer.
    #[serde(borrow, with = "named")]
    pub response_headers: Headers<'a>,
    /// Whether there was more than the kept body.
    pub truncated: bool,
}

/// Names with their values, in the order in which they were sent.
pub type Headers<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

impl<'a> Detail<'a> {
    /// What a store keeps.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let written = postcard::to_extend(&(LAYOUT, self), Vec::with_capacity(USUAL_BYTES));
        // Only what cannot be counted beforehand cannot be written, and nothing here is such.
        written.map(Bytes::from).unwrap_or_default()
    }

    /// Reads it back. One that cannot be read is empty: it must not hide the outcome of its attempt.
    #[must_use]
    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        match postcard::from_bytes(bytes) {
            Ok((LAYOUT, detail)) => detail,
            _ => Self::default(),
        }
    }
}

/// Milliseconds as whole microseconds: finer than that they are not measured.
mod in_micros {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::Timings;

    type Micros = [Option<u64>; 5];

    pub(super) fn serialize<S: Serializer>(timings: &Timings, serializer: S) -> Result<S::Ok, S::Error> {
        let Timings { dns_ms, connect_ms, tls_ms, head_ms, body_ms } = *timings;
        // `as` cuts at the ends of the range; no time is negative.
        let micros: Micros =
            [dns_ms, connect_ms, tls_ms, head_ms, body_ms].map(|ms| ms.map(|ms| (ms * 1_000.0).round() as u64));
        micros.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timings, D::Error> {
        let micros = Micros::deserialize(deserializer)?;
        let [dns_ms, connect_ms, tls_ms, head_ms, body_ms] =
            micros.map(|micros| micros.map(|micros| micros as f64 / 1_000.0));
        Ok(Timings { dns_ms, connect_ms, tls_ms, head_ms, body_ms })
    }
}

/// Headers, the usual names of which are known by number.
mod named {
    use std::borrow::Cow;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

    use super::Headers;

    /// Stores hold places in this list: it may grow at its end, and nowhere else.
    const USUAL: [&str; 41] = [
        "accept-encoding",
        "authorization",
        "content-type",
        "user-agent",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "svix-id",
        "svix-timestamp",
        "svix-signature",
        "ringback-event-type",
        "ringback-event-time",
        "ringback-attempt",
        "ringback-test",
        "ringback-replay",
        "x-levrage-signature",
        "http_synthflow_signature",
        "x-retell-signature",
        "elevenlabs-signature",
        "x-hub-signature-256",
        "x-webhook-signature",
        "date",
        "server",
        "content-length",
        "connection",
        "keep-alive",
        "transfer-encoding",
        "content-encoding",
        "cache-control",
        "etag",
        "vary",
        "via",
        "location",
        "retry-after",
        "set-cookie",
        "strict-transport-security",
        "x-content-type-options",
        "x-powered-by",
        "x-request-id",
        "alt-svc",
        "ringback-id",
    ];

    #[derive(Serialize, Deserialize)]
    enum Name<'a> {
        Usual(u8),
        Spelled(&'a str),
    }

    impl<'a> Name<'a> {
        fn of(name: &'a str) -> Self {
            let place = USUAL.iter().position(|usual| *usual == name);
            place.and_then(|place| u8::try_from(place).ok()).map_or(Self::Spelled(name), Self::Usual)
        }

        fn text(self) -> Option<&'a str> {
            match self {
                Self::Usual(place) => USUAL.get(usize::from(place)).copied(),
                Self::Spelled(name) => Some(name),
            }
        }
    }

    pub(super) fn serialize<S: Serializer>(headers: &Headers<'_>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(headers.iter().map(|(name, value)| (Name::of(name), value)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Headers<'de>, D::Error> {
        let headers = Vec::<(Name<'de>, &'de str)>::deserialize(deserializer)?;
        let named = |(name, value): (Name<'de>, _)| Some((Cow::Borrowed(name.text()?), Cow::Borrowed(value)));
        headers.into_iter().map(named).collect::<Option<_>>().ok_or_else(|| D::Error::custom("a name without a number"))
    }

    #[test]
    fn no_usual_name_is_there_twice() {
        for (place, name) in USUAL.iter().enumerate() {
            assert!(matches!(Name::of(name), Name::Usual(found) if usize::from(found) == place), "{name}");
            assert_eq!(*name, name.to_ascii_lowercase());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers<'a>(names: &[(&'a str, &'a str)]) -> Headers<'a> {
        names.iter().map(|&(name, value)| (name.into(), value.into())).collect()
    }

    fn detail() -> Detail<'static> {
        Detail {
            timings: Timings {
                dns_ms: None,
                connect_ms: Some(0.0),
                tls_ms: Some(1.5),
                head_ms: Some(29_999.999),
                body_ms: Some(0.001),
            },
            remote_addr: Some("[2001:db8::1]:443".parse().unwrap()),
            url: "https://example.com/grüße?a=b".into(),
            request_headers: headers(&[("webhook-id", "evt_1"), ("x-of-a-caller", "***"), ("webhook-id", "")]),
            response_headers: headers(&[("set-cookie", "a"), ("set-cookie", "b\u{fffd}")]),
            truncated: true,
        }
    }

    #[test]
    fn what_was_kept_is_read_back() {
        for kept in [detail(), Detail::default()] {
            assert_eq!(Detail::from_bytes(&kept.to_bytes()), kept);
        }
    }

    #[test]
    fn what_cannot_be_read_is_empty() {
        let whole = detail().to_bytes();
        for end in 0..whole.len() {
            assert_eq!(Detail::from_bytes(&whole[..end]), Detail::default());
        }
        for strange in [&b"{}"[..], b"\x02", b"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"] {
            assert_eq!(Detail::from_bytes(strange), Detail::default());
        }
    }
}
