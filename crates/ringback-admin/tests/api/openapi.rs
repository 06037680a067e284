//! The document tells the truth: about methods, parameters, bodies, scopes and refusals. That every route is in it and
//! nothing else is a test beside it, in `src/openapi.rs`; that answers are as it says is tried from outside, by
//! `tests/tests/openapi.rs` of the workspace.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use ringback::{delivery::DeadReason, store::Settlement};
use serde_json::{Value, json};

use crate::app::{App, EMIT_TOKEN, OPERATE_TOKEN, READ_TOKEN, TOKEN, bearer};

const DEAD: Settlement = Settlement::Dead { reason: DeadReason::Exhausted, detail: None, blocks: false };

async fn document(app: &App) -> Value {
    app.send(Request::get("/openapi.json").body(Body::empty()).unwrap()).await.is(StatusCode::OK).0
}

/// Every operation: method, path, description.
fn operations(document: &Value) -> Vec<(Method, String, Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((method.to_uppercase().parse().unwrap(), path.clone(), operation.clone()));
        }
    }
    assert!(all.len() > 25, "{} operations", all.len());
    all
}

/// What a reference stands for.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// A path with ids that name nothing, or with those of things that exist.
fn path_of(template: &str, existing: &BTreeMap<&str, String>) -> String {
    let mut path = template.to_owned();
    for (kind, absent) in [
        ("/v1/events/{id}", "evt_0199c0de5eed7a11b0a1c2d3e4f50000"),
        ("/v1/endpoints/{id}", "ep_0199c0de5eed7a11b0a1c2d3e4f56789"),
        ("/v1/deliveries/{id}", "dlv_0199c0de5eed7a11b0a1c2d3e4f50001"),
        ("/v1/dead-letters/{id}", "dlv_0199c0de5eed7a11b0a1c2d3e4f50001"),
        ("/v1/replays/{id}", "rpl_0199c0de5eed7a11b0a1c2d3e4f56789"),
    ] {
        if template.starts_with(kind) {
            path = path.replace("{id}", existing.get(kind).map_or(absent, String::as_str));
        }
    }
    path.replace("{tenant}", "acme").replace("{key}", "agent-7")
}

#[tokio::test]
async fn every_path_takes_the_methods_that_are_described() {
    let app = App::new().await;
    let document = document(&app).await;
    let mut described: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (method, path, _) in operations(&document) {
        described.entry(path).or_default().insert(method.to_string());
    }
    for (path, methods) in described {
        let answer = app.call(Method::TRACE, &path_of(&path, &BTreeMap::new()), "").await;
        answer.refused(StatusCode::METHOD_NOT_ALLOWED);
        let allowed = answer.header(header::ALLOW).split(',').map(|method| method.trim().to_owned());
        let allowed: BTreeSet<_> = allowed.filter(|method| method != "HEAD").collect();
        assert_eq!(allowed, methods, "{path}");
    }
}

