//! The events of the story's platforms: one sample for each vendor's document, with its fields and invented values.

/// One event to emit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// Its type, as the document spells it.
    pub(super) event_type: &'static str,
    /// The id under which the platform knows the call.
    pub(super) key: &'static str,
    text: &'static str,
}

impl Sample {
    /// The same for another call.
    pub(super) const fn with_key(self, key: &'static str) -> Self {
        Self { key, ..self }
    }

    /// The payload: the file without the line end that editors add.
    pub(super) fn payload(&self) -> &'static str {
        self.text.trim_end()
    }
}

/// An envelope with the whole call inside; `duration_minutes` is `4.0`, and there is Hindi in the transcript.
pub(super) const LEVRAGE: Sample =
    Sample { event_type: "CALL_ENDED", key: "call-1042", text: include_str!("levrage_call_ended.json") };

/// A bare object with fifteen fields: type and time are nowhere in it.
pub(super) const LEVERS: Sample = Sample {
    event_type: "phone_call.ended",
    key: "0697f3a4-5b1c-7d20-8000-4be1d20c9a11",
    text: include_str!("levers_phone_call_ended.json"),
};

/// Goes to the URL that came with the request which started the call.
pub(super) const EXTERNAL: Sample = Sample {
    event_type: "call.completed",
    key: "1738324812345x987654321012345678",
    text: include_str!("external_webhook.json"),
};

/// One of the sixteen types of the generic document.
pub(super) const GENERIC: Sample =
    Sample { event_type: "call.ended", key: "call-2077", text: include_str!("generic_call_ended.json") };

/// Another one, which nobody in the story asked for.
pub(super) const UNWANTED: Sample = Sample {
    event_type: "agent.status_changed",
    key: "agent-front-desk",
    text: include_str!("generic_agent_status.json"),
};
