//! Bounds of the signed message and of a request's head. A template may repeat its placeholders, so without bounds a few
//! kilobytes could stand for gigabytes, at every attempt.
//!
//! A template that alone exceeds a bound is refused when it is given. Templates that were stored before there were bounds,
//! and sizes that depend on the payload, are checked at every attempt.

use super::{
    Method,
    placeholder::InMessage,
    template::{Part, Template},
};
use crate::{id::EventId, invalid::Invalid};

/// Most bytes of a signed message beside the payload's own, and most by which a body may be longer than its payload.
pub(crate) const BESIDE_BODY_MAX: usize = 64 * 1024;

/// Most walks through the payload that making a message may take: for each value one, and one for each step of the value's
/// pointer. Walking through a megabyte takes some 2 ms.
const WALKS_MAX: usize = 32;

/// Most values of the payload that a body's template holds: a form has a few dozen. One walk finds all of them, but compares
/// each name on its way with each name that is looked for.
pub(super) const VALUES_MAX: usize = 64;

/// Most steps of a pointer in a body's template: a walk through the payload for each.
pub(super) const STEPS_MAX: usize = 16;

/// Most bytes of a request's head. 32 headers of 4 KiB, the scheme's and an authorization take 170 KiB; only placeholders
/// can make more.
pub(crate) const HEAD_BYTES_MAX: usize = 256 * 1024;

/// Longest name of a header that callers choose, in bytes.
pub(crate) const HEADER_NAME_BYTES_MAX: usize = 256;

/// A printed event id: prefix, underscore, 32 hex digits.
const EVENT_ID_BYTES: usize = EventId::PREFIX.len() + 1 + 32;

/// Why a message exceeds its bounds with any payload: a code, and words that follow "the message".
pub(crate) fn excess(message: &Template<InMessage>) -> Option<(&'static str, String)> {
    let (mut bodies, mut walks) = (0, 0);
    for part in message.parts() {
        match part {
            Part::Value(InMessage::Body) => bodies += 1,
            Part::Value(InMessage::Json(pointer)) => walks += 1 + pointer.steps(),
            _ => {}
        }
    }
    if bodies > 1 {
        Some(("too_many", format!("holds {{body}} {bodies} times; it may stand there once")))
    } else if walks > WALKS_MAX {
        let detail =
            format!("looks for values of the payload {walks} steps far in all; at most {WALKS_MAX} are allowed");
        Some(("too_many", detail))
    } else {
        None
    }
}

/// Checks the message of a scheme for a destination at `url`; findings are at `/scheme/message`.
pub(crate) fn check_message(message: &Template<InMessage>, url: &str, invalid: &mut Invalid) {
    if let Some((code, detail)) = excess(message) {
        invalid.add("/scheme/message", code, detail);
        return;
    }
    let beside: usize = message.parts().iter().map(|part| beside_body(part, url)).sum();
    if beside > BESIDE_BODY_MAX {
        let detail = format!("has {beside} bytes beside {{body}}; at most {BESIDE_BODY_MAX} are allowed");
        invalid.add("/scheme/message", "too_long", detail);
    }
}

/// The fewest bytes that a part of a message can take.
fn beside_body(part: &Part<InMessage>, url: &str) -> usize {
    match part {
        Part::Text(text) => text.len(),
        Part::Value(InMessage::Id) => EVENT_ID_BYTES,
        Part::Value(InMessage::Timestamp) => "1700000000".len(),
        Part::Value(InMessage::TimestampMs) => "1700000000000".len(),
        Part::Value(InMessage::Url) => url.len(),
        Part::Value(InMessage::Method) => Method::Put.name().len(),
        Part::Value(InMessage::Body | InMessage::Json(_)) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(message: &str, url: &str) -> Option<(String, &'static str)> {
        let mut invalid = Invalid::default();
        check_message(&Template::parse(message).unwrap(), url, &mut invalid);
        invalid.findings.pop().map(|finding| (finding.pointer, finding.code))
    }

    #[test]
    fn what_would_multiply_is_refused() {
        let at = |code| Some(("/scheme/message".to_owned(), code));
        assert_eq!(found("{id}.{timestamp}.{body}{json:/a}{json:/b}", "https://a.example/"), None);
        assert_eq!(found("{body}{body}", ""), at("too_many"));
        assert_eq!(found(&"{json:/a}".repeat(16), ""), None);
        assert_eq!(found(&"{json:/a}".repeat(17), ""), at("too_many"));
        assert_eq!(found(&format!("{{json:{}}}", "/a".repeat(31)), ""), None);
        assert_eq!(found(&format!("{{json:{}}}", "/a".repeat(32)), ""), at("too_many"));
        assert_eq!(found(&"{url}".repeat(32), &"u".repeat(2_048)), None);
        assert_eq!(found(&"{url}".repeat(33), &"u".repeat(2_048)), at("too_long"));
        assert_eq!(found(&"{id}".repeat(1_024), &"u".repeat(2_048)), None, "the longest template holds no more ids");
    }

    #[test]
    fn an_id_has_as_many_bytes_as_are_counted() {
        assert_eq!(EventId::new(crate::time::Timestamp::now()).to_string().len(), EVENT_ID_BYTES);
    }
}
