//! Verifications: deliveries whose answer must hold what was sent.

use crate::{attempt::Outcome, delivery::Due, event::VERIFICATION_TYPE, store::LoadedEvent};

/// Whether the answer must hold a challenge. An event of this type that somebody emits is one like any other: only tests are
/// made by the engine alone.
pub(super) fn is_one(due: &Due, event: &LoadedEvent) -> bool {
    due.marks.test && event.event.event_type == VERIFICATION_TYPE
}

/// The outcome, failed if it is a verification's and does not hold the challenge. What has no challenge cannot be answered.
pub(super) fn judged(outcome: Outcome, due: &Due, event: &LoadedEvent) -> Outcome {
    if !is_one(due, event) {
        return outcome;
    }
    let challenge = event.payload.as_deref().and_then(challenge);
    outcome.holding(challenge.as_deref())
}

/// The challenge in a payload.
fn challenge(payload: &[u8]) -> Option<String> {
    let document: serde_json::Value = serde_json::from_slice(payload).ok()?;
    document.get("challenge")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read_from_where_it_is_written() {
        assert_eq!(challenge(br#"{"challenge":"ab"}"#).as_deref(), Some("ab"));
        for none in [&b"{}"[..], b"", br#"{"challenge":1}"#] {
            assert_eq!(challenge(none), None);
        }
    }
}
