//! Calls that make and change endpoints.

use reqwest::Method;
use ringback_testkit::Random;
use serde_json::{Value, json};

use super::{
    call::Call,
    draw::{Drawn, ENDPOINTS_MAX, KEYS, TENANTS, TYPES},
    model::{Endpoint, Manner, Model},
};

/// A certificate authority that nobody has the key of.
const AUTHORITY: &str = "-----BEGIN CERTIFICATE-----
MIIBoDCCAUegAwIBAgIUUMjP/QdzlGLCzGBGOcafPrgg1zwwCgYIKoZIzj0EAwIw
JTEjMCEGA1UEAwwaQSByZWNlaXZlcidzIG93biBhdXRob3JpdHkwIBcNMjYxMTMw
MjI0MDQ4WhgPMjEyNjExMDYyMjQwNDhaMCUxIzAhBgNVBAMMGkEgcmVjZWl2ZXIn
cyBvd24gYXV0aG9yaXR5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEOSfeOSLj
LTJSEAZrPyZAwj6RcgjMFvbcglNCMtQiiW6MqNcNE4CKBZeErDfch5DS8+eR5Mm/
sD6JoqKxiftE6aNTMFEwHQYDVR0OBBYEFKkjrcgMQ1u2l2iaBb7wZXtqAGubMB8G
A1UdIwQYMBaAFKkjrcgMQ1u2l2iaBb7wZXtqAGubMA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDRwAwRAIgFWgtm5CN5Sh7I6opK/vgFnWeo7XLKI9ooEcUdqJ/
kmMCIB4/kAUidBGa37QyPUCuf6/VrONNiNr+MIwHge7hCZwM
-----END CERTIFICATE-----
";

/// A document of an endpoint, and what the model must know of it.
fn drawn(random: &mut Random, tenant: &'static str, key: Option<&'static str>, receiver: &str) -> (Value, Endpoint) {
    let manners =
        [Manner::Takes, Manner::Takes, Manner::Takes, Manner::Fails, Manner::Wavers, Manner::Gone, Manner::Busy];
    let manner = *random.pick(&manners);
    let attempts_max = if manner == Manner::Busy { 3 } else { 1 + i64::from(random.percent(50)) };
    let all = [vec!["*"], vec!["call.*"], vec!["call.ended", "a"], vec![], vec![*random.pick(&TYPES)]];
    let types: Vec<String> = random.pick(&all).iter().map(|it| (*it).to_owned()).collect();
    let delays = if attempts_max == 1 { json!([]) } else { json!(vec![50; attempts_max as usize - 1]) };
    let delays = if attempts_max == 1 { json!([50]) } else { delays };
    let mut document = json!({
        "url": format!("{receiver}{}", manner.path()), "event_types": types,
        "retry": {"max_attempts": attempts_max, "delays_ms": delays, "jitter": 0},
    });
    let mut set = |name: &str, value: Value| document[name] = value;
    if random.percent(20) {
        set("name", json!("Ärzte & Söhne"));
    }
    let enabled = !random.percent(10);
    if !enabled {
        set("enabled", json!(false));
    }
    match random.below(9) {
        0 => set("scheme", json!("none")),
        1 => {
            set("scheme", json!("github"));
            set("secret", json!("a secret of github's"));
        }
        2 => set("scheme", json!("standard-ed25519")),
        3 => set("preset", json!("levrage")),
        4 => set("headers", json!({"x-team": "one"})),
        5 => set("auth", json!({"type": "bearer", "token": "abc"})),
        6 => set("tls", json!({"ca": AUTHORITY})),
        _ => {}
    }
    let endpoint =
        Endpoint { tenant, key, manner, types, attempts_max, enabled, paused: false, deleted: false, rotated: false };
    (document, endpoint)
}

/// What was sent there is a matter of timing; that its deliveries are not compared must not be forgotten.
const fn is_untimely(manner: Manner) -> bool {
    matches!(manner, Manner::Gone | Manner::Busy)
}

