//! An event as CloudEvents 1.0 says it: <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md>.
//!
//! The source is `/tenants/{tenant}`, and with it the id is unique, as the specification wants. Whoever needs another one
//! writes a template.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::HeaderName;
use serde_json::Value;

use super::{super::headers::Headers, JSON, is_json, joined};
use crate::event::Event;

/// What a structured event is.
pub(super) const CONTENT_TYPE: &str = "application/cloudevents+json";

/// What a payload is that is not JSON: nothing more is known about it.
const BYTES: &str = "application/octet-stream";

const VERSION: &str = "1.0";

/// The event in structured mode: all of it in the body.
pub(super) fn structured(event: &Event, payload: &[u8]) -> Bytes {
    let subject = event.key.as_deref().map(|key| format!(r#","subject":{}"#, Value::from(key))).unwrap_or_default();
    let before = format!(
        r#"{{"specversion":"{VERSION}","id":"{}","source":"{}","type":"{}","time":"{}"{subject},"datacontenttype":"#,
        event.id,
        source(event),
        event.event_type,
        event.occurred_at,
    );
    if is_json(payload) {
        let data = format!(r#""{JSON}","data":"#);
        joined(&[before.as_bytes(), data.as_bytes(), payload, b"}"])
    } else {
        let data = format!(r#""{BYTES}","data_base64":"{}"}}"#, STANDARD.encode(payload));
        joined(&[before.as_bytes(), data.as_bytes()])
    }
}

/// What the payload is, in binary mode.
pub(super) fn content_type(payload: &[u8]) -> &'static str {
    if is_json(payload) { JSON } else { BYTES }
}

/// The event's attributes in binary mode. They are no part of what schemes sign.
pub(in crate::deliver::sign) fn attributes(event: &Event, headers: &mut Headers) {
    let name = HeaderName::from_static;
    headers.fixed(name("ce-specversion"), VERSION);
    headers.open(name("ce-id"), |out| out.push_str(&event.id.to_string()));
    headers.open(name("ce-source"), |out| out.push_str(&source(event)));
    headers.open(name("ce-type"), |out| out.push_str(&event.event_type));
    headers.open(name("ce-time"), |out| out.push_str(&event.occurred_at.to_string()));
    if let Some(key) = &event.key {
        headers.open(name("ce-subject"), |out| percent_encoded(key, out));
    }
}

fn source(event: &Event) -> String {
    format!("/tenants/{}", event.tenant)
}

/// As the HTTP binding writes values, §3.1.3.2: a space, a quote, a percent sign and what is no visible ASCII as the
/// percent-encoded bytes of its UTF-8.
fn percent_encoded(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'"' | b'%' | 0..=b' ' | 0x7f.. => out.push_str(&format!("%{byte:02X}")),
            _ => out.push(char::from(byte)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::EventId, time::Timestamp};

    fn event(key: Option<&str>) -> Event {
        let mut event = Event::plain(EventId::new(Timestamp::from_millis(0)));
        event.key = key.map(str::to_owned);
        event
    }

    #[test]
    fn a_payload_stays_as_it_is_and_bytes_are_base64() {
        let event = event(Some("a \"b\""));
        let text = String::from_utf8(structured(&event, br#"{"n": 3.0}"#).to_vec()).unwrap();
        let id = event.id;
        assert_eq!(
            text,
            format!(
                r#"{{"specversion":"1.0","id":"{id}","source":"/tenants/default","type":"call.ended","time":"1970-01-01T00:00:00Z","subject":"a \"b\"","datacontenttype":"application/json","data":{{"n": 3.0}}}}"#
            )
        );
        let bytes: Value = serde_json::from_slice(&structured(&event, b"\xff")).unwrap();
        assert_eq!((&bytes["data_base64"], bytes.get("data")), (&Value::from("/w=="), None));
        assert_eq!((content_type(b"{}"), content_type(b"\xff")), (JSON, BYTES));
    }

    #[test]
    fn subjects_are_percent_encoded_once() {
        let mut out = String::new();
        percent_encoded("Euro € 100%", &mut out);
        assert_eq!(out, "Euro%20%E2%82%AC%20100%25");
    }
}