#[tokio::test]
async fn every_route_knows_the_parameters_that_are_described() {
    let app = App::new().await;
    let document = document(&app).await;
    let mut compared = 0;
    for (method, path, operation) in operations(&document) {
        let parameters = operation["parameters"].as_array().unwrap().iter();
        let query = parameters.filter(|parameter| parameter["in"] == "query");
        let described: BTreeSet<_> = query.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect();
        if described.is_empty() {
            continue;
        }
        let needed = operation["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["in"] == "query" && it["required"] == true);
        let needed: String = needed.map(|it| format!("&{}=x", it["name"].as_str().unwrap())).collect();
        let answer = app.call(method, &format!("{path}?nonsense=1{needed}"), "").await;
        let (code, _) = answer.refused(StatusCode::BAD_REQUEST);
        assert_eq!(code, "unknown_parameter", "{path}");
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        let known = problem["detail"].as_str().unwrap().split("known are: ").nth(1).unwrap();
        let known: BTreeSet<_> = known.split(", ").map(str::to_owned).collect();
        assert_eq!(known, described, "{path}");
        compared += 1;
    }
    assert!(compared >= 5, "{compared}");
}

#[tokio::test]
async fn every_example_of_a_body_is_accepted_and_uses_every_field() {
    let app = App::new().await;
    let document = document(&app).await;
    let mut tried = 0;
    for (method, path, operation) in operations(&document) {
        let Some(contents) = operation["requestBody"]["content"].as_object() else { continue };
        for (media_type, content) in contents {
            let schema = resolved(&document, &content["schema"]);
            if schema["type"] == "string" {
                continue; // Lines of text have no fields.
            }
            let example = &schema["example"];
            let fields =
                |object: &Value| object.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
            let (shown, known): (BTreeSet<String>, BTreeSet<String>) = (fields(example), fields(&schema["properties"]));
            // What cannot stand together, or would change another test's meaning, is left out of an example.
            let left_out: BTreeSet<_> = known.difference(&shown).map(String::as_str).collect();
            match path.as_str() {
                "/v1/events" => assert_eq!(left_out, BTreeSet::from(["destination"])),
                "/v1/endpoints/{id}/rotate-secret" => assert_eq!(left_out, BTreeSet::from(["secret", "switch_at"])),
                // The older name of the note.
                "/v1/replays" => assert_eq!(left_out, BTreeSet::from(["reason"])),
                // Of inline destinations alone.
                "/v1/deliveries/{id}/replay" | "/v1/dead-letters/{id}/replay" => {
                    assert_eq!(left_out, BTreeSet::from(["url"]));
                }
                "/v1/filters/test" => assert_eq!(left_out, BTreeSet::from(["event_id"])),
                "/v1/share" => assert_eq!(left_out, BTreeSet::from(["delivery_id"])),
                "/v1/expunge" => assert_eq!(left_out, BTreeSet::from(["type"])),
                "/v1/endpoints/{id}" => {}
                "/v1/endpoints/by-key/{tenant}/{key}" if method == Method::PATCH => {}
                _ => assert_eq!(left_out, BTreeSet::new(), "{path}"),
            }
            let existing = existing(&app).await;
            let request = Request::builder()
                .method(method.clone())
                .uri(path_of(&path, &existing))
                .header(header::AUTHORIZATION, bearer(TOKEN))
                .header(header::CONTENT_TYPE, media_type.as_str());
            let mut example = example.clone();
            if path == "/v1/endpoints" {
                // The key may be taken by what another example made.
                example["key"] = json!(format!("agent-{tried}"));
            }
            let answer = app.send(request.body(Body::from(example.to_string())).unwrap()).await;
            let told = String::from_utf8_lossy(&answer.body);
            assert!(answer.status.is_success(), "{method} {path} {example}: {} {told}", answer.status);
            let described = &operation["responses"][answer.status.as_str()];
            assert!(described.is_object(), "{method} {path}: {} is not described", answer.status);
            tried += 1;
        }
    }
    assert!(tried >= 14, "{tried}");
}

/// One of each, for the paths that name one.
async fn existing(app: &App) -> BTreeMap<&'static str, String> {
    let request = json!({"url": "https://receiver.acme-voice.com/hook", "event_types": ["*"]});
    let endpoint = app.post("/v1/endpoints", request).await.is(StatusCode::CREATED).text("id");
    let named = json!({"url": "https://receiver.acme-voice.com/hook", "event_types": ["*"]});
    app.call(Method::PUT, "/v1/endpoints/by-key/acme/agent-7", named.to_string()).await;
    let (event, delivery) = app.delivery().await;
    app.settle(delivery, DEAD, 500).await;
    let replay = app.post("/v1/replays", json!({"filter": {"status": "delivered"}})).await.is(StatusCode::ACCEPTED);
    BTreeMap::from([
        ("/v1/endpoints/{id}", endpoint),
        ("/v1/events/{id}", event),
        ("/v1/deliveries/{id}", delivery.to_string()),
        ("/v1/dead-letters/{id}", delivery.to_string()),
        ("/v1/replays/{id}", replay.text("id")),
    ])
}

