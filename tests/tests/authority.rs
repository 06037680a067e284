//! Promise 13, at the door: every route, with a token of every scope and with none, for its own tenant, another's and any.
//!
//! One table says what each route needs. The routes are those of `/openapi.json`: one that is not in the table fails.

use std::{collections::BTreeSet, time::Duration};

use reqwest::Method;
use ringback::{
    attempt::{Attempt, Conclusion, Detail},
    audit::{Actor, Who},
    delivery::DeadReason,
    id::{DeliveryId, EventId},
    operate::tokens::NewToken,
    store::{Recorded, Settlement},
    time::Timestamp,
    token::Scope,
};
use ringback_tests::{
    api::{Api, id_of},
    database::Database,
    document::{Document, Operation},
    embedded::Embedded,
    on_both_stores,
    stores::Store,
};
use serde_json::{Value, json};

/// What a route is about.
#[derive(Clone, Copy)]
enum Thing {
    /// A tenant, named in the query or the body.
    Tenant,
    Endpoint,
    /// An endpoint, by its key.
    Keyed,
    Event,
    /// A dead letter, which is a delivery.
    DeadLetter,
    Replay,
    Expunge,
    /// A link to the evidence of one call.
    Share,
    /// A link to a portal.
    PortalLink,
    /// Nothing that a caller could name: its own tenant's, whatever that is.
    Nothing,
    /// The whole installation, which is no bound caller's.
    Everything,
}

/// A route, the least that a token must be for, and what it answers to one that may.
struct Route {
    method: Method,
    path: &'static str,
    /// After the path: `TENANT` stands for the tenant's name.
    query: &'static str,
    body: Option<Value>,
    thing: Thing,
    scope: Scope,
    status: u16,
}

