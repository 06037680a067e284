//! Destinations that come with an event.

use serde_json::json;

use super::*;
use crate::{deliver::sign, id::EventId, invalid::Warning, seal::MasterKeys};

pub(super) fn keys() -> MasterKeys {
    MasterKeys::parse(&"01".repeat(32), &[]).unwrap()
}

pub(super) fn keep(document: Value, inherit: Option<&Endpoint>) -> Result<(KeptDestination, Vec<Warning>), Invalid> {
    let destination = Destination::read(document);
    KeptDestination::keep(&destination, inline_event(), &keys(), inherit, &Egress::default(), "ringback-")
}

pub(super) fn inline_event() -> EventId {
    EventId::floor(Timestamp::from_millis(1_700_000_000_000))
}

pub(super) fn usable(kept: &KeptDestination, inherit: Option<&Endpoint>) -> Target {
    kept.usable(inline_event(), &keys(), inherit, &Egress::default()).unwrap()
}

#[test]
fn an_inline_url_is_unsigned_and_external() {
    let (kept, warnings) = keep(json!({"url": "www.example.com/webhook_url"}), None).unwrap();
    assert_eq!((kept.url.as_str(), warnings[0].code), ("https://www.example.com/webhook_url", "url_scheme_added"));
    assert_eq!(serde_json::to_value(&kept).unwrap(), json!({"url": "https://www.example.com/webhook_url"}));
    let target = usable(&kept, None);
    assert_eq!(
        (&target.scheme, target.timeout.as_secs(), &target.retry),
        (&Scheme::None, 10, &Preset::External.retry())
    );
}

#[test]
fn inline_secrets_are_sealed_for_their_event() {
    let document =
        json!({"url": "https://example.com/", "preset": "levrage", "secret": "hidden", "headers": {"X-A": "hidden"}});
    let (kept, _) = keep(document, None).unwrap();
    let text = serde_json::to_string(&kept).unwrap();
    assert!(!text.contains("hidden"), "{text}");
    let read: KeptDestination = serde_json::from_str(&text).unwrap();
    let target = usable(&read, None);
    assert_eq!(
        (target.credentials.secrets[0].text.as_str(), target.credentials.headers["X-A"].as_str()),
        ("hidden", "hidden")
    );
    let other = EventId::floor(Timestamp::from_millis(1));
    let refusal = read.usable(other, &keys(), None, &Egress::default()).unwrap_err();
    assert!(refusal.contains("another row"), "{refusal}");
}

#[test]
fn what_sql_writes_is_read() {
    let kept: KeptDestination = serde_json::from_str(r#"{"url":"example.com/x"}"#).unwrap();
    assert_eq!(usable(&kept, None).url.url.as_str(), "https://example.com/x");
    let kept: KeptDestination = serde_json::from_str(r#"{"url":"http://169.254.169.254/"}"#).unwrap();
    let refusal = kept.usable(inline_event(), &keys(), None, &Egress::default()).unwrap_err();
    assert!(refusal.starts_with("url: "), "{refusal}");
}

#[test]
fn wrong_inline_destinations_name_the_field() {
    let wrong = |fields: Value| found(keep(fields, None));
    let url = "https://example.com/";
    assert_eq!(wrong(json!({})), one("/url", "required"));
    assert_eq!(wrong(json!("https://example.com")).first().unwrap(), &(String::new(), "wrong_type"));
    assert_eq!(wrong(json!({"url": "https://10.0.0.1/"})), one("/url", "blocked_destination"));
    assert_eq!(wrong(json!({"url": url, "auth": {}})), one("/auth", "unknown_field"));
    assert_eq!(wrong(json!({"url": url, "endpoint_key": "k"})), one("/endpoint_key", "unknown_endpoint_key"));
    assert_eq!(wrong(json!({"url": url, "preset": "default"})), one("/secret", "required"));
    assert_eq!(wrong(json!({"url": url, "secret": "hidden"})), one("/secret", "malformed"));
    assert_eq!(wrong(json!({"url": url, "timeout_ms": 60_001})), one("/timeout_ms", "out_of_range"));
    assert_eq!(wrong(json!({"url": url, "retry": {"delays_ms": []}})), one("/retry/delays_ms", "out_of_range"));
    assert_eq!(wrong(json!({"url": url, "headers": {"a": "{b}"}})), one("/headers/a", "unknown_placeholder"));
}

#[test]
fn the_same_destination_has_the_same_fingerprint() {
    let print = |document| Destination::read(document).fingerprint();
    let plain = json!({"url": "https://example.com/"});
    assert_eq!(print(plain.clone()), Destination::to("https://example.com/").fingerprint());
    assert_ne!(print(plain), print(json!({"url": "https://example.com/", "secret": "x"})));
}

#[test]
fn an_inline_delivery_is_signed_with_its_own_secret() {
    let (kept, _) =
        keep(json!({"url": "https://example.com/", "scheme": "plain-hex", "secret": "bland_secret"}), None).unwrap();
    let body = bytes::Bytes::from_static(br#"{"test": 2432232314}"#);
    let event = crate::event::Event::plain(inline_event());
    let message = sign::Message {
        event: &event,
        body: &body,
        attempt: 1,
        marks: crate::delivery::Marks::default(),
        now: Timestamp::from_millis(0),
    };
    let signed = sign::compose(&usable(&kept, None), &message, &sign::OwnNames::behind("ringback-").unwrap()).unwrap();
    assert_eq!(
        signed.headers["x-webhook-signature"],
        "9ac4d57f4702c0cd8c19eb8880a3db18acc06dcff5ee83e44bad7fd52566f20d"
    );
}

#[test]
fn an_inline_destination_is_tried_twenty_times_at_most_and_never_without_a_pause() {
    let refused = |retry: Value| {
        let refusal = keep(json!({"url": "https://example.com/", "retry": retry}), None).unwrap_err();
        refusal.findings.into_iter().map(|finding| finding.pointer).collect::<Vec<_>>()
    };
    for attempts in [21, 100, 101] {
        assert_eq!(refused(json!({"max_attempts": attempts})), ["/retry/max_attempts"], "{attempts}");
    }
    assert_eq!(refused(json!({"max_attempts": 0})), ["/retry/max_attempts"]);
    assert_eq!(refused(json!({"delays_ms": [50, 49, 0]})), ["/retry/delays_ms/1", "/retry/delays_ms/2"]);
    keep(json!({"url": "https://example.com/", "retry": {"max_attempts": 20, "delays_ms": [50]}}), None).unwrap();

    let patient = endpoint(json!({"key": "k", "retry": {"max_attempts": 100, "delays_ms": [50], "jitter": 0.0}}));
    let (kept, _) = keep(json!({"url": "https://example.com/", "endpoint_key": "k"}), Some(&patient)).unwrap();
    assert_eq!(usable(&kept, Some(&patient)).retry.max_attempts, 20);

    let stored: KeptDestination = serde_json::from_value(
        json!({"url": "https://example.com/", "retry": {"max_attempts": 100, "delays_ms": [0], "jitter": 0.0}}),
    )
    .unwrap();
    let retry = usable(&stored, None).retry;
    assert_eq!((retry.max_attempts, retry.delays_ms), (20, vec![50]));
}
