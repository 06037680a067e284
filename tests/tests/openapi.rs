//! The API does what its document says: schemathesis, which knows nothing but the document, asks the real server.
//!
//! It makes requests that fit the document and requests that do not, one after the other and in sequences that follow
//! the document's links. No answer may be a fault of ours, have a status, a header or a media type that is not
//! described, or a body that is not as described; what the document does not allow must be refused, what needs a token
//! must need it.

use std::{process::Stdio, time::Duration};

use ringback_tests::{
    api::Api,
    database::Database,
    receiver::{Receiver, Reply},
    server::{Serve, Server, TOKEN},
    stores::Store,
    until::until,
};
use serde_json::json;
use tokio::process::Command;

/// Longer than a run takes on a busy machine.
const RUN_MAX: Duration = Duration::from_secs(240);

/// How much is asked.
#[derive(Clone, Copy)]
struct Effort {
    phases: &'static str,
    /// Requests made for each operation and phase.
    examples: u32,
}

/// What a store can answer is the shared contract's to test; what is read and refused before a store is asked does not
/// depend on it. So one store is asked everything, and the other enough to see that it is connected to the same API.
const ALL: Effort = Effort { phases: "examples,coverage,fuzzing,stateful", examples: 4 };
const SMOKE: Effort = Effort { phases: "examples,stateful", examples: 2 };

/// Who has no token is refused before anything else of a request is read.
const STRANGER: Effort = Effort { phases: "examples", examples: 1 };

/// Every check but two. Not every rule can be written down as a schema: an event's destination excludes its endpoint
/// keys, for one. So what the document allows may still be refused; `ringback-admin` tries its examples. And of an
/// endpoint that was deleted, deliveries still tell, so what is read after a deletion may be there.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,negative_data_rejection,\
                      unsupported_method,allow_header_conformance,ignored_auth,use_after_free";

/// Runs schemathesis against a server, with a token or without.
async fn conforms(server: &Server, receiver: &Receiver, token: Option<&str>, effort: Effort) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let python = std::env::var("RINGBACK_TEST_PYTHON").expect("RINGBACK_TEST_PYTHON is set; tests/run sets it");
    let mut command = Command::new(python);
    command.args(["-m", "schemathesis.cli", "run", &format!("{}/openapi.json", server.api.base())]);
    command.args(["--seed", "20260131", "--generation-database", "none", "--no-color", "--checks", CHECKS]);
    command.args([
        "--max-examples",
        &effort.examples.to_string(),
        "--suppress-health-check",
        "all",
        "--continue-on-failure",
    ]);
    command.args(["--phases", effort.phases, "--request-timeout", "30"]);
    if let Some(token) = token {
        command.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let hooks = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi");
    command.env("PYTHONPATH", hooks).env("SCHEMATHESIS_HOOKS", "hooks").env("RINGBACK_TEST_RECEIVER", receiver.url());
    command.env("PYTHONDONTWRITEBYTECODE", "1").current_dir(folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let output = tokio::time::timeout(RUN_MAX, command.output()).await.expect("schemathesis ends in time");
    let output = output.expect("schemathesis starts");
    let (told, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}\n{complained}");
    assert!(told.contains(" generated"), "nothing was tried:\n{told}");
}

/// Something of everything, so that lists have entries: an endpoint whose receiver fails, and its dead letters.
async fn something(api: &Api, receiver: &Receiver) {
    let once = json!({"max_attempts": 1});
    api.endpoint(json!({"url": receiver.url(), "event_types": ["*"], "retry": once, "key": "there"})).await;
    for number in 0..5 {
        let key = format!("call-{number}");
        api.emit("call.ended", b"{\"n\": 1.0}", json!({"key": key})).await;
    }
    until("two are dead", async || {
        let dead = api.get("/v1/dead-letters").await.expect(200);
        (dead["items"].as_array()?.len() >= 2).then_some(())
    })
    .await;
}

async fn the_api_is_as_its_document_says(store: Store, effort: Effort, endpoints_least: usize) {
    let database = Database::fresh(store).await;
    let server = Serve::on(&database).start().await;
    let receiver = Receiver::scripted(|request| Reply::status(if request.index % 2 == 0 { 500 } else { 204 })).await;
    something(&server.api, &receiver).await;
    conforms(&server, &receiver, Some(TOKEN), effort).await;
    // Last, because it makes up more bearer tokens than one address may guess at before it is told to wait.
    conforms(&server, &receiver, None, STRANGER).await;
    // Nothing was sent to anybody else, whatever was made up.
    let endpoints = server.api.get("/v1/endpoints?limit=1000").await.expect(200);
    let endpoints = endpoints["items"].as_array().expect("a list");
    assert!(endpoints.len() >= endpoints_least, "schemathesis made only {} endpoints", endpoints.len());
    for endpoint in endpoints {
        assert_eq!(endpoint["url"], receiver.url());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite_with_and_without_a_token() {
    the_api_is_as_its_document_says(Store::Sqlite, ALL, 11).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_with_and_without_a_token() {
    the_api_is_as_its_document_says(Store::Postgres, SMOKE, 2).await;
}