fn routes() -> Vec<Route> {
    use Scope::{Admin, Emit, Operator, Read};
    use Thing::{DeadLetter, Endpoint, Event, Everything, Expunge, Keyed, Nothing, PortalLink, Replay, Share, Tenant};
    let get =
        |path, query, thing, scope| Route { method: Method::GET, path, query, body: None, thing, scope, status: 200 };
    let change = |method, path, body: Value, thing, scope, status| Route {
        method,
        path,
        query: "",
        body: (!body.is_null()).then_some(body),
        thing,
        scope,
        status,
    };
    let endpoint = json!({"url": "https://receiver.acme-voice.com/hook", "event_types": ["*"]});
    let event = json!({"type": "x", "payload": 1, "tenant": "TENANT"});
    let mut with_tenant = endpoint.clone();
    with_tenant["tenant"] = json!("TENANT");
    vec![
        change(Method::POST, "/v1/events", event.clone(), Tenant, Emit, 202),
        change(Method::POST, "/v1/events/batch", json!({"events": [event]}), Tenant, Emit, 202),
        get("/v1/events", "?tenant=TENANT", Tenant, Read),
        get("/v1/events/{id}", "", Event, Read),
        get("/v1/events/{id}/payload", "", Event, Read),
        change(Method::DELETE, "/v1/events/{id}/payload", Value::Null, Event, Admin, 204),
        change(Method::POST, "/v1/expunge", json!({"tenant": "TENANT"}), Tenant, Admin, 202),
        get("/v1/expunges/{id}", "", Expunge, Admin),
        change(Method::POST, "/v1/endpoints", with_tenant, Tenant, Admin, 201),
        get("/v1/endpoints", "?tenant=TENANT", Tenant, Read),
        change(Method::PUT, "/v1/endpoints/by-key/{tenant}/{key}", endpoint, Tenant, Admin, 201),
        get("/v1/endpoints/by-key/{tenant}/{key}", "", Keyed, Read),
        change(Method::PATCH, "/v1/endpoints/by-key/{tenant}/{key}", json!({"name": "b"}), Keyed, Admin, 200),
        change(Method::DELETE, "/v1/endpoints/by-key/{tenant}/{key}", Value::Null, Keyed, Admin, 204),
        get("/v1/endpoints/{id}", "", Endpoint, Read),
        get("/v1/endpoints/{id}/figures", "", Endpoint, Read),
        change(Method::PATCH, "/v1/endpoints/{id}", json!({"name": "b"}), Endpoint, Admin, 200),
        change(Method::DELETE, "/v1/endpoints/{id}", Value::Null, Endpoint, Admin, 204),
        change(Method::POST, "/v1/endpoints/{id}/test", Value::Null, Endpoint, Operator, 202),
        change(Method::POST, "/v1/endpoints/{id}/verify", Value::Null, Endpoint, Operator, 202),
        change(Method::POST, "/v1/endpoints/{id}/rotate-secret", Value::Null, Endpoint, Admin, 200),
        change(Method::POST, "/v1/endpoints/{id}/pause", Value::Null, Endpoint, Operator, 200),
        change(Method::POST, "/v1/endpoints/{id}/resume", Value::Null, Endpoint, Operator, 200),
        change(
            Method::POST,
            "/v1/filters/test",
            json!({"filter": "true", "tenant": "TENANT", "payload": 1}),
            Tenant,
            Read,
            200,
        ),
        get("/v1/find", "?q=call-1&tenant=TENANT", Tenant, Read),
        Route { query: "?tenant=TENANT", ..change(Method::POST, "/v1/gaps", json!("call-1"), Tenant, Read, 200) },
        get("/v1/deliveries", "?tenant=TENANT", Tenant, Read),
        get("/v1/deliveries/{id}", "", DeadLetter, Read),
        change(Method::POST, "/v1/deliveries/{id}/replay", Value::Null, DeadLetter, Operator, 202),
        get("/v1/dead-letters", "?tenant=TENANT", Tenant, Read),
        get("/v1/dead-letters/groups", "?tenant=TENANT", Tenant, Read),
        change(Method::POST, "/v1/dead-letters/{id}/replay", Value::Null, DeadLetter, Operator, 202),
        change(Method::DELETE, "/v1/dead-letters/{id}", Value::Null, DeadLetter, Operator, 204),
        change(
            Method::POST,
            "/v1/replays",
            json!({"filter": {"status": "dead", "tenant": "TENANT"}}),
            Tenant,
            Operator,
            202,
        ),
        get("/v1/replays", "?tenant=TENANT", Tenant, Read),
        get("/v1/replays/{id}", "", Replay, Read),
        change(Method::POST, "/v1/replays/{id}/cancel", Value::Null, Replay, Operator, 200),
        change(
            Method::POST,
            "/v1/share",
            json!({"key": "call-1", "tenant": "TENANT", "expires_in": "1h"}),
            Tenant,
            Operator,
            200,
        ),
        change(Method::DELETE, "/v1/share/{id}", Value::Null, Share, Operator, 204),
        change(
            Method::POST,
            "/v1/portal-links",
            json!({"tenant": "TENANT", "scope": "view", "expires_in": 3600}),
            Tenant,
            Admin,
            201,
        ),
        change(Method::DELETE, "/v1/portal-links/{id}", Value::Null, PortalLink, Admin, 204),
        get("/v1/ledger", "?tenant=TENANT", Tenant, Read),
        get("/v1/figures", "?tenant=TENANT", Tenant, Read),
        get("/v1/audit", "", Nothing, Admin),
        get("/v1/nodes", "", Everything, Admin),
        get("/metrics", "", Everything, Read),
    ]
}

fn may(scope: Scope, needed: Scope) -> bool {
    scope == Scope::Admin || scope == needed || (scope == Scope::Operator && needed == Scope::Read)
}

/// Of the form that the configured one has.
const TOKEN_OF_NOBODY: &str = "a-token-of-nobody-at-all";

/// Routes that need no token, and say nothing of anybody's.
const OPEN: [(&str, &str); 3] = [("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/openapi.json")];

/// The routes as the API itself describes them: those that need a token, and those that need none.
async fn described(api: &Api) -> (BTreeSet<(String, String)>, BTreeSet<(String, String)>) {
    let operations = Document::of(api).await.operations();
    let (guarded, open): (Vec<_>, Vec<_>) =
        operations.into_iter().partition(|it| !it.told["security"][0]["token"].is_null());
    let names =
        |operations: Vec<Operation>| operations.into_iter().map(|it| (it.method.to_string(), it.route)).collect();
    (names(guarded), names(open))
}

async fn token(host: &Embedded, scope: Scope, tenant: Option<&str>) -> Api {
    let new = NewToken { scope, tenant: tenant.map(str::to_owned), name: None, expires_in: None };
    let by = Actor::from(Who::Host(None));
    let (_, text) = host.engine.create_token(new, &by).await.expect("a token");
    host.api.with_token(&text.expose())
}