fn is_taken(model: &Model, tenant: &str, key: Option<&str>, but: Option<usize>) -> bool {
    key.is_some() && model.live(tenant).any(|(number, endpoint)| endpoint.key == key && Some(number) != but)
}

pub(super) fn make(random: &mut Random, model: &mut Model, receiver: &str) -> Drawn {
    let (tenant, key) = (*random.pick(&TENANTS), random.percent(60).then(|| *random.pick(&KEYS)));
    let (mut document, endpoint) = drawn(random, tenant, key, receiver);
    if tenant != "default" || random.percent(30) {
        document["tenant"] = json!(tenant);
    }
    if let Some(key) = key {
        document["key"] = json!(key);
    }
    let wrong = random.percent(12);
    if wrong {
        let faults = [
            ("timeout_ms", json!(1)),
            ("url", json!("ftp://127.0.0.1/")),
            ("url", json!("https://192.168.1.5/")),
            ("event_types", json!(["a*b"])),
            ("colour", json!("red")),
            ("scheme", json!("retell")),
            ("headers", json!({"host": "x"})),
            ("secret", json!("")),
            ("key", json!("\u{1}")),
            ("max_in_flight", json!(-1)),
        ];
        let (name, value) = random.pick(&faults).clone();
        if value == "retell" {
            // It lacks its secret, whatever was drawn before.
            document.as_object_mut().expect("a document").remove("secret");
        }
        document[name] = value;
    }
    let call = Call::new(Method::POST, "/v1/endpoints").body(document.to_string());
    if wrong {
        return Drawn::with(call, 422);
    }
    if is_taken(model, tenant, key, None) {
        return Drawn::refused(call, 409, "key_taken");
    }
    if model.live(tenant).count() >= ENDPOINTS_MAX {
        return Drawn::refused(call, 422, "too_many_endpoints");
    }
    model.endpoints.push(endpoint);
    Drawn::with(call, 201)
}

