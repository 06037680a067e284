//! The part of an attempt that nothing is searched by, as stores keep it: what was sent and what came back, for people.
//!
//! Every delivery writes one, and it is most of what a delivery writes. So it is kept in postcard, numbers without
//! their zeros and usual header names as a number, which takes less than half of the room and of the time of JSON.

use std::{borrow::Cow, net::SocketAddr};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Timings;
use crate::endpoint::Method;

/// The first byte: which layout follows. No JSON begins with it.
const LAYOUT: u8 = 1;

/// The layout of a request that is no POST: the other one, and then the method. What most requests are costs nothing.
const WITH_METHOD: u8 = 2;

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
    /// The request's method; written behind all else, and only if it is no POST.
    #[serde(skip)]
    pub method: Method,
}

/// Names with their values, in the order in which they were sent.
pub type Headers<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

impl<'a> Detail<'a> {
    /// What a store keeps.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let room = Vec::with_capacity(USUAL_BYTES);
        let written = match self.method {
            Method::Post => postcard::to_extend(&(LAYOUT, self), room),
            method => postcard::to_extend(&(WITH_METHOD, self, method), room),
        };
        // Only what cannot be counted beforehand cannot be written, and nothing here is such.
        written.map(Bytes::from).unwrap_or_default()
    }

    /// Reads it back. One that cannot be read is empty: it must not hide the outcome of its attempt.
    #[must_use]
    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        if bytes.first() == Some(&WITH_METHOD) {
            return match postcard::from_bytes(bytes) {
                Ok((WITH_METHOD, detail, method)) => Self { method, ..detail },
                _ => Self::default(),
            };
        }
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

/// Headers, the usual names of which are known by number, and of equal values the first alone: most requests say the
/// event's id twice, once for the scheme and once behind the prefix of Ringback's own names.
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

    /// Shorter values are as short as saying which header has them, in bytes.
    const REPEATED_MIN: usize = 4;

    /// Stores hold these by their order: there may be further ones below, and nowhere else.
    #[derive(Serialize, Deserialize)]
    enum Name<'a> {
        Usual(u8),
        Spelled(&'a str),
        /// A usual name, and which of the headers before it has its value; it is written without one.
        Repeating(u8, u8),
    }

    impl<'a> Name<'a> {
        fn of(name: &'a str) -> Self {
            let place = USUAL.iter().position(|usual| *usual == name);
            place.and_then(|place| u8::try_from(place).ok()).map_or(Self::Spelled(name), Self::Usual)
        }
    }

    pub(super) fn serialize<S: Serializer>(headers: &Headers<'_>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(headers.iter().enumerate().map(|(index, (name, value))| {
            let name = Name::of(name);
            match (&name, first_with(value, &headers[..index])) {
                (Name::Usual(usual), Some(first)) => (Name::Repeating(*usual, first), ""),
                _ => (name, &**value),
            }
        }))
    }

    /// Which of these headers has a value that is worth not being written again.
    fn first_with(value: &str, before: &[(Cow<'_, str>, Cow<'_, str>)]) -> Option<u8> {
        if value.len() < REPEATED_MIN {
            return None;
        }
        before.iter().position(|(_, other)| other == value)?.try_into().ok()
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Headers<'de>, D::Error> {
        let written = Vec::<(Name<'de>, &'de str)>::deserialize(deserializer)?;
        let mut headers = Headers::with_capacity(written.len());
        for (name, value) in written {
            headers.push(read(name, value, &headers).ok_or_else(|| D::Error::custom("a number without a header"))?);
        }
        Ok(headers)
    }

    fn read<'a>(name: Name<'a>, value: &'a str, before: &Headers<'a>) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
        let usual = |place: u8| USUAL.get(usize::from(place)).map(|name| Cow::Borrowed(*name));
        Some(match name {
            Name::Usual(place) => (usual(place)?, value.into()),
            Name::Spelled(name) => (name.into(), value.into()),
            Name::Repeating(place, first) => (usual(place)?, before.get(usize::from(first))?.1.clone()),
        })
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
            request_headers: headers(&[
                ("x-of-a-caller", "***"),
                ("webhook-id", "evt_1"),
                ("webhook-id", ""),
                ("ringback-id", "evt_1"),
                ("x-of-a-caller", "evt_1"),
            ]),
            response_headers: headers(&[("set-cookie", "a"), ("set-cookie", "b\u{fffd}")]),
            truncated: true,
            method: Method::Post,
        }
    }

    #[test]
    fn what_was_kept_is_read_back() {
        let patch = Detail { method: Method::Patch, ..detail() };
        assert_eq!(patch.to_bytes().len(), detail().to_bytes().len() + 1 + "PATCH".len());
        for kept in [detail(), Detail::default(), patch] {
            assert_eq!(Detail::from_bytes(&kept.to_bytes()), kept);
        }
    }

    #[test]
    fn an_equal_value_is_written_once() {
        let bytes = |other: &str| {
            let id = "evt_01980000000070008000000000000000";
            let request_headers = headers(&[("webhook-id", id), ("ringback-id", other)]);
            Detail { request_headers, ..Detail::default() }.to_bytes().len()
        };
        let (same, another) =
            (bytes("evt_01980000000070008000000000000000"), bytes("evt_01980000000070008000000000000001"));
        assert!(same + 30 < another, "{same} and {another} bytes");
        // One that is said to repeat itself, or one after it.
        let headers = headers(&[("webhook-id", "evt_1"), ("ringback-id", "evt_1")]);
        let whole = Detail { request_headers: headers, ..Detail::default() }.to_bytes();
        let repeating = whole.windows(4).position(|bytes| bytes == [2, 40, 0, 0]).unwrap();
        for later in [1, 2, 255] {
            let mut strange = whole.to_vec();
            strange[repeating + 2] = later;
            assert_eq!(Detail::from_bytes(&strange), Detail::default());
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