#[tokio::test]
async fn every_request_field_that_is_described_is_known() {
    let app = App::new().await;
    let document = document(&app).await;
    let fields = |name: &str| {
        let schema = &document["components"]["schemas"][name];
        let properties = schema["properties"].as_object().unwrap();
        properties.keys().map(|field| (field.clone(), json!([]))).collect::<serde_json::Map<_, _>>()
    };
    let endpoint = app.endpoint("a").await;
    // A list is refused for its type by every field but those that hold one, a payload, an event's destination, which is
    // looked at when the rest is right, and a span of time, which is malformed. None is refused for being unknown.
    for (method, path, name, others) in [
        (Method::POST, "/v1/events".to_owned(), "NewEvent", 3),
        (Method::POST, "/v1/endpoints".to_owned(), "NewEndpoint", 4),
        (Method::PATCH, format!("/v1/endpoints/{endpoint}"), "EndpointPatch", 5),
        (Method::POST, format!("/v1/endpoints/{endpoint}/rotate-secret"), "SecretRotation", 0),
        (Method::POST, "/v1/replays".to_owned(), "NewReplay", 0),
    ] {
        let mut body = Value::Object(fields(name));
        if name == "EndpointPatch" {
            // A patch that moves an endpoint is refused for that alone.
            body["tenant"] = json!("default");
        }
        let problem = app.call(method, &path, body.to_string()).await.is(StatusCode::UNPROCESSABLE_ENTITY).0;
        let refused: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| error["code"].clone()).collect();
        assert!(!refused.contains(&json!("unknown_field")), "{name}: {problem}");
        let wrong_types = refused.iter().filter(|code| **code == "wrong_type").count();
        assert_eq!(wrong_types, fields(name).len() - others, "{name}: {problem}");
    }
}

#[tokio::test]
async fn every_route_asks_for_the_scope_that_is_described() {
    let app = App::new().await;
    let document = document(&app).await;
    let scopes = [(TOKEN, "admin"), (OPERATE_TOKEN, "operator"), (EMIT_TOKEN, "emit"), (READ_TOKEN, "read")];
    for (method, path, operation) in operations(&document) {
        let path = path_of(&path, &BTreeMap::new());
        let unknown = app.call_as("not-a-token-of-anybody", method.clone(), &path, "").await;
        let Some(needed) = operation["security"][0]["token"][0].as_str() else {
            assert!(unknown.status.is_success(), "{method} {path} needs no token");
            continue;
        };
        assert_eq!(unknown.refused(StatusCode::UNAUTHORIZED).0, "unauthorized", "{method} {path}");
        for (token, scope) in scopes {
            let enough = scope == "admin" || scope == needed || (scope == "operator" && needed == "read");
            let answer = app.call_as(token, method.clone(), &path, "").await;
            assert_eq!(answer.status != StatusCode::FORBIDDEN, enough, "{method} {path} with {scope}");
        }
    }
}

#[tokio::test]
async fn every_description_is_whole() {
    let app = App::new().await;
    let document = document(&app).await;
    assert_eq!(document["openapi"].as_str().unwrap().split('.').take(2).collect::<Vec<_>>(), ["3", "1"]);
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
        assert!(ids.insert(operation["operationId"].to_string()), "{method} {path}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            let response = resolved(&document, response);
            assert!(response["headers"]["X-Request-Id"].is_object(), "{method} {path} {status}");
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path} {status}");
            let has_body = response["content"].is_object();
            assert_eq!(has_body, status != "204", "{method} {path} {status}");
        }
    }
    // Every link and every reference leads somewhere.
    for (_, path, operation) in operations(&document) {
        for response in operation["responses"].as_object().unwrap().values() {
            for link in response["links"].as_object().into_iter().flat_map(|links| links.values()) {
                assert!(ids.contains(&link["operationId"].to_string()), "{path}: {link}");
            }
        }
    }
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn a_base_path_is_where_the_document_says_the_server_is() {
    let mut app = App::new().await;
    let options = ringback_admin::Options::trusting_host().base_path("/hooks").unwrap();
    app.router = ringback_admin::router(app.engine.clone(), options);
    let answer = app.send(Request::get("/hooks/openapi.json").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.is(StatusCode::OK)["servers"], json!([{"url": "/hooks"}]));
}
