//! `POST`: every rule for the fields of an endpoint.

use serde_json::json;

use super::*;
use crate::invalid::Warning;

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
            "/enabled",
            "/auth/token",
            "/retry/tries",
            "/name",
            "/surprise",
            "/tenant",
            "/key",
            "/url",
            "/timeout_ms",
            "/max_in_flight",
            "/rate_per_second",
            "/event_types/0",
            "/headers/Host",
            "/retry/max_attempts",
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
    assert_eq!(refused(json!({"auth": {"type": "oauth3", "token": "hidden"}})), one("/auth/type", "unknown_value"));
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
    let mut own = custom("{body}", "{signature}");
    own["scheme"]["headers"] = json!({"Ringback-Attempt": "{signature}"});
    assert_eq!(refused(own), one("/scheme/headers", "header_refused"));
    let warned = resolve(with(custom("{id}", "{signature}"))).unwrap().warnings;
    assert_eq!((warned[0].code, warned[0].pointer.as_str()), ("signature_without_body", "/scheme"));
}

#[test]
fn the_header_of_the_events_id_is_ringbacks_own() {
    assert_eq!(refused(json!({"headers": {"Ringback-Id": "x"}})), one("/headers/Ringback-Id", "header_refused"));
    let custom = |name: &str, text: &str| {
        json!({"secret": "hidden", "scheme": {
            "key_format": "utf8", "message": "{body}", "digest": "sha256", "encoding": "hex",
            "headers": {name: text, "X-Sig": "{signature}"},
        }})
    };
    assert_eq!(refused(custom("ringback-id", "{timestamp}")), one("/scheme/headers", "header_refused"));
    // Where the prefix makes it a name of the scheme's, both must say the same.
    let behind = |prefix: &str, document| Draft::read(with(document)).resolve(&Egress::default(), prefix);
    assert!(behind("webhook-", json!({"preset": "default"})).is_ok());
    assert!(behind("X-Acme-", custom("x-acme-id", "{id}")).is_ok());
    assert_eq!(found(behind("X-Acme-", custom("x-acme-id", "id={id}"))), one("/scheme/headers", "header_refused"));
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
fn debug_of_drafts_shows_no_secret() {
    let document = with(json!({"preset": "levrage", "secret": "hidden", "headers": {"x": "hidden"},
        "auth": {"type": "bearer", "token": "hidden"}}));
    let draft = Draft::read(document.clone());
    assert!(!format!("{draft:?}").contains("hidden"));
    assert!(!format!("{:?}", resolve(document).unwrap()).contains("hidden"));
    let destination = Destination::read(json!({"url": "https://example.com/", "secret": "hidden"}));
    assert!(!format!("{destination:?}").contains("hidden"));
}
