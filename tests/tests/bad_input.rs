//! Wrong input anywhere is refused by name and changes nothing: of every route each path, parameter, header and field,
//! as the document describes them.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use reqwest::{
    Method,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use ringback_tests::{
    api::{Answer, Api, id_of},
    database::Database,
    document::{Document, Operation},
    on_both_stores,
    receiver::Receiver,
    refusal::{self, Named},
    server::{Serve, Server},
    stores::Store,
    until::until,
    wrong,
};
use serde_json::{Value, json};

/// Wrong input is refused before a store is asked. So SQLite is asked everything, and PostgreSQL every so-manyth request,
/// to see that what could change something there does not.
const SAMPLED: usize = 16;

/// A server with something of everything, so that whatever is asked for exists.
struct Scene {
    server: Server,
    receiver: Receiver,
    document: Document,
    /// The id that stands in the routes of each resource.
    ids: BTreeMap<&'static str, String>,
    /// One in so many requests is made.
    sampled: usize,
    wanted: AtomicUsize,
    asked: AtomicUsize,
}

impl Scene {
    async fn on(database: &Database) -> Self {
        let server = Serve::on(database).start().await;
        let (api, receiver) = (&server.api, Receiver::healthy().await);
        let once = json!({"max_attempts": 1});
        let endpoint = json!({"url": receiver.url(), "tenant": "acme", "event_types": ["CALL_ENDED"]});
        let endpoint = id_of(&api.endpoint(endpoint).await);
        let lost = json!({"url": "http://127.0.0.1:1/", "tenant": "acme", "event_types": ["LOST"], "retry": once});
        api.endpoint(lost).await;
        let event = api.emit("CALL_ENDED", b"{}", json!({"tenant": "acme"})).await;
        let delivery = api.delivery_of(&event).await;
        api.delivery_with_status(&delivery, "delivered").await;
        let letter = api.delivery_of(&api.emit("LOST", b"{}", json!({"tenant": "acme"})).await).await;
        api.delivery_with_status(&letter, "dead").await;
        let filter = json!({"filter": {"status": "delivered", "tenant": "acme", "key": "none"}});
        let replay = id_of(&api.post("/v1/replays", &filter).await.expect(202));
        let nothing = json!({"tenant": "default", "key": "nobody"});
        let expunge = id_of(&api.post("/v1/expunge", &nothing).await.expect(202));
        let share = json!({"key": "call-shared", "expires_in": "1h"});
        api.emit("CALL", b"{}", json!({"key": "call-shared"})).await;
        let share = id_of(&api.post("/v1/share", &share).await.expect(200));
        let portal = json!({"tenant": "default", "scope": "view", "expires_in": "1h"});
        let portal = id_of(&api.post("/v1/portal-links", &portal).await.expect(201));
        until("the replay is over", async || {
            let replay = api.get(&format!("/v1/replays/{replay}")).await.expect(200);
            (replay["state"] == "completed").then_some(())
        })
        .await;
        let keyed = json!({"url": receiver.url(), "event_types": [], "tenant": "acme", "key": "agent-7"});
        api.endpoint(keyed).await;
        let document = Document::of(api).await;
        let ids = [("events", event), ("endpoints", endpoint), ("deliveries", delivery), ("dead-letters", letter)];
        let ids = ids
            .into_iter()
            .chain([("replays", replay), ("expunges", expunge), ("share", share), ("portal-links", portal)])
            .collect();
        let sampled = if database.store() == Store::Postgres { SAMPLED } else { 1 };
        Self { server, receiver, document, ids, sampled, wanted: AtomicUsize::new(0), asked: AtomicUsize::new(0) }
    }

    fn api(&self) -> &Api {
        &self.server.api
    }

    /// Whether the next request is made.
    fn is_sampled(&self) -> bool {
        let is_sampled = self.wanted.fetch_add(1, Ordering::Relaxed).is_multiple_of(self.sampled);
        self.asked.fetch_add(usize::from(is_sampled), Ordering::Relaxed);
        is_sampled
    }

