//! Calls that replay, discard and expunge.

use reqwest::Method;
use ringback_testkit::Random;
use serde_json::json;

use super::{
    call::Call,
    draw::{Drawn, KEYS, TENANTS, TYPES},
    model::{Fate, Model},
};

/// An event with one delivery, so that its name is known: the order of several is the store's.
fn single(random: &mut Random, model: &Model) -> Option<usize> {
    let single: Vec<_> = (0..model.events.len()).filter(|event| model.events[*event].deliveries.len() == 1).collect();
    (!single.is_empty()).then(|| *random.pick(&single))
}

pub(super) fn one(random: &mut Random, model: &mut Model) -> Drawn {
    let Some(event) = single(random, model) else {
        return Drawn::refused(Call::new(Method::POST, "/v1/deliveries/dlv#999/1/replay"), 404, "not_found");
    };
    let call = Call::new(Method::POST, format!("/v1/deliveries/dlv#{}/1/replay", event + 1));
    match model.replay(event, 0) {
        Ok(()) => Drawn::with(call, 202),
        // Timing decides what it was, and so what it will be.
        Err("") => Drawn::of(call),
        Err(code) => Drawn::refused(call, 409, code),
    }
}

pub(super) fn discard(random: &mut Random, model: &mut Model) -> Drawn {
    let Some(event) = single(random, model) else { return one(random, model) };
    let call = Call::new(Method::DELETE, format!("/v1/dead-letters/dlv#{}/1", event + 1));
    let delivery = &mut model.events[event].deliveries[0];
    match delivery.fate {
        Fate::Unknown => Drawn::of(call),
        Fate::Dead => {
            delivery.fate = Fate::Cancelled;
            Drawn::with(call, 204)
        }
        _ => Drawn::of(call),
    }
}

pub(super) fn expunge(random: &mut Random, model: &mut Model) -> Drawn {
    let number = random.below(model.events.len() + 1);
    let call = Call::new(Method::DELETE, format!("/v1/events/evt#{}/payload", number + 1));
    if number == model.events.len() {
        return Drawn::refused(call, 404, "not_found");
    }
    model.expunge(number);
    Drawn::with(call, 204)
}

pub(super) fn many(random: &mut Random, model: &mut Model) -> Drawn {
    let fate = if random.percent(70) { Fate::Dead } else { Fate::Delivered };
    let mut filter = json!({"status": fate.status()});
    let tenant = random.percent(50).then(|| *random.pick(&TENANTS));
    let event_type = random.percent(30).then(|| *random.pick(&TYPES));
    let key = random.percent(40).then(|| *random.pick(&KEYS));
    for (name, value) in [("tenant", tenant), ("type", event_type), ("key", key)] {
        if let Some(value) = value {
            filter[name] = json!(value);
        }
    }
    let dry_run = random.percent(40);
    let call = Call::new(Method::POST, "/v1/replays").body(json!({"filter": filter, "dry_run": dry_run}).to_string());
    if dry_run {
        return Drawn::with(call, 200);
    }
    for event in 0..model.events.len() {
        let it = &model.events[event];
        let fits = tenant.is_none_or(|tenant| tenant == it.tenant)
            && event_type.is_none_or(|event_type| event_type == it.event_type)
            && key.is_none_or(|key| it.key == Some(key));
        for delivery in 0..it.deliveries.len() {
            if fits && model.events[event].deliveries[delivery].fate == fate {
                // What cannot be replayed is skipped.
                let _ = model.replay(event, delivery);
            }
        }
    }
    model.replays += 1;
    Drawn::with(call, 202)
}
