//! Links: which operations take an id that an answer contains.

use serde_json::{Map, Value, json};

const OF_EVENTS: &[&str] = &["event", "payload", "expunge_payload"];
const OF_ENDPOINTS: &[&str] = &[
    "endpoint",
    "patch_endpoint",
    "delete_endpoint",
    "test_endpoint",
    "rotate_secret",
    "pause_endpoint",
    "resume_endpoint",
];
const OF_DELIVERIES: &[&str] = &["delivery", "replay_delivery"];
const OF_DEAD_LETTERS: &[&str] = &["replay_dead_letter", "discard_dead_letter"];
const OF_EXPUNGES: &[&str] = &["expunge"];
const OF_SHARES: &[&str] = &["revoke_share"];
const OF_PORTAL_LINKS: &[&str] = &["revoke_portal_link"];
const OF_REPLAYS: &[&str] = &["replay", "cancel_replay"];

/// An operation and status, the pointer to an id in its answer, and the operations that take that id.
const ALL: &[(&str, &str, &str, &[&str])] = &[
    ("hand_in_event", "202", "/id", OF_EVENTS),
    ("list_events", "200", "/items/0/id", OF_EVENTS),
    ("make_endpoint", "201", "/id", OF_ENDPOINTS),
    ("list_endpoints", "200", "/items/0/id", OF_ENDPOINTS),
    ("test_endpoint", "202", "/delivery_id", OF_DELIVERIES),
    ("list_deliveries", "200", "/items/0/id", OF_DELIVERIES),
    ("list_dead_letters", "200", "/items/0/id", OF_DEAD_LETTERS),
    ("group_dead_letters", "200", "/items/0/example", OF_DEAD_LETTERS),
    ("make_replay", "202", "/id", OF_REPLAYS),
    ("list_replays", "200", "/items/0/id", OF_REPLAYS),
    ("make_expunge", "202", "/id", OF_EXPUNGES),
    ("make_share", "200", "/id", OF_SHARES),
    ("make_portal_link", "201", "/id", OF_PORTAL_LINKS),
];

/// Adds the links of an operation's answers.
pub(super) fn add(operation: &mut Value) {
    let Some(id) = operation["operationId"].as_str().map(str::to_owned) else { return };
    for (_, status, pointer, targets) in ALL.iter().filter(|(from, ..)| *from == id) {
        let link = |target: &&str| {
            let link = json!({"operationId": target, "parameters": {"id": format!("$response.body#{pointer}")}});
            ((*target).to_owned(), link)
        };
        let links: Map<_, _> = targets.iter().map(link).collect();
        operation["responses"][*status]["links"] = Value::Object(links);
    }
}
