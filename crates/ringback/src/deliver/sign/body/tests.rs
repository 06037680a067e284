use serde_json::{Value, json};

use super::*;
use crate::{
    compute::is_small,
    delivery::Marks,
    endpoint::{Body, bounds::BESIDE_BODY_MAX},
    event::Event,
    id::EventId,
    time::Timestamp,
};

/// What JSON libraries would write in another way.
const PAYLOAD: &str = r#"{"call": {"id":"c-\u00e9\"1\"", "cost" : 3.0, "n":1e400, "tags":[ 1,2 ]}, "b":"\ud800"}"#;

fn event() -> Event {
    let id: EventId = "evt_01946a2b000070008000000000000000".parse().unwrap();
    let mut event = Event::plain(id);
    event.key = Some(r#"a "quoted" \ key"#.to_owned());
    event
}

fn made(body: &Value, payload: &[u8], attempt: i32) -> Result<(String, String), String> {
    let body: Body = serde_json::from_value(body.clone()).unwrap();
    let recipe = body.compile().unwrap();
    let (event, payload) = (event(), Bytes::copy_from_slice(payload));
    let message =
        Message { event: &event, body: &payload, attempt, marks: Marks::default(), now: Timestamp::from_millis(1) };
    let made = make(&recipe, &message).map_err(|why| why.to_string())?;
    Ok((String::from_utf8_lossy(&made.bytes).into_owned(), made.content_type.to_owned()))
}

fn filled(template: &str, content_type: &str, payload: &[u8]) -> Result<String, String> {
    made(&json!({"template": template, "content_type": content_type}), payload, 1).map(|(body, _)| body)
}

#[test]
fn values_are_copied_byte_for_byte() {
    let template = r#"{{"all":{body},"id":{json:/call/id},"said":"call {raw:/call/id}","cost":{raw:/call/cost},"n":{json:/call/n},"tags":{json:/call/tags},"b":{json:/b}}}"#;
    let body = filled(template, JSON, PAYLOAD.as_bytes()).unwrap();
    let expected = format!(
        r#"{{"all":{PAYLOAD},"id":"c-\u00e9\"1\"","said":"call c-\u00e9\"1\"","cost":3.0,"n":1e400,"tags":[ 1,2 ],"b":"\ud800"}}"#
    );
    assert_eq!(body, expected);
}

#[test]
fn what_the_engine_puts_in_is_escaped_where_it_must_be() {
    let template = "{{\"k\":\"{key}\",\"t\":\"{type}\",\"n\":{attempt},\"at\":\"{occurred_at}\",\"of\":\"{tenant}\"}}";
    let body = made(&json!({"template": template}), b"\xff", 7).unwrap().0;
    let read: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        read,
        json!({"k": r#"a "quoted" \ key"#, "t": "call.ended", "n": 7, "at": "1970-01-01T00:00:00Z", "of": "default"})
    );
    assert_eq!(filled("{key}", "text/plain", b"1").unwrap(), r#"a "quoted" \ key"#);
    assert!(filled("{id}", "text/plain", b"1").unwrap().starts_with("evt_"));
}

#[test]
fn what_a_payload_lacks_is_named() {
    let why_not = |template: &str, payload: &[u8]| filled(template, JSON, payload).unwrap_err();
    assert_eq!(
        why_not("{json:/call/id}{raw:/call/no}", PAYLOAD.as_bytes()),
        "the endpoint's body has the value at /call/no, and the payload has none there"
    );
    assert!(why_not("{raw:/a}", b"\xff").ends_with("the payload is not JSON"));
    assert!(why_not(r#"{{"a":{body}}}"#, b"not json").ends_with("the payload is not JSON"));
    assert_eq!(filled("a={body}", "text/plain", b"not json").unwrap(), "a=not json");
    assert!(made(&json!("envelope"), b"{", 1).unwrap_err().contains("not JSON"));
}

#[test]
fn a_body_is_hardly_longer_than_its_payload() {
    let payload = format!(r#"{{"a":"{}"}}"#, "x".repeat(BESIDE_BODY_MAX));
    assert!(filled("{raw:/a}{raw:/a}", JSON, payload.as_bytes()).is_ok());
    let why = filled("{raw:/a}{raw:/a}{raw:/a}", JSON, payload.as_bytes()).unwrap_err();
    assert!(why.contains("longer than the payload"), "{why}");
}

#[test]
fn forms_are_what_their_names_say() {
    let (body, content_type) = made(&json!("envelope"), PAYLOAD.as_bytes(), 1).unwrap();
    assert_eq!(body, format!(r#"{{"event":"call.ended","timestamp":"1970-01-01T00:00:00Z","data":{PAYLOAD}}}"#));
    assert_eq!(content_type, JSON);
    assert_eq!(made(&json!("raw"), b"\xff", 1).unwrap(), ("\u{fffd}".to_owned(), JSON.to_owned()));
    let binary = made(&json!("cloudevents-binary"), PAYLOAD.as_bytes(), 1).unwrap();
    assert_eq!(binary, (PAYLOAD.to_owned(), JSON.to_owned()));
    let (body, content_type) = made(&json!("cloudevents"), PAYLOAD.as_bytes(), 1).unwrap();
    assert!(body.ends_with(&format!(r#""data":{PAYLOAD}}}"#)) && content_type == "application/cloudevents+json");
    let (body, _) = made(&json!("slack"), PAYLOAD.as_bytes(), 1).unwrap();
    assert!(body.starts_with(r#"{"text":"*call.ended*"#), "{body}");
}

#[test]
fn every_attempt_has_the_same_bytes_unless_they_say_its_number() {
    for form in crate::endpoint::BodyForm::ALL {
        let form = json!(form.name());
        assert_eq!(made(&form, PAYLOAD.as_bytes(), 1), made(&form, PAYLOAD.as_bytes(), 2), "{form}");
    }
    let template = json!({"template": "{attempt}"});
    assert_ne!(made(&template, b"1", 1), made(&template, b"1", 2));
}

#[test]
fn large_bodies_are_made_elsewhere_and_the_payload_itself_costs_nothing() {
    let effort = |body: Value, bytes| {
        let body: Body = serde_json::from_value(body).unwrap();
        effort(&body.compile().unwrap(), bytes)
    };
    assert_eq!(effort(json!("raw"), usize::MAX), 0);
    let template = json!({"template": "{json:/a/b/c}"});
    assert!(is_small(effort(template.clone(), 16 * 1024)) && !is_small(effort(template, 64 * 1024)));
}
