//! What a destination may take over from the endpoint that it names.

use serde_json::json;

use super::{
    inline::{inline_event, keep, keys, usable},
    *,
};
use crate::{deliver::sign, delivery::Marks, event::Event};

/// An endpoint with a credential of every kind.
fn rich() -> Endpoint {
    endpoint(json!({
        "url": "https://hooks.example.com/calls", "key": "k", "preset": "levrage", "secret": "theirs-theirs-theirs",
        "headers": {"X-A": "their-a", "X-B": "their-b"}, "timeout_ms": 3000,
        "auth": {"type": "bearer", "token": "their-token"},
    }))
}

fn to(url: &str, more: Value) -> Value {
    let mut document = json!({"url": url, "endpoint_key": "k"});
    for (name, value) in more.as_object().unwrap() {
        document[name] = value.clone();
    }
    document
}

/// Every header value of a request to this destination, in one text.
fn sent(target: &Target) -> String {
    let event = Event::plain(inline_event());
    let body = bytes::Bytes::from_static(b"{}");
    let message =
        sign::Message { event: &event, body: &body, attempt: 1, marks: Marks::default(), now: Timestamp::now() };
    let signed = sign::compose(target, &message, &sign::OwnNames::behind("ringback-").unwrap()).unwrap();
    signed.headers.iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap())).collect()
}

#[test]
fn a_destination_of_the_same_origin_inherits_what_it_does_not_say() {
    let from = rich();
    let document =
        to("https://hooks.example.com/other", json!({"headers": {"x-b": "mine"}, "retry": {"max_attempts": 1}}));
    let (kept, _) = keep(document, Some(&from)).unwrap();
    let target = usable(&kept, Some(&from));
    assert_eq!((&target.scheme, target.timeout.as_secs(), target.retry.max_attempts), (&Scheme::Levrage, 3, 1));
    assert_eq!(target.credentials.secrets, from.credentials.secrets);
    assert_eq!(target.credentials.auth, from.credentials.auth);
    assert_eq!(
        target.credentials.headers.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>(),
        ["X-A=their-a", "x-b=mine"]
    );
    assert!(kept.usable(inline_event(), &keys(), None, &Egress::default()).unwrap_err().contains("endpoint_key"));
}

#[test]
fn an_origin_is_the_same_however_it_is_spelled() {
    let from = rich();
    for url in [
        "https://hooks.example.com/",
        "https://hooks.example.com:443/x",
        "https://HOOKS.Example.COM/x?y",
        "https://hooks.example.com./x",
        "hooks.example.com/x",
    ] {
        let (kept, _) = keep(to(url, json!({})), Some(&from)).unwrap();
        let text = sent(&usable(&kept, Some(&from)));
        assert!(text.contains("their-token") && text.contains("their-a"), "{url}");
    }
    let spelled = endpoint(json!({
        "url": "https://Hooks.example.com.:443/calls", "key": "k", "auth": {"type": "bearer", "token": "their-token"},
    }));
    let (kept, _) = keep(to("https://hooks.example.com/x", json!({})), Some(&spelled)).unwrap();
    assert!(sent(&usable(&kept, Some(&spelled))).contains("their-token"));
}

#[test]
fn no_credential_leaves_for_another_origin() {
    let egress = Egress { allow_http: true, ..Egress::default() };
    let from = rich();
    for url in [
        "https://thief.example.net/calls",
        "http://hooks.example.com/calls",
        "http://hooks.example.com:443/calls",
        "https://hooks.example.com:8443/calls",
        "https://example.com/calls",
        "https://hooks.example.com.thief.example.net/calls",
        "https://thief.example.net/https://hooks.example.com/",
        "https://thief.example.net/?hooks.example.com",
    ] {
        // As it stands in the database, from before the rule or from SQL.
        let kept: KeptDestination = serde_json::from_value(to(url, json!({}))).unwrap();
        let target = kept.usable(inline_event(), &keys(), Some(&from), &egress).unwrap();
        let text = sent(&target);
        assert!(!text.contains("their"), "{url}: {text}");
        assert!(text.contains("x-levrage-signature"), "the secret signs, with the endpoint's own scheme: {text}");
        assert_eq!((target.timeout.as_secs(), target.credentials.auth.is_none()), (3, true));
    }
}

