//! The OpenAPI document. Routes and their descriptions are one list, `api::routes`. Parts that all routes share are added
//! here by rule, so that no route can forget them: who may call, the refusals, the request's id.

pub(crate) mod answers;
mod links;
pub(crate) mod parameters;
mod refusals;
pub(crate) mod requests;
pub(crate) mod settings;
pub(crate) mod values;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

const DESCRIPTION: &str = "\
Hand in events, configure endpoints, see what became of every delivery, send again what was given up.

JSON in snake_case, times in RFC 3339. A payload is the caller's bytes: it is kept, signed and sent byte for byte. \
Lists are newest first and read on with `next_cursor`; a page may hold fewer items than it could. Every refusal is \
`application/problem+json` (RFC 9457) with a stable `code`; `errors` names each field by its `pointer` (RFC 6901) or \
each `parameter`. What is absent and what is another tenant's get the same 404. A method that a path does not take is \
405 with `Allow`. An `Idempotency-Key` is refused where a request would be carried out twice all the same; GET, PUT and \
DELETE may be repeated without one. Every answer has an `X-Request-Id`: the caller's, if it sent one.";

/// The document as it is served.
pub(crate) fn document(described: OpenApi, base_path: &str) -> Bytes {
    serde_json::to_vec(&complete(described, base_path)).unwrap_or_default().into()
}

fn complete(described: OpenApi, base_path: &str) -> Value {
    let mut document = serde_json::to_value(described).unwrap_or_default();
    document["info"] = json!({
        "title": "Ringback",
        "summary": "Outbound webhooks",
        "description": DESCRIPTION,
        "version": env!("CARGO_PKG_VERSION"),
        "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
    });
    document["servers"] = json!([{"url": if base_path.is_empty() { "/" } else { base_path }}]);
    let components = &mut document["components"];
    components["securitySchemes"] = json!({
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "`admin` may do everything, `operator` reads, replays, pauses, tests and discards, `emit` \
                            hands in events, `read` reads. A token may be bound to one tenant.",
        },
    });
    components["parameters"] = json!({"RequestId": request_id_parameter()});
    components["headers"] = json!({"RequestId": {"description": "The request's id.", "schema": {"type": "string"}}});
    components["responses"] = refusals::components();
    components["schemas"]["Problem"] = refusals::problem();
    for (path, operations) in members(&mut document["paths"]) {
        for (_, operation) in members(operations) {
            describe(path, operation);
        }
    }
    document
}

fn request_id_parameter() -> Value {
    json!({
        "name": "X-Request-Id",
        "in": "header",
        "description": "1 to 128 letters, digits and `. _ : -`; one is made where none is sent, or any other text.",
        "required": false,
        "schema": {"type": "string"},
    })
}

/// Adds the parts that all operations share.
fn describe(path: &str, operation: &mut Value) {
    if let Some(scope) = operation["security"][0]["token"][0].as_str().map(str::to_owned) {
        let told = operation["description"].as_str().map(|told| format!("{told}\n\n")).unwrap_or_default();
        operation["description"] = format!("{told}Scope: `{scope}`.").into();
    }
    if let Some(schemas) = operation.get_mut("requestBody").map(|body| &mut body["content"]) {
        for (_, content) in members(schemas) {
            present(&mut content["schema"]);
        }
    }
    refusals::add(path, operation);
    links::add(operation);
    for (_, response) in members(&mut operation["responses"]) {
        if response.get("$ref").is_none() {
            response["headers"]["X-Request-Id"] = json!({"$ref": "#/components/headers/RequestId"});
        }
    }
    match operation.get_mut("parameters").and_then(Value::as_array_mut) {
        Some(parameters) => parameters.push(json!({"$ref": "#/components/parameters/RequestId"})),
        None => operation["parameters"] = json!([{"$ref": "#/components/parameters/RequestId"}]),
    }
}

/// Removes the alternative `null` of an optional body: a body may be left out, but may not be `null`.
fn present(schema: &mut Value) {
    let Some(choices) = schema["oneOf"].as_array() else { return };
    if let Some(body) = choices.iter().find(|choice| choice["type"] != "null") {
        *schema = body.clone();
    }
}

fn members(object: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    object.as_object_mut().into_iter().flat_map(Map::iter_mut)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::Router;

    use crate::api;

    #[test]
    fn every_route_is_described_and_nothing_else_is() {
        let (routes, described) = api::routes().split_for_parts();
        let described: BTreeSet<_> = described.paths.paths.keys().cloned().collect();
        // A router shows its paths to nobody but the debugger.
        let shown = |routes: &Router<api::Api>| {
            let text = format!("{routes:?}");
            text.split('"').filter(|text| text.starts_with('/')).map(str::to_owned).collect::<BTreeSet<_>>()
        };
        let routed = &shown(&routes) - &shown(&Router::new());
        assert!(described.len() > 20, "{described:?}");
        assert_eq!(routed, described);
    }
}
