//! Random calls. Those whose answer the model knows say what it must be; the others are compared only.

use reqwest::Method;
use ringback::delivery::DeadReason;
use ringback_testkit::Random;
use serde_json::{Value, json};

use super::{
    call::{Call, Caller},
    change,
    model::{Fate, Model},
};

pub(super) const TENANTS: [&str; 3] = ["default", "acme", "zeta"];
pub(super) const TYPES: [&str; 5] = ["call.ended", "call.started", "invoice.paid", "CALL_ENDED", "a"];
pub(super) const KEYS: [&str; 4] = ["k1", "k2", "call-42", "ü key"];

/// Most endpoints of a tenant.
pub(super) const ENDPOINTS_MAX: usize = 5;

/// A call, and what the model says of its answer.
pub(super) struct Drawn {
    /// What is sent.
    pub(super) call: Call,
    /// The status that it must have, and the code of a refusal.
    pub(super) expected: Option<(u16, Option<&'static str>)>,
    /// Names of items that a walked list must have, no more and no fewer.
    pub(super) items: Option<Vec<String>>,
    /// An event (counted from 0) whose document this asks for.
    pub(super) event: Option<usize>,
}

impl Drawn {
    pub(super) const fn of(call: Call) -> Self {
        Self { call, expected: None, items: None, event: None }
    }

    pub(super) const fn with(call: Call, status: u16) -> Self {
        Self { call, expected: Some((status, None)), items: None, event: None }
    }

    pub(super) const fn refused(call: Call, status: u16, code: &'static str) -> Self {
        Self { call, expected: Some((status, Some(code))), items: None, event: None }
    }
}

/// Draws a call and changes the model as its answer will say.
pub(super) fn draw(random: &mut Random, model: &mut Model, receiver: &str) -> Drawn {
    let mut drawn = match random.below(100) {
        0..=9 => change::make(random, model, receiver),
        10..=14 => change::put(random, model, receiver),
        15..=22 => change::patch(random, model, receiver),
        23..=24 => change::delete(random, model),
        25..=29 => change::pause(random, model),
        30..=31 => change::odd(random, model),
        32..=53 => super::emit::one(random, model, receiver),
        54..=56 => super::emit::batch(random, model),
        57..=58 => super::emit::test(random, model),
        59..=64 => super::repair::one(random, model),
        65..=67 => super::repair::discard(random, model),
        68..=69 => super::repair::expunge(random, model),
        70..=72 => super::repair::many(random, model),
        73..=78 => event(random, model),
        79..=84 => list_of_events(random, model),
        85..=92 => list_of_deliveries(random, model),
        93..=96 => look(random, model),
        _ => wrong(random, model),
    };
    // Somebody else asks the same: what they may not see or do must look the same on both stores.
    if !drawn.call.moves() && random.percent(20) {
        let callers =
            [Caller::ReaderOfAcme, Caller::EmitterOfAcme, Caller::Operator, Caller::AdminOfZeta, Caller::Nobody];
        drawn = Drawn::of(drawn.call.by(*random.pick(&callers)));
    }
    drawn
}

fn event(random: &mut Random, model: &Model) -> Drawn {
    let number = random.below(model.events.len() + 1);
    let path = format!("/v1/events/evt#{}", number + 1);
    let Some(event) = model.events.get(number) else {
        return Drawn::refused(Call::new(Method::GET, path), 404, "not_found");
    };
    match random.below(4) {
        0 if event.expunged => {
            Drawn::refused(Call::new(Method::GET, format!("{path}/payload")), 410, "payload_expunged")
        }
        0 => Drawn::with(Call::new(Method::GET, format!("{path}/payload")), 200),
        1 if !event.deliveries.is_empty() => {
            let delivery = 1 + random.below(event.deliveries.len());
            Drawn::with(Call::new(Method::GET, format!("/v1/deliveries/dlv#{}/{delivery}", number + 1)), 200)
        }
        _ => Drawn { event: Some(number), ..Drawn::with(Call::new(Method::GET, path), 200) },
    }
}

/// Conditions on tenant, type and key, and the moments between which events count.
struct Conditions {
    query: Vec<String>,
    tenant: Option<&'static str>,
    event_type: Option<&'static str>,
    key: Option<&'static str>,
    moments: (usize, usize),
}

/// An event that was not accepted with others: the events of a batch may lie on either side of a millisecond.
fn single(random: &mut Random, model: &Model) -> Option<usize> {
    let number = random.below(model.events.len() + 1);
    let moment = model.events.get(number)?.moment;
    (model.events.iter().filter(|event| event.moment == moment).count() == 1).then_some(number)
}

fn conditions(random: &mut Random, model: &Model, timed: bool) -> Conditions {
    let tenant = random.percent(40).then(|| *random.pick(&TENANTS));
    let event_type = random.percent(25).then(|| *random.pick(&TYPES));
    let key = random.percent(35).then(|| *random.pick(&KEYS));
    let mut query = Vec::new();
    for (name, value) in [("tenant", tenant), ("type", event_type), ("key", key)] {
        query.extend(value.map(|value| format!("{name}={}", value.replace(' ', "%20").replace('ü', "%C3%BC"))));
    }
    let mut moments = (0, usize::MAX);
    if timed
        && random.percent(25)
        && let Some(from) = single(random, model)
    {
        query.push(format!("since=at#{}", from + 1));
        moments.0 = model.events[from].moment;
    }
    if timed
        && random.percent(15)
        && let Some(to) = single(random, model)
    {
        query.push(format!("until=at#{}", to + 1));
        moments.1 = model.events[to].moment;
    }
    Conditions { query, tenant, event_type, key, moments }
}

impl Conditions {
    fn hold(&self, event: &super::model::Event) -> bool {
        self.tenant.is_none_or(|tenant| tenant == event.tenant)
            && self.event_type.is_none_or(|event_type| event_type == event.event_type)
            && self.key.is_none_or(|key| event.key == Some(key))
            && (self.moments.0..self.moments.1).contains(&event.moment)
    }