    /// A path of the route that names what exists.
    fn path(&self, route: &str) -> String {
        let resource = route.split('/').nth(2).unwrap_or_default();
        let path = self.ids.get(resource).map_or_else(|| route.to_owned(), |id| route.replace("{id}", id));
        path.replace("{tenant}", "acme").replace("{key}", "agent-7")
    }

    /// A body that the operation takes, if it takes any.
    fn body(&self, operation: &Operation) -> Option<Value> {
        self.document.body(operation).map(|schema| self.document.sample(schema))
    }

    /// Everything that a request could change.
    async fn state(&self) -> Vec<Value> {
        let mut state = vec![json!(self.receiver.count()), self.api().get("/v1/ledger").await.expect(200)];
        for list in ["endpoints", "events", "deliveries", "dead-letters", "audit"] {
            state.push(self.api().get(&format!("/v1/{list}?limit=1000")).await.expect(200));
        }
        // Links are never read again, and dead letters by their deliveries.
        let has_no_route = |resource: &str| ["dead-letters", "share", "portal-links"].contains(&resource);
        for (resource, id) in self.ids.iter().filter(|(resource, _)| !has_no_route(resource)) {
            state.push(self.api().get(&format!("/v1/{resource}/{id}")).await.expect(200));
        }
        state
    }
}

/// One request that must be refused.
struct Asked<'a> {
    operation: &'a Operation,
    path: String,
    headers: HeaderMap,
    body: Option<Bytes>,
    /// For messages.
    what: String,
}

impl<'a> Asked<'a> {
    /// The operation as it should be asked for; what is wrong is put in afterwards.
    fn rightly(scene: &Scene, operation: &'a Operation) -> Self {
        let body = scene.body(operation).map(|body| Bytes::from(body.to_string()));
        let json = HeaderValue::from_static("application/json");
        let headers = body.iter().map(|_| (CONTENT_TYPE, json.clone())).collect();
        Self { operation, path: scene.path(&operation.route), headers, body, what: String::new() }
    }

    async fn answer(&self, api: &Api) -> Answer {
        let method = self.operation.method.clone();
        let answer = api.ask_with(method, &self.path, self.headers.clone(), self.body.clone()).await;
        answer.unwrap_or_else(|error| panic!("{}: {error}", self.what))
    }

    /// What is wrong with the answer, if it is not a refusal with one of these statuses that names this; nothing if the
    /// request is not among those that are made.
    async fn refused(&self, scene: &Scene, statuses: &[u16], named: Named<'_>) -> Option<String> {
        if !scene.is_sampled() {
            return None;
        }
        let answer = self.answer(scene.api()).await;
        let complaint = refusal::complaint(&scene.document, self.operation, &answer, statuses, named)?;
        let Operation { method, route, .. } = self.operation;
        Some(format!("{method} {route}, {}: {complaint}", self.what))
    }
}

/// Asks for every operation in the ways that `wrongly` makes, and complains of all answers that are not right at once.
async fn everywhere(store: Store, least: usize, wrongly: impl AsyncFn(&Scene, &Operation, &mut Vec<Option<String>>)) {
    let database = Database::fresh(store).await;
    let scene = Scene::on(&database).await;
    let mut found = Vec::new();
    let before = scene.state().await;
    for operation in scene.document.operations() {
        wrongly(&scene, &operation, &mut found).await;
        let Operation { method, route, .. } = &operation;
        let complaints = || found.iter().flatten().collect::<Vec<_>>();
        // Where all is asked, it is told which operation changed something.
        if scene.sampled == 1 {
            assert_eq!(scene.state().await, before, "{method} {route} changed something; {:#?}", complaints());
        }
    }
    assert_eq!(scene.state().await, before, "something changed");
    let asked = scene.asked.load(Ordering::Relaxed);
    assert!(asked >= least / scene.sampled, "only {asked} requests");
    let complaints: Vec<_> = found.iter().flatten().map(String::as_str).collect();
    assert!(complaints.is_empty(), "{} of {asked}:\n{}", complaints.len(), complaints.join("\n"));
    assert!(!scene.server.log().contains("panicked"), "{}", scene.server.log());
}