/// A fresh thing of a tenant; its id.
async fn made(host: &Embedded, thing: Thing, tenant: &str) -> String {
    match thing {
        Thing::Nothing | Thing::Everything => String::new(),
        Thing::Tenant => {
            // What some of these routes ask for by its key.
            host.api.emit("x", b"1", json!({"tenant": tenant, "key": "call-1"})).await;
            String::new()
        }
        Thing::Share => {
            let delivery = dead_letter(host, tenant).await.to_string();
            let share = json!({"delivery_id": delivery, "expires_in": "1h"});
            id_of(&host.api.post("/v1/share", &share).await.expect(200))
        }
        Thing::PortalLink => {
            let link = json!({"tenant": tenant, "scope": "manage", "expires_in": "1h"});
            id_of(&host.api.post("/v1/portal-links", &link).await.expect(201))
        }
        Thing::Endpoint => {
            let endpoint = json!({"url": "https://receiver.acme-voice.com/hook", "event_types": [], "tenant": tenant});
            id_of(&host.api.endpoint(endpoint).await)
        }
        Thing::Keyed => {
            let key = uuid::Uuid::new_v4().to_string();
            let endpoint = json!({
                "url": "https://receiver.acme-voice.com/hook", "event_types": [], "tenant": tenant, "key": key,
            });
            host.api.endpoint(endpoint).await;
            key
        }
        Thing::Event => host.api.emit("x", b"1", json!({"tenant": tenant})).await,
        Thing::DeadLetter => dead_letter(host, tenant).await.to_string(),
        Thing::Expunge => {
            // Of nothing: what other rows need stays there.
            let nothing = json!({"tenant": tenant, "key": "nobody"});
            id_of(&host.api.post("/v1/expunge", &nothing).await.expect(202))
        }
        Thing::Replay => {
            dead_letter(host, tenant).await;
            let replay = json!({"filter": {"status": "dead", "tenant": tenant}});
            id_of(&host.api.post("/v1/replays", &replay).await.expect(202))
        }
    }
}

/// A dead letter, without anything having been sent.
async fn dead_letter(host: &Embedded, tenant: &str) -> DeliveryId {
    let destination = json!({"url": "https://receiver.acme-voice.com/hook"});
    let event = host.api.emit("x", b"1", json!({"tenant": tenant, "destination": destination})).await;
    let id = event.parse::<EventId>().expect("an id").delivery(1);
    let row = host.engine.delivery(id).await.expect("an answer").expect("a delivery");
    let attempt = Attempt {
        number: 1,
        at: Timestamp::now(),
        conclusion: Conclusion::Failed,
        status: Some(500),
        error: None,
        phase: None,
        ambiguous: false,
        duration: Duration::ZERO,
        detail: Detail::default().to_bytes(),
        response_body: "".into(),
    };
    let settlement = Settlement::Dead { reason: DeadReason::Exhausted, detail: None, blocks: false };
    let outcome = Recorded { id, lane: row.lane, fence: row.attempts, settlement, attempt: Some(attempt) };
    assert_eq!(host.store.record(&[outcome]).await.expect("an answer"), [true]);
    id
}

impl Route {
    async fn ask(&self, api: &Api, tenant: &str, id: &str) -> ringback_tests::api::Answer {
        let fresh = uuid::Uuid::new_v4().to_string();
        let key = if matches!(self.thing, Thing::Keyed) { id } else { &fresh };
        let path = self.path.replace("{id}", id).replace("{tenant}", tenant).replace("{key}", key);
        let path = format!("{path}{}", self.query.replace("TENANT", tenant));
        let body = self.body.as_ref().map(|body| body.to_string().replace("TENANT", tenant).into());
        api.ask(self.method.clone(), &path, body).await.expect("the server answers")
    }

    fn names(&self, scope: Scope) -> String {
        format!("{} {} with {scope}", self.method, self.path)
    }
}

/// A problem without the one thing that differs from request to request.
fn told(mut problem: Value) -> Value {
    problem["instance"] = Value::Null;
    problem
}

