//! What an incoming webhook of Slack gets: a sentence about the event.
//!
//! It is made from the event alone, so that every attempt and replay has the same bytes.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{event::Event, told::Told};

/// Most bytes of a value from the payload that the text repeats.
const VALUE_BYTES_MAX: usize = 300;

/// The body for an event.
pub(super) fn body(event: &Event, payload: &[u8]) -> Bytes {
    let text = match event.event_type.parse::<Told>() {
        Ok(told) => of_operations(told, payload),
        Err(_) => of_platform(event),
    };
    Bytes::from(json!({ "text": text }).to_string())
}

/// What an operational event says.
fn of_operations(told: Told, payload: &[u8]) -> String {
    let said: Value = serde_json::from_slice(payload).unwrap_or_default();
    let text = |pointer: &str| said.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let named = ["/endpoint/name", "/endpoint/key", "/endpoint/url", "/endpoint/id"].into_iter().find_map(text);
    let mut lines = format!("*Ringback*: {}", told.sentence());
    if let Some(count) = said["count"].as_u64().filter(|count| *count > 1) {
        lines.push_str(&format!(" ({count})"));
    }
    let facts = [
        ("endpoint", named),
        ("tenant", text("/tenant")),
        ("reason", text("/reason")),
        ("last error", text("/last_error")),
        ("since", text("/since")),
        ("for example", text("/example")),
    ];
    for (name, value) in facts {
        if let Some(value) = value {
            lines.push_str(&format!("\n{name}: {}", plain(value)));
        }
    }
    lines
}

fn of_platform(event: &Event) -> String {
    let key = event.key.as_deref().map(|key| format!(" {}", plain(key))).unwrap_or_default();
    format!("*{}*{key} (tenant {}, {})", event.event_type, event.tenant, event.id)
}

/// Nothing in it is markup: <https://api.slack.com/reference/surfaces/formatting#escaping>.
fn plain(text: &str) -> String {
    let end = text.floor_char_boundary(VALUE_BYTES_MAX);
    text[..end].replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::EventId, time::Timestamp};

    fn text(event_type: &str, key: Option<&str>, payload: &Value) -> String {
        let mut event = Event::plain(EventId::new(Timestamp::from_millis(0)));
        event.event_type = event_type.to_owned();
        event.key = key.map(str::to_owned);
        let body: Value = serde_json::from_slice(&body(&event, payload.to_string().as_bytes())).unwrap();
        body["text"].as_str().unwrap().to_owned()
    }

    #[test]
    fn operational_events_are_told_in_sentences_and_without_markup() {
        let payload = json!({"count": 9_800, "tenant": "acme", "reason": "exhausted", "last_error": "status 503",
            "endpoint": {"name": "<!channel> & co", "url": "https://example.com/"}});
        let said = text("ringback.delivery.dead", None, &payload);
        assert_eq!(
            said,
            "*Ringback*: deliveries became dead letters (9800)\nendpoint: &lt;!channel&gt; &amp; co\ntenant: acme\n\
             reason: exhausted\nlast error: status 503"
        );
        for payload in [json!("junk"), json!({"count": 1})] {
            let said = text("ringback.backlog.stale", None, &payload);
            assert_eq!(said, format!("*Ringback*: {}", Told::Stale.sentence()));
        }
    }

    #[test]
    fn other_events_are_named() {
        let said = text("call.ended", Some("call-<42>"), &json!({"secret": "s3cret"}));
        assert!(said.starts_with("*call.ended* call-&lt;42&gt; (tenant default, evt_"), "{said}");
        assert!(!said.contains("s3cret"));
    }
}