/// A text as it can stand in a query or a path.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A query parameter's text as the JSON value that its schema describes.
fn value_of(schema: &Value, text: &str) -> Value {
    let number = text.parse::<i64>().ok().filter(|_| schema["type"] == "integer");
    number.map_or_else(|| text.into(), Value::from)
}

on_both_stores! {
    async fn every_field_of_every_body_is_refused_by_its_pointer(store: Store) {
        everywhere(store, 2_000, async |scene, operation, found| {
            let Some(schema) = scene.document.body(operation) else { return };
            let right = scene.document.sample(schema);
            for body in scene.document.wrong_bodies(schema, &right) {
                if operation.method == Method::PATCH && body.what == "null" {
                    continue; // There it removes what is named.
                }
                let mut asked = Asked::rightly(scene, operation);
                asked.what = format!("{} at {:?}", body.what, body.at);
                asked.body = Some(body.bytes.into());
                let named = if body.is_unreadable { Named::Around(&body.at) } else { Named::Pointer(&body.at) };
                found.push(asked.refused(scene, &[413, 422], named).await);
            }
        })
        .await;
    }

    async fn every_parameter_of_every_query_is_refused_by_its_name(store: Store) {
        everywhere(store, 300, async |scene, operation, found| {
            let mut queries = Vec::new();
            for (name, schema) in scene.document.parameters(operation, "query") {
                let is_wrong = |text: &String| name == "cursor" || !scene.document.allows(&schema, &value_of(&schema, text));
                queries.extend(wrong::texts().iter().filter(|text| is_wrong(text)).map(|text| (name.clone(), format!("{name}={}", escaped(text)))));
                let sample = scene.document.sample(&schema);
                let sample = escaped(sample.as_str().unwrap_or(&sample.to_string()));
                queries.push((name.clone(), format!("{name}={sample}&{name}={sample}")));
                queries.push((name.clone(), format!("{name}=%ff")));
            }
            if operation.route.starts_with("/v1/") {
                queries.push(("nonsense".to_owned(), "nonsense=1".to_owned()));
                queries.push(("dry_run".to_owned(), "dry_run".to_owned()));
            }
            for (name, query) in queries {
                let mut asked = Asked::rightly(scene, operation);
                asked.what = query.chars().take(80).collect();
                asked.path = format!("{}?{query}{}", asked.path, scene.document.also_needed(operation, &name));
                found.push(asked.refused(scene, &[400], Named::Parameter(&name)).await);
            }
        })
        .await;
    }

    async fn every_header_is_refused_by_its_name(store: Store) {
        everywhere(store, 100, async |scene, operation, found| {
            for (name, schema) in scene.document.parameters(operation, "header") {
                if name == "X-Request-Id" {
                    continue; // Whatever it is, it refuses nothing.
                }
                let header: HeaderName = name.parse().expect("a header");
                let values = wrong::texts().into_iter().filter(|text| !scene.document.allows(&schema, &json!(text)));
                let values = values.filter_map(|text| HeaderValue::from_bytes(text.as_bytes()).ok());
                for value in values.chain([HeaderValue::from_bytes(b"\xff\xfe").expect("opaque bytes")]) {
                    let mut asked = Asked::rightly(scene, operation);
                    asked.what = format!("{name}: {value:?}");
                    asked.headers.insert(&header, value);
                    found.push(asked.refused(scene, &[400], Named::Parameter(&name)).await);
                }
                let mut asked = Asked::rightly(scene, operation);
                asked.what = format!("{name} twice");
                for _ in 0..2 {
                    asked.headers.append(&header, HeaderValue::from_static("\"7\""));
                }
                found.push(asked.refused(scene, &[400], Named::Parameter(&name)).await);
            }
            if operation.told["security"][0].get("token").is_some() {
                let values: [&[u8]; 8] = [b"", b"Bearer", b"Bearer ", b"Bearer x", b"Basic eDp5", b"nonsense", b"Bearer \xff", b"Bearer x y"];
                for value in values {
                    let mut asked = Asked::rightly(scene, operation);
                    asked.what = format!("Authorization: {}", String::from_utf8_lossy(value));
                    asked.headers.insert(AUTHORIZATION, HeaderValue::from_bytes(value).expect("a value"));
                    found.push(asked.refused(scene, &[401], Named::Nothing).await);
                }
            }
        })
        .await;
    }

    async fn every_path_that_names_nothing_is_not_found(store: Store) {
        everywhere(store, 200, async |scene, operation, found| {
            if !operation.route.contains("{id}") {
                return;
            }
            let foreign = scene.ids.values().filter(|id| !scene.path(&operation.route).contains(*id));
            let foreign = foreign.filter(|id| !id.starts_with("dlv_") || !operation.route.contains("de")).cloned();
            let absent = scene.path("/v1/events/{id}").replace("/v1/events/evt_", "ffff");
            let absent = ["evt_", "ep_", "dlv_", "rpl_", ""].map(|prefix| format!("{prefix}{}", &absent[..32]));
            let texts = wrong::texts().into_iter().filter(|text| !text.is_empty()).map(|text| escaped(&text));
            for id in texts.chain(foreign).chain(absent).chain(["%ff".to_owned(), "%2e%2e".to_owned(), "%2F".to_owned()]) {
                // A client makes another route's path of this one.
                if id == "%2e%2e" && operation.route == "/v1/endpoints/{id}/figures" {
                    continue;
                }
                let mut asked = Asked::rightly(scene, operation);
                asked.path = operation.route.replace("{id}", &id);
                asked.what = asked.path.chars().take(80).collect();
                found.push(asked.refused(scene, &[404], Named::Nothing).await);
            }
        })
        .await;
    }

    async fn every_body_that_is_no_json_object_is_refused(store: Store) {
        everywhere(store, 200, async |scene, operation, found| {
            if scene.document.body(operation).is_none() {
                return;
            }
            for body in wrong::broken_bodies() {
                let mut asked = Asked::rightly(scene, operation);
                asked.what = format!("the body {}", String::from_utf8_lossy(&body).chars().take(40).collect::<String>());
                asked.body = Some(body.into());
                found.push(asked.refused(scene, &[400, 422], Named::Nothing).await);
            }
            for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonx"), Some("")] {
                let mut asked = Asked::rightly(scene, operation);
                asked.what = format!("the media type {kind:?}");
                asked.headers.remove(CONTENT_TYPE);
                asked.headers.extend(kind.map(|kind| (CONTENT_TYPE, HeaderValue::from_static(kind))));
                found.push(asked.refused(scene, &[415], Named::Nothing).await);
            }
            let mut asked = Asked::rightly(scene, operation);
            asked.what = "a body of 17 MiB".to_owned();
            asked.body = Some(format!("{{\"a\":\"{}\"}}", "x".repeat(17 << 20)).into());
            found.push(asked.refused(scene, &[413], Named::Nothing).await);
        })
        .await;
    }

    async fn tenants_and_keys_in_a_path_are_refused_by_name(store: Store) {
        everywhere(store, 10, async |scene, operation, found| {
            for (name, schema) in scene.document.parameters(operation, "path").iter().filter(|(name, _)| name != "id") {
                let texts = wrong::texts().into_iter().filter(|text| !text.is_empty() && !scene.document.allows(schema, &json!(text)));
                for text in texts {
                    let mut asked = Asked::rightly(scene, operation);
                    asked.path = scene.path(&operation.route.replace(&format!("{{{name}}}"), &escaped(&text)));
                    asked.what = asked.path.chars().take(80).collect();
                    found.push(asked.refused(scene, &[422], Named::Pointer(&format!("/{name}"))).await);
                }
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_route_takes_is_refused_everywhere() {
    let database = Database::fresh(Store::Sqlite).await;
    let scene = Scene::on(&database).await;
    let before = scene.state().await;
    for operation in scene.document.operations() {
        let path = scene.path(&operation.route);
        for method in [Method::TRACE, Method::from_bytes(b"PURGE").expect("a method")] {
            let answer = scene.api().ask(method, &path, None).await.expect("the server answers");
            answer.expect_problem(405, "method_not_allowed");
        }
        scene.api().get(&format!("{path}/")).await.expect_problem(404, "not_found");
        scene.api().get(&format!("{path}/non/sense")).await.expect_problem(404, "not_found");
    }
    assert_eq!(scene.state().await, before);
}
