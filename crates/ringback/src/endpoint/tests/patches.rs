//! `PATCH` and `PUT`: what changes, and what stays.

use serde_json::json;

use super::*;

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
fn another_type_of_auth_takes_the_place_of_the_first() {
    let current = endpoint(json!({"auth": {"type": "bearer", "token": "hidden"}}));
    let basic = json!({"type": "basic", "username": "u", "password": "p"});
    let changed = patched(&current, json!({"auth": basic})).unwrap();
    assert_eq!(changed.credentials.auth, Some(Auth::Basic { username: "u".to_owned(), password: "p".to_owned() }));
    let same = patched(&current, json!({"auth": {"type": "bearer"}})).unwrap();
    assert_eq!(same.credentials.auth, current.credentials.auth);
    let half = json!({"type": "basic", "username": "u", "token": null});
    let pointers: Vec<_> =
        found(patched(&current, json!({"auth": half}))).into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(pointers, ["/auth/password", "/auth/token"]);
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
    assert_eq!(found(patched(&current, json!({"retry": {"x": null}}))), one("/retry/x", "unknown_field"));
    assert_eq!(
        found(patched(&current, json!({"retry": {"delays_ms": ["1s"]}}))),
        one("/retry/delays_ms/0", "wrong_type")
    );
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
    let put = |fields| Draft::read(with(fields)).resolve_for(&current, &Egress::default(), "ringback-");
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
