//! Calls that emit.

use reqwest::Method;
use ringback_testkit::Random;
use serde_json::{Value, json};

use super::{
    call::Call,
    draw::{Drawn, KEYS, TENANTS, TYPES},
    model::{Delivery, Event, Fate, Manner, Model},
};

const PAYLOADS: [&str; 6] =
    ["{}", r#"{"a": 1.0}"#, r#" { "ü" : "\ud83d\ude00" } "#, "[1,2,3]", "\"text\"", r#"{"call":{"call_id":"c-1"}}"#];

/// An event with these deliveries joins the model.
fn accept(model: &mut Model, tenant: &'static str, event_type: &str, key: Option<&'static str>, to: Vec<Delivery>) {
    let moment = model.moments;
    let event_type = event_type.to_owned();
    model.events.push(Event { tenant, event_type, key, moment, expunged: false, deliveries: to });
}

fn owed(endpoint: Option<usize>, inline: (Manner, i64), test: bool) -> Delivery {
    Delivery { endpoint, inline, fate: Fate::Pending, again: false, attempts: Some(0), test }
}

fn to_endpoints(model: &Model, tenant: &str, event_type: &str, keys: Option<&[&str]>) -> Vec<Delivery> {
    let numbers = model.addressed(tenant, event_type, keys).into_iter();
    numbers.map(|number| owed(Some(number), (Manner::Takes, 0), false)).collect()
}

pub(super) fn one(random: &mut Random, model: &mut Model, receiver: &str) -> Drawn {
    let (tenant, event_type) = (*random.pick(&TENANTS), *random.pick(&TYPES));
    let key = random.percent(70).then(|| *random.pick(&KEYS));
    let payload = *random.pick(&PAYLOADS);
    let mut fields = json!({});
    if tenant != "default" {
        fields["tenant"] = json!(tenant);
    }
    if let Some(key) = key {
        fields["key"] = json!(key);
    }
    if random.percent(20) {
        fields["ordering_key"] = json!(*random.pick(&KEYS));
    }
    if random.percent(10) {
        fields["occurred_at"] = json!("2001-02-03T04:05:06.789Z");
    }
    let mut deliveries = to_endpoints(model, tenant, event_type, None);
    let mut unknown_key = false;
    match random.below(10) {
        0 | 1 => {
            let keys = vec![*random.pick(&KEYS)];
            unknown_key = !model.live(tenant).any(|(_, endpoint)| endpoint.key == Some(keys[0]));
            deliveries = to_endpoints(model, tenant, event_type, Some(&keys));
            fields["endpoint_keys"] = json!(keys);
        }
        2 | 3 => {
            let manner = *random.pick(&[Manner::Takes, Manner::Fails, Manner::Gone, Manner::Wavers]);
            let budget = 1 + i64::from(random.percent(50));
            fields["destination"] = json!({
                "url": format!("{receiver}{}", manner.path()),
                "retry": {"max_attempts": budget, "delays_ms": [50], "jitter": 0},
            });
            deliveries = vec![owed(None, (manner, budget), false)];
        }
        _ => {}
    }
    let once = random.percent(25).then(|| format!("once-{}", random.below(6)));
    // The moment of the occurrence is not among what a repetition must equal.
    let mut content = fields.clone();
    content["payload"] = json!(payload.trim());
    content["occurred_at"] = Value::Null;
    if let Some(once) = &once {
        fields["idempotency_key"] = json!(once);
    }
    let body = request(event_type, payload, &fields);
    let call = Call::new(Method::POST, "/v1/events").body(body);
    if unknown_key {
        return Drawn::refused(call, 422, "unknown_endpoint_key");
    }
    if let Some(once) = once {
        let (place, said) = ((tenant, event_type.to_owned(), once), content.to_string());
        match model.once.get(&place) {
            // Of an event whose payload is erased nothing is kept that another content could be told by.
            Some((event, before)) if *before == said || model.events[*event].expunged => {
                return Drawn::with(call, 200);
            }
            Some(_) => return Drawn::refused(call, 422, "idempotency_conflict"),
            None => drop(model.once.insert(place, (model.events.len(), said))),
        }
    }
    model.moments += 1;
    accept(model, tenant, event_type, key, deliveries);
    Drawn::with(call, 202)
}

fn request(event_type: &str, payload: &str, fields: &Value) -> String {
    let mut request = format!(r#"{{"type":{},"payload":{payload}"#, Value::from(event_type));
    for (name, value) in fields.as_object().into_iter().flatten() {
        request.push_str(&format!(",{}:{value}", Value::from(name.as_str())));
    }
    request.push('}');
    request
}

pub(super) fn batch(random: &mut Random, model: &mut Model) -> Drawn {
    let tenant = *random.pick(&TENANTS);
    let count = 1 + random.below(5);
    let fails = random.percent(15);
    let mut items = Vec::new();
    let mut accepted = Vec::new();
    for _ in 0..count {
        let (event_type, key) = (*random.pick(&TYPES), random.percent(80).then(|| *random.pick(&KEYS)));
        let mut fields = json!({"tenant": tenant});
        if let Some(key) = key {
            fields["key"] = json!(key);
        }
        items.push(request(event_type, PAYLOADS[random.below(PAYLOADS.len())], &fields));
        accepted.push((event_type, key));
    }
    if fails {
        items.push(request("not a type", "1", &json!({})));
    }
    let call = Call::new(Method::POST, "/v1/events/batch").body(format!(r#"{{"events":[{}]}}"#, items.join(",")));
    if fails {
        return Drawn::with(call, 422);
    }
    model.moments += 1;
    for (event_type, key) in accepted {
        let to = to_endpoints(model, tenant, event_type, None);
        accept(model, tenant, event_type, key, to);
    }
    Drawn::with(call, 202)
}

pub(super) fn test(random: &mut Random, model: &mut Model) -> Drawn {
    let number = random.below(model.endpoints.len() + 1);
    let call = Call::new(Method::POST, format!("/v1/endpoints/ep#{}/test", number + 1));
    let Some(endpoint) = model.endpoints.get(number).filter(|endpoint| !endpoint.deleted).cloned() else {
        return Drawn::refused(call, 404, "not_found");
    };
    // A test to one that says to wait is held, too; a 410 ends the test alone. Both are a matter of timing.
    let mut delivery = owed(Some(number), (endpoint.manner, endpoint.attempts_max), true);
    if matches!(endpoint.manner, Manner::Busy | Manner::Gone) {
        delivery.fate = Fate::Unknown;
    }
    model.moments += 1;
    accept(model, endpoint.tenant, "webhook.test", None, vec![delivery]);
    Drawn::with(call, 202)
}
