//! Drafts, patches and inline destinations as callers write them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::{
    deliver::{send::Egress, sign},
    id::{EndpointId, EventId},
    invalid::{Invalid, Warning},
    seal::MasterKeys,
    time::Timestamp,
};

fn resolve(document: Value) -> Result<Resolved, Invalid> {
    Draft::read(document).resolve(&Egress::default(), "ringback-")
}

fn with(fields: Value) -> Value {
    let mut document = json!({"url": "https://example.com/hook", "event_types": ["*"]});
    for (name, value) in fields.as_object().unwrap() {
        document[name] = value.clone();
    }
    document
}

fn found<T: std::fmt::Debug>(result: Result<T, Invalid>) -> Vec<(String, &'static str)> {
    let invalid = result.unwrap_err();
    for finding in &invalid.findings {
        assert!(!finding.detail.contains("hidden"), "{finding:?}");
    }
    invalid.findings.into_iter().map(|finding| (finding.pointer, finding.code)).collect()
}

fn refused(fields: Value) -> Vec<(String, &'static str)> {
    found(resolve(with(fields)))
}

fn one(pointer: &str, code: &'static str) -> Vec<(String, &'static str)> {
    vec![(pointer.to_owned(), code)]
}

fn endpoint(fields: Value) -> Endpoint {
    let resolved = resolve(with(fields)).unwrap();
    let now = Timestamp::from_millis(1_700_000_000_000);
    Endpoint {
        id: EndpointId::new(now),
        tenant: resolved.tenant.unwrap_or_else(|| "default".to_owned()),
        key: resolved.key,
        spec: resolved.spec,
        credentials: Arc::new(resolved.credentials),
        enabled: resolved.enabled,
        disabled_reason: None,
        paused: false,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

fn patched(current: &Endpoint, patch: Value) -> Result<Resolved, Invalid> {
    merge_patch(current, patch)?.resolve(&Egress::default(), "ringback-")
}

#[test]
fn a_minimal_draft_gets_the_default_preset() {
    let resolved = resolve(with(json!({}))).unwrap();
    let spec = &resolved.spec;
    assert_eq!((&spec.scheme, spec.timeout_ms, spec.max_in_flight), (&Scheme::Standard, 10_000, 16));
    assert_eq!(spec.retry, Preset::Default.retry());
    assert!(resolved.enabled && !spec.ordered && resolved.warnings.is_empty());
    let secret = resolved.generated_or_given_secret.unwrap();
    assert_eq!(Scheme::Standard.check_secret(&secret), Ok(()));
    assert_eq!(resolved.credentials.secrets[0].text, secret);
}

#[test]
fn every_field_of_a_preset_can_be_overridden() {
    let resolved = resolve(with(json!({
        "preset": "levers", "timeout_ms": 5000, "retry": {"max_attempts": 4}, "max_in_flight": 2,
        "rate_per_second": 0.5, "ordered": true, "on_dead": "block", "enabled": false, "tenant": "acme", "key": "k",
    })))
    .unwrap();
    assert_eq!((&resolved.spec.scheme, resolved.spec.timeout_ms), (&Scheme::Svix, 5000));
    assert_eq!(
        (resolved.spec.retry.max_attempts, resolved.spec.retry.delays_ms.as_slice()),
        (4, [10_000, 60_000].as_slice())
    );
    assert_eq!((resolved.spec.on_dead, resolved.enabled), (OnDead::Block, false));
    assert_eq!((resolved.tenant.as_deref(), resolved.key.as_deref()), (Some("acme"), Some("k")));
}

#[test]
fn every_wrong_field_is_named_at_once() {
    let all = found(resolve(json!({
        "tenant": "a b", "key": "", "url": "http://example.com", "event_types": ["call*"], "timeout_ms": 99,
        "retry": {"max_attempts": 0, "tries": 1}, "max_in_flight": 0, "rate_per_second": -1, "surprise": null,
        "headers": {"Host": "x"}, "auth": {"type": "bearer"}, "enabled": "yes", "name": 5,
    })));
    let pointers: Vec<_> = all.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(
        pointers,
        [
            "/name",
            "/enabled",
            "/auth/token",
            "/retry/tries",
            "/surprise",
            "/tenant",
            "/key",
            "/url",
            "/event_types/0",
            "/headers/Host",
            "/timeout_ms",
            "/retry/max_attempts",
            "/max_in_flight",
            "/rate_per_second",
        ]
    );
}

#[test]
fn required_fields_are_missed_once() {
    assert_eq!(found(resolve(json!({}))), [("/url".to_owned(), "required"), ("/event_types".to_owned(), "required")]);
    assert_eq!(found(resolve(json!({"url": 5, "event_types": []}))), one("/url", "wrong_type"));
    assert_eq!(found(resolve(json!([]))).first().unwrap(), &(String::new(), "wrong_type"));
}

#[test]
fn no_types_is_a_choice() {
    assert!(resolve(with(json!({"event_types": []}))).unwrap().spec.event_types.is_empty());
}

#[test]
fn unknown_words_are_refused_where_they_stand() {
    assert_eq!(refused(json!({"preset": "levrag"})), one("/preset", "unknown_value"));
    assert_eq!(refused(json!({"scheme": "hmac"})), one("/scheme", "unknown_value"));
    assert_eq!(refused(json!({"scheme": 5})), one("/scheme", "wrong_type"));
    assert_eq!(refused(json!({"on_dead": "stop"})), one("/on_dead", "unknown_value"));
    assert_eq!(refused(json!({"auth": {"type": "oauth2", "token": "hidden"}})), one("/auth/type", "unknown_value"));
    let scheme = json!({"key_format": "utf8", "message": "{body}", "digest": "md5", "encoding": "hex", "headers": {}});
    assert_eq!(refused(json!({"scheme": scheme})), one("/scheme/digest", "unknown_value"));
    assert_eq!(
        refused(json!({"scheme": {"message": "{body}"}})),
        ["key_format", "digest", "encoding", "headers"].map(|name| (format!("/scheme/{name}"), "required"))
    );
}

#[test]
fn a_custom_scheme_is_checked_in_place() {
    let custom = |message: &str, header: &str| {
        json!({"secret": "hidden", "scheme": {
            "key_format": "utf8", "message": message, "digest": "sha512", "encoding": "base64url",
            "headers": {"X-Sig": header},
        }})
    };
    let resolved = resolve(with(custom("{timestamp}:{body}", "{signature}"))).unwrap();
    assert!(matches!(resolved.spec.scheme, Scheme::Custom(_)) && resolved.warnings.is_empty());
    assert_eq!(refused(custom("{payload}", "{signature}")), one("/scheme/message", "unknown_placeholder"));
    assert_eq!(refused(custom("{body}", "{signature}\n")), one("/scheme/headers/X-Sig", "malformed"));
    let warned = resolve(with(custom("{id}", "{signature}"))).unwrap().warnings;
    assert_eq!((warned[0].code, warned[0].pointer.as_str()), ("signature_without_body", "/scheme"));
}

#[test]
fn a_schemes_own_headers_cannot_be_set() {
    let document = json!({"preset": "levrage", "headers": {"x-levrage-signature": "x"}});
    assert_eq!(refused(document), one("/headers/x-levrage-signature", "header_refused"));
    let document =
        json!({"preset": "levrage", "auth": {"type": "api_key", "header": "X-Levrage-Signature", "value": "x"}});
    assert_eq!(refused(document), one("/auth/header", "header_refused"));
}

#[test]
fn secrets_are_needed_optional_or_generated() {
    for scheme in Scheme::BUILT_IN {
        let result = resolve(with(json!({"scheme": scheme.name()})));
        match scheme.secret_rule() {
            SecretRule::Required => assert_eq!(found(result), one("/secret", "required"), "{scheme:?}"),
            SecretRule::Generated => assert!(result.unwrap().generated_or_given_secret.is_some(), "{scheme:?}"),
            _ => assert!(result.unwrap().credentials.secrets.is_empty(), "{scheme:?}"),
        }
    }
    assert_eq!(refused(json!({"secret": "hidden"})), one("/secret", "malformed"));
    assert_eq!(refused(json!({"preset": "svix", "secret": "whsec_hidden"})), one("/secret", "malformed"));
    assert_eq!(refused(json!({"preset": "levrage", "secret": ""})), one("/secret", "malformed"));
    assert_eq!(refused(json!({"preset": "external", "secret": "hidden"})), one("/secret", "malformed"));
    let levrage = resolve(with(json!({"preset": "levrage", "secret": "whsec_your_secret_key"}))).unwrap();
    assert_eq!(levrage.generated_or_given_secret.unwrap(), "whsec_your_secret_key");
}

#[test]
fn ed25519_endpoints_have_a_public_key() {
    let generated = endpoint(json!({"scheme": "standard-ed25519"}));
    assert!(generated.public_key().unwrap().starts_with("whpk_"));
    assert_eq!(endpoint(json!({})).public_key(), None);
    let whsk = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    let given = endpoint(json!({"scheme": "standard-ed25519", "secret": whsk}));
    assert_eq!(given.public_key().unwrap(), "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=");
    assert_eq!(given.credentials.secrets.len(), 1, "v1 is signed as well");
    assert_eq!(refused(json!({"scheme": "standard-ed25519", "secret": "whsk_hidden"})), one("/secret", "malformed"));
    let kept = patched(&given, json!({"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})).unwrap();
    assert_eq!(kept.credentials.public_key(), given.public_key());
}

#[test]
fn probable_mistakes_are_warned_of() {
    let warnings = |fields| {
        let warnings = resolve(with(fields)).unwrap().warnings;
        warnings.into_iter().map(|Warning { code, pointer, .. }| (code, pointer)).collect::<Vec<_>>()
    };
    assert_eq!(
        warnings(json!({"url": "example.com/hook", "preset": "synthflow", "secret": "s"})),
        [("url_scheme_added", "/url".to_owned()), ("signature_without_body", "/preset".to_owned())]
    );
    assert_eq!(warnings(json!({"preset": "levrage"})), []);
}

#[test]
fn a_patch_changes_what_it_names() {
    let current = endpoint(json!({
        "key": "k", "headers": {"X-A": "a", "X-B": "b"}, "auth": {"type": "basic", "username": "u", "password": "p"},
        "rate_per_second": 3,
    }));
    let same = patched(&current, json!({})).unwrap();
    assert_eq!((&same.spec, &same.credentials, &same.key), (&current.spec, &*current.credentials, &current.key));
    assert!(same.generated_or_given_secret.is_none());

    let changed = patched(
        &current,
        json!({
            "url": "example.org", "headers": {"X-A": null, "X-C": "c"}, "retry": {"max_attempts": 7},
            "rate_per_second": null, "enabled": false, "auth": {"password": "q"}, "tenant": "default",
        }),
    )
    .unwrap();
    assert_eq!(changed.spec.url, "https://example.org/");
    assert_eq!(changed.warnings[0].code, "url_scheme_added");
    assert_eq!(changed.credentials.headers.keys().collect::<Vec<_>>(), ["X-B", "X-C"]);
    assert_eq!((changed.spec.retry.max_attempts, changed.spec.retry.delays_ms.len()), (7, 2));
    assert_eq!((changed.spec.rate_per_second, changed.enabled), (None, false));
    assert_eq!(changed.credentials.auth, Some(Auth::Basic { username: "u".to_owned(), password: "q".to_owned() }));
    assert_eq!(changed.credentials.secrets, current.credentials.secrets);
    assert_eq!(patched(&current, json!({"auth": null, "key": null})).unwrap().credentials.auth, None);
}

#[test]
fn a_patched_preset_brings_its_policy() {
    let current = endpoint(json!({"timeout_ms": 1234}));
    let changed = patched(&current, json!({"preset": "svix", "retry": {"max_attempts": 2}})).unwrap();
    assert_eq!((&changed.spec.scheme, changed.spec.timeout_ms), (&Scheme::Svix, 30_000));
    assert_eq!((changed.spec.retry.max_attempts, changed.spec.retry.delays_ms.len()), (2, 7));
    let unchanged = patched(&current, json!({"preset": "default"})).unwrap();
    assert_eq!(unchanged.spec.timeout_ms, 1234);
}

#[test]
fn a_patch_that_cannot_be_is_refused() {
    let current = endpoint(json!({}));
    assert_eq!(found(patched(&current, json!([]))), one("", "wrong_type"));
    assert_eq!(found(patched(&current, json!({"tenant": "other"}))), one("/tenant", "immutable"));
    assert_eq!(found(patched(&current, json!({"surprise": null}))), one("/surprise", "unknown_field"));
    assert_eq!(found(patched(&current, json!({"surprise": 1}))), one("/surprise", "unknown_field"));
    assert_eq!(found(patched(&current, json!({"retry": {"x": 1}}))), one("/retry/x", "unknown_field"));
    assert_eq!(found(patched(&current, json!({"event_types": null}))), one("/event_types", "required"));
    assert_eq!(found(patched(&current, json!({"secret": null}))), one("/secret", "required"));
    assert_eq!(found(patched(&current, json!({"secret": 7}))), one("/secret", "wrong_type"));
}

#[test]
fn secrets_are_removed_only_where_the_scheme_allows_none() {
    let levrage = endpoint(json!({"preset": "levrage", "secret": "s"}));
    assert!(patched(&levrage, json!({"secret": null})).unwrap().credentials.secrets.is_empty());
    let hex = endpoint(json!({"scheme": "plain-hex", "secret": "s"}));
    assert_eq!(found(patched(&hex, json!({"secret": null}))), one("/secret", "required"));
}

#[test]
fn a_kept_secret_must_fit_a_new_scheme() {
    let levrage = endpoint(json!({"preset": "levrage", "secret": "hidden"}));
    assert_eq!(found(patched(&levrage, json!({"preset": "default"}))), one("/secret", "required"));
    let standard = endpoint(json!({}));
    let kept = patched(&standard, json!({"preset": "levrage"})).unwrap();
    assert_eq!(kept.credentials.secrets, standard.credentials.secrets);
}

#[test]
fn a_replacement_keeps_the_secret_and_masked_values() {
    let current = endpoint(json!({"headers": {"X-A": "hidden-a"}, "auth": {"type": "bearer", "token": "hidden-t"}}));
    let put = |fields| Draft::read(with(fields)).keeping(&current).resolve(&Egress::default(), "ringback-");
    let bare = put(json!({})).unwrap();
    assert_eq!(bare.credentials.secrets, current.credentials.secrets);
    assert!(bare.credentials.headers.is_empty() && bare.credentials.auth.is_none());
    assert!(bare.generated_or_given_secret.is_none());
    let shown = put(json!({"headers": {"x-a": "***"}, "auth": {"type": "bearer", "token": "***"}})).unwrap();
    assert_eq!(shown.credentials.headers["x-a"], "hidden-a");
    assert_eq!(shown.credentials.auth, current.credentials.auth);
    assert_eq!(found(put(json!({"headers": {"X-B": "***"}}))), one("/headers/X-B", "masked"));
    assert_eq!(refused(json!({"auth": {"type": "bearer", "token": "***"}})), one("/auth/token", "masked"));
}

fn keys() -> MasterKeys {
    MasterKeys::parse(&"01".repeat(32), &[]).unwrap()
}

fn keep(document: Value, inherit: Option<&Endpoint>) -> Result<(KeptDestination, Vec<Warning>), Invalid> {
    let destination = Destination::read(document);
    KeptDestination::keep(&destination, inline_event(), &keys(), inherit, &Egress::default(), "ringback-")
}

fn inline_event() -> EventId {
    EventId::floor(Timestamp::from_millis(1_700_000_000_000))
}

fn usable(kept: &KeptDestination, inherit: Option<&Endpoint>) -> Target {
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
fn an_inline_destination_inherits_what_it_does_not_say() {
    let from = endpoint(json!({
        "key": "k", "preset": "levrage", "secret": "theirs", "headers": {"X-A": "a", "X-B": "b"}, "timeout_ms": 3000,
        "auth": {"type": "bearer", "token": "t"},
    }));
    let document = json!({
        "url": "https://example.org/", "endpoint_key": "k", "headers": {"x-b": "mine"}, "retry": {"max_attempts": 1},
    });
    let (kept, _) = keep(document, Some(&from)).unwrap();
    let target = usable(&kept, Some(&from));
    assert_eq!((&target.scheme, target.timeout.as_secs(), target.retry.max_attempts), (&Scheme::Levrage, 3, 1));
    assert_eq!(target.credentials.secrets, from.credentials.secrets);
    assert_eq!(target.credentials.auth, from.credentials.auth);
    assert_eq!(
        target.credentials.headers.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>(),
        ["X-A=a", "x-b=mine"]
    );
    assert!(kept.usable(inline_event(), &keys(), None, &Egress::default()).unwrap_err().contains("endpoint_key"));
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
    let event = crate::event::Event {
        id: inline_event(),
        seq: 1,
        tenant: "default".to_owned(),
        event_type: "call.ended".to_owned(),
        key: None,
        ordering_key: None,
        idempotency_key: None,
        occurred_at: Timestamp::from_millis(0),
        endpoint_keys: None,
        destination: None,
        test: false,
    };
    let message = sign::Message {
        event: &event,
        body: &body,
        attempt: 1,
        marks: crate::delivery::Marks::default(),
        now: Timestamp::from_millis(0),
    };
    let signed = sign::compose(&usable(&kept, None), &message, "ringback-").unwrap();
    assert_eq!(
        signed.headers["x-webhook-signature"],
        "9ac4d57f4702c0cd8c19eb8880a3db18acc06dcff5ee83e44bad7fd52566f20d"
    );
}

#[test]
fn debug_of_drafts_shows_no_secret() {
    let document = with(json!({"preset": "levrage", "secret": "hidden", "headers": {"x": "hidden"},
        "auth": {"type": "bearer", "token": "hidden"}}));
    let draft = Draft::read(document.clone());
    assert!(!format!("{draft:?}").contains("hidden"));
    assert!(!format!("{:?}", resolve(document).unwrap()).contains("hidden"));
    let destination = Destination::read(json!({"url": "https://example.com/", "secret": "hidden"}));
    assert!(!format!("{destination:?}").contains("hidden"));
}