    /// A list in pages that are small, and not too many.
    fn walk(mut self, random: &mut Random, route: &str, items: usize) -> Call {
        let limit = (*random.pick(&[1, 2, 3, 7, 50, 1000])).max(items / 12);
        self.query.push(format!("limit={}", limit.clamp(1, 1000)));
        let call = Call::new(Method::GET, format!("{route}?{}", self.query.join("&")));
        Call { walked: true, ..call }
    }
}

fn list_of_events(random: &mut Random, model: &Model) -> Drawn {
    let asked = conditions(random, model, true);
    let found = model.events.iter().enumerate().filter(|(_, event)| asked.hold(event));
    let items: Vec<_> = found.map(|(number, _)| format!("evt#{}", number + 1)).collect();
    let call = asked.walk(random, "/v1/events", items.len());
    Drawn { items: Some(items), ..Drawn::with(call, 200) }
}

fn list_of_deliveries(random: &mut Random, model: &Model) -> Drawn {
    let dead_letters = random.percent(40);
    let mut asked = conditions(random, model, !dead_letters);
    let endpoint = (!model.endpoints.is_empty() && random.percent(25)).then(|| random.below(model.endpoints.len()));
    asked.query.extend(endpoint.map(|endpoint| format!("endpoint_id=ep#{}", endpoint + 1)));
    let mut fate = dead_letters.then_some(Fate::Dead);
    if dead_letters {
        if random.percent(20) {
            let reason = *random.pick(DeadReason::NAMES);
            asked.query.push(format!("reason={reason}"));
            let call = asked.walk(random, "/v1/dead-letters", model.events.len());
            return Drawn::with(call, 200);
        }
    } else if random.percent(40) {
        let status = *random.pick(&[Fate::Pending, Fate::Delivered, Fate::Dead, Fate::Cancelled]);
        asked.query.extend(status.status().map(|status| format!("status={status}")));
        fate = Some(status);
    }
    let one =
        (!dead_letters && !model.events.is_empty() && random.percent(10)).then(|| random.below(model.events.len()));
    asked.query.extend(one.map(|event| format!("event_id=evt#{}", event + 1)));
    if !dead_letters && random.percent(8) {
        asked.query.push(format!("host={}", random.pick(&["127.0.0.1", "example.com"])));
        let call = asked.walk(random, "/v1/deliveries", model.events.len());
        return Drawn::with(call, 200);
    }
    let mut count = Some(0);
    for (number, event) in model.events.iter().enumerate() {
        for delivery in &event.deliveries {
            let fits = asked.hold(event)
                && one.is_none_or(|one| one == number)
                && endpoint.is_none_or(|endpoint| delivery.endpoint == Some(endpoint));
            match (fits, fate, delivery.fate) {
                (false, ..) => {}
                (true, Some(_), Fate::Unknown) => count = None,
                (true, None, _) => count = count.map(|count| count + 1),
                (true, Some(wanted), fate) => count = count.map(|count| count + usize::from(wanted == fate)),
            }
        }
    }
    let route = if dead_letters { "/v1/dead-letters" } else { "/v1/deliveries" };
    let call = asked.walk(random, route, count.unwrap_or(model.events.len()));
    // Names of deliveries depend on the order of endpoints in one event; their number does not.
    Drawn { items: count.map(|count| vec![String::new(); count]), ..Drawn::with(call, 200) }
}

fn look(random: &mut Random, model: &Model) -> Drawn {
    match random.below(5) {
        0 => {
            let tenant = random.percent(50).then(|| *random.pick(&TENANTS));
            let query = tenant.map_or_else(String::new, |tenant| format!("tenant={tenant}&"));
            let limit = *random.pick(&[1, 2, 3, 1000]);
            let call = Call::new(Method::GET, format!("/v1/endpoints?{query}limit={limit}"));
            let live = TENANTS.iter().filter(|it| tenant.is_none_or(|tenant| tenant == **it));
            let items = live.flat_map(|tenant| model.live(tenant)).map(|(number, _)| format!("ep#{}", number + 1));
            let items = Some(items.collect());
            Drawn { items, ..Drawn::with(Call { walked: true, ..call }, 200) }
        }
        1 => Drawn::of(Call { walked: true, ..Call::new(Method::GET, "/v1/audit?limit=100") }),
        2 => {
            let asked = conditions(random, model, true);
            let query: Vec<_> =
                asked.query.into_iter().filter(|it| !it.starts_with("ty") && !it.starts_with("k")).collect();
            Drawn::with(Call::new(Method::GET, format!("/v1/ledger?{}", query.join("&"))), 200)
        }
        3 if model.replays > 0 => {
            let replay = 1 + random.below(model.replays);
            Drawn::with(Call::new(Method::GET, format!("/v1/replays/rpl#{replay}")), 200)
        }
        _ => {
            let number = random.below(model.endpoints.len() + 1);
            let call = Call::new(Method::GET, format!("/v1/endpoints/ep#{}", number + 1));
            match model.endpoints.get(number) {
                Some(endpoint) if !endpoint.deleted => Drawn::with(call, 200),
                _ => Drawn::refused(call, 404, "not_found"),
            }
        }
    }
}

/// What no route takes.
fn wrong(random: &mut Random, model: &Model) -> Drawn {
    let some = 1 + random.below(model.events.len() + 1);
    let calls: [(Method, String, Option<Value>, u16); 16] = [
        (Method::GET, "/v1/events?limit=0".to_owned(), None, 400),
        (Method::GET, "/v1/events?limit=1001".to_owned(), None, 400),
        (Method::GET, "/v1/events?nonsense=1".to_owned(), None, 400),
        (Method::GET, "/v1/deliveries?status=lost".to_owned(), None, 400),
        (Method::GET, "/v1/dead-letters?cursor=AAAA".to_owned(), None, 400),
        (Method::GET, "/v1/events?since=yesterday".to_owned(), None, 400),
        (Method::GET, "/v1/events/evt_1".to_owned(), None, 404),
        (Method::GET, format!("/v1/deliveries/evt#{some}"), None, 404),
        (Method::GET, "/v1/nowhere".to_owned(), None, 404),
        (Method::PUT, "/v1/events".to_owned(), None, 405),
        (Method::POST, "/v1/events".to_owned(), Some(json!({"type": "a", "payload": 1, "colour": "red"})), 422),
        (Method::POST, "/v1/events".to_owned(), Some(json!({"type": "a b", "payload": 1})), 422),
        (Method::POST, "/v1/events".to_owned(), Some(json!({"type": "a"})), 422),
        (Method::POST, "/v1/endpoints".to_owned(), Some(json!({"url": 7, "event_types": "*", "timeout_ms": 1})), 422),
        (Method::POST, "/v1/replays".to_owned(), Some(json!({"filter": {"status": "pending"}})), 422),
        (Method::POST, "/v1/events/batch".to_owned(), Some(json!({"events": []})), 422),
    ];
    let (method, path, body, status) = random.pick(&calls).clone();
    let mut call = Call::new(method, path);
    call.body = body.map(|body| body.to_string());
    Drawn::with(call, status)
}
