//! What is left of stored rows when their event is expunged.
//!
//! The payload is erased, and all that receivers answered, since they may echo it. Of the requests, what tells nothing of
//! the event stays: times, addresses, the names of headers, signatures. An inline destination came with the event, so its
//! path, query and credentials are erased, too; its origin stays, as the answer to "where did it go?".

use bytes::Bytes;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{
    attempt::{Attempt, Detail},
    endpoint::{KeptDestination, as_it_is_sent},
    id::EventId,
};

/// An attempt's detail without the receiver's answer; `is_inline` says that the URL came with the event.
#[must_use]
pub fn erased_detail(detail: &[u8], is_inline: bool) -> Bytes {
    let mut left = Detail::from_bytes(detail);
    left.response_headers = Vec::new();
    left.truncated = false;
    if is_inline {
        left.url = origin(&left.url).into();
    }
    left.to_bytes()
}

/// What is stored of an attempt that ends after its event was expunged.
#[must_use]
pub fn erased_attempt(attempt: &Attempt, is_inline: bool) -> Attempt {
    Attempt { detail: erased_detail(&attempt.detail, is_inline), response_body: Bytes::new(), ..attempt.clone() }
}

/// What is left of a stored inline destination: its origin.
#[must_use]
pub fn erased_destination(stored: &str) -> String {
    json!({"url": KeptDestination::url_of(stored).map(|url| origin(&url)).unwrap_or_default()}).to_string()
}

/// Scheme, host and port of a URL, with the path `/`; empty if the text is no URL.
fn origin(url: &str) -> String {
    let origin = as_it_is_sent(url).map(|url| url.origin());
    origin.filter(url::Origin::is_tuple).map(|origin| format!("{}/", origin.ascii_serialization())).unwrap_or_default()
}

/// The digest of a receipt: SHA-256 over the ids as they are printed, in ascending order, a line feed after each.
#[derive(Debug, Default)]
pub struct IdsDigest(Sha256);

impl IdsDigest {
    /// Adds the next id.
    pub fn add(&mut self, id: EventId) {
        self.0.update(format!("{id}\n"));
    }

    /// The digest of all that were added, as 64 lower-case hex digits.
    #[must_use]
    pub fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn detail() -> Bytes {
        Detail {
            remote_addr: Some("192.0.2.1:443".parse().unwrap()),
            url: "https://example.com:8443/calls/+4915100000?caller=canary".into(),
            request_headers: vec![("webhook-id".into(), "evt_1".into())],
            response_headers: vec![("x-echo".into(), "canary".into())],
            truncated: true,
            ..Detail::default()
        }
        .to_bytes()
    }

    #[test]
    fn nothing_of_an_answer_is_left() {
        let erased = erased_detail(&detail(), false);
        let left = Detail::from_bytes(&erased);
        assert_eq!((left.response_headers.len(), left.truncated), (0, false));
        assert_eq!(left.request_headers, [("webhook-id".into(), "evt_1".into())]);
        assert!(left.url.ends_with("?caller=canary"), "an endpoint's URL is its owner's, not the event's");
        assert_eq!(erased_detail(&erased, false), erased, "erasing again changes nothing");
    }

    #[test]
    fn of_a_url_that_came_with_the_event_the_origin_is_left() {
        let erased = erased_detail(&detail(), true);
        assert_eq!(Detail::from_bytes(&erased).url, "https://example.com:8443/");
        for (stored, left) in [
            (r#"{"url":"https://example.com/canary?a","sealed":"c2VhbGVk"}"#, r#"{"url":"https://example.com/"}"#),
            (r#"{"url":"example.com/canary","endpoint_key":"canary"}"#, r#"{"url":"https://example.com/"}"#),
            (r#"{"url":"example.com?next=https://canary.example/"}"#, r#"{"url":"https://example.com/"}"#),
            (r#"{"url":"https://user:canary@example.com:444/"}"#, r#"{"url":"https://example.com:444/"}"#),
            (r#"{"url":"data:canary"}"#, r#"{"url":""}"#),
            ("canary", r#"{"url":""}"#),
        ] {
            assert_eq!(erased_destination(stored), left, "{stored}");
        }
    }

    #[test]
    fn a_digest_can_be_made_with_sha256sum() {
        let mut digest = IdsDigest::default();
        digest.add(EventId::floor(Timestamp::from_millis(0)));
        // printf 'evt_00000000000000000000000000000000\n' | sha256sum
        assert_eq!(digest.finish(), "589d5b367439b9346d560e368d1841da49d2cf4252317ee876b4629efffdd624");
    }
}