#[test]
fn an_endpoint_that_moves_takes_its_credentials_along() {
    let mut from = rich();
    let (kept, _) = keep(to("https://hooks.example.com/x", json!({})), Some(&from)).unwrap();
    from.spec.url = "https://elsewhere.example.com/calls".to_owned();
    assert!(!sent(&usable(&kept, Some(&from))).contains("their"));
}

#[test]
fn an_inherited_secret_signs_with_its_own_scheme_alone() {
    let from = rich();
    let custom = json!({
        "key_format": "utf8", "message": "{id}", "digest": "sha256", "encoding": "hex", "headers": {"x-s": "{signature}"},
    });
    // The endpoint's own origin changes nothing about it.
    for url in ["https://thief.example.net/", "https://hooks.example.com/calls"] {
        for scheme in [custom.clone(), json!("plain-hex"), json!("levrage"), json!("none")] {
            let document = to(url, json!({"scheme": scheme}));
            assert_eq!(found(keep(document.clone(), Some(&from))), one("/scheme", "conflict"), "{document}");
            let stored: KeptDestination = serde_json::from_value(document).unwrap();
            let why = stored.usable(inline_event(), &keys(), Some(&from), &Egress::default()).unwrap_err();
            assert!(why.starts_with("scheme: an inherited secret"), "{why}");
        }
        for preset in ["synthflow", "svix", "levers", "default", "patient"] {
            let document = to(url, json!({"preset": preset}));
            assert_eq!(found(keep(document, Some(&from))), one("/preset", "conflict"), "{preset}");
        }
        // These sign as the endpoint does, or not at all.
        for (preset, signs) in [("levrage", true), ("external", false)] {
            let (kept, _) = keep(to(url, json!({"preset": preset})), Some(&from)).unwrap();
            assert_eq!(sent(&usable(&kept, Some(&from))).contains("signature"), signs, "{preset}");
        }
    }
}

#[test]
fn an_own_scheme_stands_beside_an_own_secret() {
    let from = rich();
    let document = to("https://thief.example.net/", json!({"scheme": "plain-hex", "secret": "mine-mine-mine-mine"}));
    let (kept, _) = keep(document, Some(&from)).unwrap();
    let target = usable(&kept, Some(&from));
    assert_eq!(
        target.credentials.secrets.iter().map(|secret| &*secret.text).collect::<Vec<_>>(),
        ["mine-mine-mine-mine"]
    );
    assert!(!sent(&target).contains("their"));
}

#[test]
fn an_ed25519_key_is_a_secret_like_any_other() {
    let from = endpoint(json!({"url": "https://hooks.example.com/", "key": "k", "scheme": "standard-ed25519"}));
    let url = "https://thief.example.net/";
    let (kept, _) = keep(to(url, json!({})), Some(&from)).unwrap();
    assert!(sent(&usable(&kept, Some(&from))).contains("v1a,"), "its own scheme signs");
    let own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    for document in [
        json!({"scheme": "standard-ed25519"}),
        json!({"scheme": "standard-ed25519", "secret": own}),
        json!({"scheme": "standard"}),
        json!({"scheme": "standard-ed25519", "secret": SigningKey::generate_text()}),
    ] {
        assert_eq!(found(keep(to(url, document.clone()), Some(&from))), one("/scheme", "conflict"), "{document}");
    }
    assert!(keep(to(url, json!({"scheme": "standard", "secret": own})), Some(&from)).is_ok());
}

#[test]
fn a_mask_is_not_put_in_for() {
    let from = rich();
    let document = to("https://hooks.example.com/", json!({"headers": {"X-A": "***"}}));
    assert_eq!(found(keep(document, Some(&from))), one("/headers/X-A", "masked"));
}

#[test]
fn without_a_secret_to_inherit_a_scheme_may_be_chosen() {
    let from = endpoint(json!({"url": "https://hooks.example.com/", "key": "k", "scheme": "none"}));
    let document = to("https://example.org/", json!({"scheme": "plain-hex", "secret": "mine-mine-mine-mine"}));
    let (kept, _) = keep(document, Some(&from)).unwrap();
    assert_eq!(usable(&kept, Some(&from)).scheme, Scheme::PlainHex);
    let (unsigned, _) = keep(to("https://example.org/", json!({"scheme": "levrage"})), Some(&from)).unwrap();
    // Should the endpoint get a secret later, the old event does not get to use it.
    assert!(unsigned.usable(inline_event(), &keys(), Some(&rich()), &Egress::default()).is_err());
}