on_both_stores! {
    async fn every_route_takes_the_scopes_and_tenants_that_it_should(store: Store) {
        let database = Database::fresh(store).await;
        let host = Embedded::idle(&database).await;
        let (guarded, open) = described(&host.api).await;
        let routes = routes();
        let tabled: BTreeSet<_> = routes.iter().map(|it| (it.method.to_string(), it.path.to_owned())).collect();
        assert_eq!(tabled, guarded, "every route that needs a token is in the table");
        let without = OPEN.map(|(method, path)| (method.to_owned(), path.to_owned()));
        assert_eq!(BTreeSet::from(without), open, "no other route is open to everybody");

        let unknown = format!("rbk_{}_{}", "0".repeat(32), "0".repeat(64));
        for stranger in ["", "x", TOKEN_OF_NOBODY, &unknown].map(|token| host.api.with_token(token)) {
            for route in &routes {
                let refused = route.ask(&stranger, "acme", absent(route.thing)).await;
                // Who tries for too long is told to wait.
                let is_refused = matches!(refused.status.as_u16(), 401 | 429);
                assert!(is_refused, "{} {} with a token of nobody's: {refused:?}", route.method, route.path);
            }
        }

        for &scope in Scope::ALL {
            let (bound, unbound) = (token(&host, scope, Some("acme")).await, token(&host, scope, None).await);
            for route in &routes {
                let names = route.names(scope);
                if !may(scope, route.scope) {
                    for api in [&bound, &unbound] {
                        let id = absent(route.thing);
                        route.ask(api, "acme", id).await.expect_problem(403, "forbidden");
                    }
                    continue;
                }
                if matches!(route.thing, Thing::Everything) {
                    route.ask(&bound, "acme", "").await.expect_problem(403, "forbidden");
                    assert_eq!(route.ask(&unbound, "", "").await.status.as_u16(), route.status, "{names}");
                    continue;
                }
                let own = made(&host, route.thing, "acme").await;
                let answer = route.ask(&bound, "acme", &own).await;
                assert_eq!(answer.status.as_u16(), route.status, "{names}, its own tenant: {answer:?}");
                let foreign = made(&host, route.thing, "other").await;
                if !matches!(route.thing, Thing::Nothing) {
                    let refused = route.ask(&bound, "other", &foreign).await.expect_problem(404, "not_found");
                    let nothing = route.ask(&bound, "nobody", absent(route.thing)).await;
                    assert_eq!(told(refused), told(nothing.expect(404)), "{names}, another's looks like nobody's");
                }
                let answer = route.ask(&unbound, "other", &foreign).await;
                assert_eq!(answer.status.as_u16(), route.status, "{names}, any tenant: {answer:?}");
            }
        }
    }

    async fn a_bound_token_hands_in_and_sees_what_is_its_tenants(store: Store) {
        let database = Database::fresh(store).await;
        let host = Embedded::idle(&database).await;
        let bound = token(&host, Scope::Admin, Some("acme")).await;
        for tenant in ["acme", "other"] {
            made(&host, Thing::Endpoint, tenant).await;
            made(&host, Thing::Replay, tenant).await;
        }
        // Nobody's: of all tenants.
        host.api.post("/v1/replays", &json!({"filter": {"status": "dead"}})).await.expect(202);
        let event = bound.emit("x", b"1", json!({})).await;
        assert_eq!(bound.get(&format!("/v1/events/{event}")).await.expect(200)["tenant"], "acme");
        for list in ["events", "endpoints", "deliveries", "dead-letters", "audit"] {
            let page = bound.get(&format!("/v1/{list}")).await.expect(200);
            let items = page["items"].as_array().expect("items");
            assert!(!items.is_empty(), "{list}");
            assert!(items.iter().all(|item| item["tenant"] == "acme"), "{list}: {page}");
        }
        let replays = bound.get("/v1/replays").await.expect(200);
        let tenants: Vec<_> = replays["items"].as_array().expect("items").iter().map(|it| &it["filter"]["tenant"]).collect();
        assert_eq!(tenants, ["acme"], "one of all tenants is nobody's");
        let ledger = bound.get("/v1/ledger").await.expect(200);
        assert_eq!(ledger["events"]["accepted"], 2);
        let replay = bound.post("/v1/replays", &json!({"filter": {"status": "dead"}, "dry_run": true})).await.expect(200);
        assert_eq!(replay["matched"], 1);
    }
}

/// An id of the thing's kind that names nothing.
const fn absent(thing: Thing) -> &'static str {
    match thing {
        Thing::Tenant | Thing::Nothing | Thing::Everything => "",
        Thing::Keyed => "a-key-of-nobody",
        Thing::Endpoint => "ep_0199c0de5eed7a11b0a1c2d3e4f56789",
        Thing::Event => "evt_0199c0de5eed7a11b0a1c2d3e4f50000",
        Thing::DeadLetter => "dlv_0199c0de5eed7a11b0a1c2d3e4f50001",
        Thing::Expunge => "exp_0199c0de5eed7a11b0a1c2d3e4f56789",
        Thing::Share | Thing::PortalLink => "lnk_0199c0de5eed7a11b0a1c2d3e4f56789",
        Thing::Replay => "rpl_0199c0de5eed7a11b0a1c2d3e4f56789",
    }
}
