//! What platforms say when a call ends: `tests/samples`, and the large one.

use sha2::{Digest as _, Sha256};

/// A body in the shape of one vendor's document.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The event type that the document names.
    pub event_type: &'static str,
    /// The payload, byte for byte.
    pub body: Vec<u8>,
}

impl Sample {
    fn new(event_type: &'static str, text: &str) -> Self {
        // A file ends with a newline; a payload begins and ends with its value.
        Self { event_type, body: text.trim().as_bytes().to_vec() }
    }

    /// SHA-256 of the payload in hex.
    #[must_use]
    pub fn sha256(&self) -> String {
        hex::encode(Sha256::digest(&self.body))
    }
}

/// Levrage's envelope, with a cost and a duration that JavaScript would print in another way.
#[must_use]
pub fn levrage() -> Sample {
    Sample::new("CALL_ENDED", include_str!("../samples/levrage_call_ended.json"))
}

/// The same shape with Devanagari, an emoji as it is and as an escape, and numbers in odd forms.
#[must_use]
pub fn levrage_non_ascii() -> Sample {
    Sample::new("CALL_ENDED", include_str!("../samples/non_ascii_levrage.json"))
}

/// The same shape with the transcript of a very long call: more than 200 KB.
#[must_use]
pub fn levrage_large() -> Sample {
    large(levrage(), "I would like to move my appointment, if that is possible at all. ")
}

/// Levers' bare object of fifteen fields.
#[must_use]
pub fn levers() -> Sample {
    Sample::new("phone_call.ended", include_str!("../samples/levers_phone_call_ended.json"))
}

/// The same shape with text beyond ASCII.
#[must_use]
pub fn levers_non_ascii() -> Sample {
    Sample::new("phone_call.ended", include_str!("../samples/non_ascii_levers.json"))
}

/// The same shape, more than 200 KB.
#[must_use]
pub fn levers_large() -> Sample {
    large(levers(), "Contact: after six, please. Assistant: noted, after six. ")
}

/// The nested object that goes to the URL that came with the call.
#[must_use]
pub fn external() -> Sample {
    Sample::new("call.completed", include_str!("../samples/external_call_completed.json"))
}

/// An event of the generic platform, whose document shows no payload.
#[must_use]
pub fn generic() -> Sample {
    Sample::new("call.ended", include_str!("../samples/generic_call_ended.json"))
}

/// The sixteen event types that the generic document lists in prose, in its order.
pub const GENERIC_TYPES: [&str; 16] = [
    "call.started",
    "call.ended",
    "call.failed",
    "call.queued",
    "call.transcript.ready",
    "call.recording.ready",
    "call.quality.scored",
    "call.cost.calculated",
    "agent.status.changed",
    "agent.config.updated",
    "agent.sync.changed",
    "agent.performance.alerted",
    "knowledge_base.updated",
    "phone_number.changed",
    "user.action.performed",
    "system.maintenance.scheduled",
];

/// Puts a long text under a member of its own, in front of all others.
fn large(sample: Sample, sentence: &str) -> Sample {
    let text = sentence.repeat(200 * 1024 / sentence.len() + 1);
    let mut body = format!(r#"{{"whole_transcript": "{text}","#).into_bytes();
    body.extend_from_slice(&sample.body[1..]);
    assert!(body.len() > 200 * 1024);
    Sample { body, ..sample }
}