pub(super) fn put(random: &mut Random, model: &mut Model, receiver: &str) -> Drawn {
    let (tenant, key) = (*random.pick(&TENANTS), *random.pick(&KEYS[..3]));
    let (mut document, mut endpoint) = drawn(random, tenant, Some(key), receiver);
    let found = model.live(tenant).find(|(_, endpoint)| endpoint.key == Some(key)).map(|(number, _)| number);
    // A secret that was kept may not fit another scheme, so the scheme stays and comes with a secret.
    for name in ["scheme", "preset"] {
        document.as_object_mut().expect("a document").remove(name);
    }
    document["secret"] = json!("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let path = format!("/v1/endpoints/by-key/{tenant}/{key}");
    if found.is_some_and(|number| model.endpoints[number].rotated) {
        return Drawn::with(Call::new(Method::PUT, path).body(json!({"event_types": 5}).to_string()), 422);
    }
    if let Some(old) = found.map(|number| &model.endpoints[number]).filter(|old| is_untimely(old.manner)) {
        document["url"] = json!(format!("{receiver}{}", old.manner.path()));
        endpoint.manner = old.manner;
    }
    let call = Call::new(Method::PUT, path).body(document.to_string());
    match found {
        Some(number) => {
            let paused = model.endpoints[number].paused;
            model.endpoints[number] = Endpoint { paused, ..endpoint };
            Drawn::with(call, 200)
        }
        None if model.live(tenant).count() >= ENDPOINTS_MAX => Drawn::refused(call, 422, "too_many_endpoints"),
        None => {
            model.endpoints.push(endpoint);
            Drawn::with(call, 201)
        }
    }
}

/// A live endpoint or, now and then, any number.
fn some(random: &mut Random, model: &Model) -> (usize, bool) {
    let live: Vec<_> = TENANTS.iter().flat_map(|tenant| model.live(tenant)).map(|(number, _)| number).collect();
    let number = if live.is_empty() || random.percent(10) {
        random.below(model.endpoints.len() + 2)
    } else {
        *random.pick(&live)
    };
    (number, live.contains(&number))
}

pub(super) fn patch(random: &mut Random, model: &mut Model, receiver: &str) -> Drawn {
    let (number, live) = some(random, model);
    let path = format!("/v1/endpoints/ep#{}", number + 1);
    let call = |patch: Value| Call::new(Method::PATCH, path.clone()).body(patch.to_string());
    if !live {
        return Drawn::refused(call(json!({"name": "x"})), 404, "not_found");
    }
    let endpoint = &mut model.endpoints[number];
    match random.below(10) {
        0 | 1 => {
            endpoint.enabled = true;
            Drawn::with(call(json!({"enabled": true})), 200)
        }
        2 => {
            endpoint.enabled = false;
            Drawn::with(call(json!({"enabled": false})), 200)
        }
        3 if !is_untimely(endpoint.manner) => {
            let manner = *random.pick(&[Manner::Takes, Manner::Fails]);
            endpoint.manner = manner;
            Drawn::with(call(json!({"url": format!("{receiver}{}", manner.path())})), 200)
        }
        4 => {
            endpoint.types = vec!["*".to_owned()];
            Drawn::with(call(json!({"event_types": ["*"]})), 200)
        }
        5 => {
            let key = *random.pick(&KEYS);
            let tenant = endpoint.tenant;
            if is_taken(model, tenant, Some(key), Some(number)) {
                return Drawn::refused(call(json!({"key": key})), 409, "key_taken");
            }
            model.endpoints[number].key = Some(key);
            Drawn::with(call(json!({"key": key})), 200)
        }
        6 => Drawn::with(call(json!({"tenant": "elsewhere"})), 422),
        7 => Drawn::with(call(json!({"timeout_ms": 99, "colour": "red"})), 422),
        3 | 8 => {
            let mut call = call(json!({"name": "seen"}));
            call.headers.push(("if-match", format!("etag#{}", number + 1)));
            // The tag may be an old one: a 410 changes an endpoint, too.
            Drawn::of(call)
        }
        _ => {
            let mut call = call(json!({"description": "x"}));
            call.headers.push(("if-match", "\"0\"".to_owned()));
            Drawn::refused(call, 412, "precondition_failed")
        }
    }
}

pub(super) fn delete(random: &mut Random, model: &mut Model) -> Drawn {
    let (number, live) = some(random, model);
    let call = Call::new(Method::DELETE, format!("/v1/endpoints/ep#{}", number + 1));
    if !live {
        return Drawn::refused(call, 404, "not_found");
    }
    model.delete(number);
    Drawn::with(call, 204)
}

pub(super) fn pause(random: &mut Random, model: &mut Model) -> Drawn {
    let (number, live) = some(random, model);
    let paused = random.percent(45);
    let verb = if paused { "pause" } else { "resume" };
    let call = Call::new(Method::POST, format!("/v1/endpoints/ep#{}/{verb}", number + 1));
    if !live {
        return Drawn::refused(call, 404, "not_found");
    }
    model.endpoints[number].paused = paused;
    Drawn::with(call, 200)
}

/// Rotations: compared only, as most schemes have a rule of their own.
pub(super) fn odd(random: &mut Random, model: &mut Model) -> Drawn {
    let (number, live) = some(random, model);
    if live {
        model.endpoints[number].rotated = true;
    }
    let bodies = [
        json!({}),
        json!({"overlap_seconds": 60}),
        json!({"secret": "another secret, long enough"}),
        json!({"overlap_seconds": -1}),
        json!({"switch_at": "2001-01-01T00:00:00Z"}),
    ];
    let call = Call::new(Method::POST, format!("/v1/endpoints/ep#{}/rotate-secret", number + 1));
    Drawn::of(call.body(random.pick(&bodies).to_string()))
}
