//! Every route of the API has a way for people to it: a command, a page, or a reason why there is none. A route that comes
//! new fails these tests until somebody has thought of both.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

/// How people come to what a route does.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// By this command, or at this address of the dashboard.
    By(&'static str),
    /// They do not, for this reason.
    Without(&'static str),
}

use Way::{By, Without};

const FOR_MACHINES: Way = Without("asked by programs that watch a node, which need no words and no colours");
const BY_ITS_ID: Way = Without("for platforms, which know their own keys; people see the id beside the key");
const ON_ITS_PAGE: Way = By("POST /endpoints/{id}/{act}");
const FROM_PROGRAMS: Way = Without("events come from platforms, and from people who try something: by command");
const ERASED_ELSEWHERE: Way = Without("nothing can be erased by a slip of the mouse");

/// The route, its command, its page.
const WAYS: &[(&str, Way, Way)] = &[
    ("GET /healthz", FOR_MACHINES, FOR_MACHINES),
    ("GET /metrics", FOR_MACHINES, FOR_MACHINES),
    ("GET /openapi.json", FOR_MACHINES, FOR_MACHINES),
    ("GET /readyz", FOR_MACHINES, FOR_MACHINES),
    ("GET /v1/audit", By("audit"), By("GET /audit")),
    ("GET /v1/dead-letters", By("dead-letters"), By("GET /dead-letters")),
    ("GET /v1/dead-letters/groups", By("dead-letters"), By("GET /dead-letters")),
    (
        "DELETE /v1/dead-letters/{id}",
        By("discard"),
        Without("a dead letter that nobody sends again goes by itself when its time is over"),
    ),
    ("POST /v1/dead-letters/{id}/replay", By("replay"), By("POST /deliveries/{id}/replay")),
    ("GET /v1/deliveries", By("deliveries"), By("GET /deliveries")),
    ("GET /v1/deliveries/{id}", By("deliveries"), By("GET /deliveries/{id}")),
    ("POST /v1/deliveries/{id}/replay", By("replay"), By("POST /deliveries/{id}/replay")),
    ("GET /v1/endpoints", By("endpoints list"), By("GET /endpoints")),
    ("POST /v1/endpoints", By("endpoints create"), By("POST /endpoints")),
    ("DELETE /v1/endpoints/by-key/{tenant}/{key}", BY_ITS_ID, BY_ITS_ID),
    ("GET /v1/endpoints/by-key/{tenant}/{key}", BY_ITS_ID, BY_ITS_ID),
    ("PATCH /v1/endpoints/by-key/{tenant}/{key}", BY_ITS_ID, BY_ITS_ID),
    (
        "PUT /v1/endpoints/by-key/{tenant}/{key}",
        By("endpoints create"),
        Without("a page makes an endpoint, or changes one that it shows"),
    ),
    ("DELETE /v1/endpoints/{id}", By("endpoints delete"), ON_ITS_PAGE),
    ("GET /v1/endpoints/{id}", By("endpoints get"), By("GET /endpoints/{id}")),
    ("PATCH /v1/endpoints/{id}", By("endpoints update"), ON_ITS_PAGE),
    ("GET /v1/endpoints/{id}/figures", By("figures"), By("GET /endpoints/{id}")),
    ("POST /v1/endpoints/{id}/pause", By("endpoints pause"), ON_ITS_PAGE),
    ("POST /v1/endpoints/{id}/resume", By("endpoints resume"), ON_ITS_PAGE),
    ("POST /v1/endpoints/{id}/rotate-secret", By("endpoints rotate-secret"), ON_ITS_PAGE),
    ("POST /v1/endpoints/{id}/test", By("endpoints test"), ON_ITS_PAGE),
    ("POST /v1/endpoints/{id}/verify", By("endpoints verify"), ON_ITS_PAGE),
    ("GET /v1/events", By("events"), By("GET /events")),
    ("POST /v1/events", By("emit"), FROM_PROGRAMS),
    ("POST /v1/events/batch", Without("a person emits one event at a time: `emit`"), FROM_PROGRAMS),
    ("GET /v1/events/{id}", By("explain"), By("GET /events/{id}")),
    ("DELETE /v1/events/{id}/payload", By("expunge"), ERASED_ELSEWHERE),
    ("GET /v1/events/{id}/payload", By("payload"), By("GET /events/{id}/payload")),
    ("POST /v1/expunge", By("expunge"), ERASED_ELSEWHERE),
    ("GET /v1/expunges/{id}", By("expunge"), ERASED_ELSEWHERE),
    ("GET /v1/figures", By("figures"), By("GET /")),
    ("GET /v1/find", By("find"), By("GET /find")),
    ("POST /v1/filters/test", By("filters test"), ON_ITS_PAGE),
    ("POST /v1/gaps", By("gaps"), By("POST /gaps")),
    ("GET /v1/nodes", By("nodes"), By("GET /nodes")),
    ("GET /v1/ledger", By("ledger"), By("GET /")),
    (
        "POST /v1/portal-links",
        By("portal"),
        Without("whoever lets tenants in does so from a page or program of theirs"),
    ),
    (
        "DELETE /v1/portal-links/{id}",
        By("portal"),
        Without("the one who made it has its id, from a program or a command"),
    ),
    ("GET /v1/replays", By("replays"), By("GET /replays")),
    ("POST /v1/replays", By("replay"), By("POST /replays")),
    ("GET /v1/replays/{id}", By("replay"), By("GET /replays/{id}")),
    ("POST /v1/replays/{id}/cancel", By("replay"), By("POST /replays/{id}/cancel")),
    ("POST /v1/share", By("share"), By("POST /deliveries/{id}/share")),
    ("DELETE /v1/share/{id}", By("share"), By("POST /share/{link}/revoke")),
];

/// Commands that no row names, and what they do that no route does.
const WITHOUT_A_ROUTE: &[(&str, &str)] = &[
    ("backup", "copies the file of the store"),
    ("check-config", "explains a configuration before a server runs"),
    ("completions", "is for the shell"),
    ("demo", "plays a story"),
    ("doctor", "looks at the configuration, the machine and the database"),
    ("listen", "is a receiver"),
    ("migrate", "changes the schema"),
    ("rekey", "needs the keys"),
    ("serve", "is the server"),
    ("tail", "asks the lists of deliveries and dead letters again and again"),
    ("token create", "goes to the store, so that no token can make others"),
    ("token list", "goes to the store, as its neighbours do"),
    ("token revoke", "goes to the store, as its neighbours do"),
    ("top", "asks several routes again and again"),
    ("verify", "judges a request that somebody kept"),
];

/// Pages that no row names, and what they do that no route does.
const PAGES_WITHOUT_A_ROUTE: &[(&str, &str)] = &[
    ("GET /assets/{name}", "what pages look like"),
    ("GET /endpoints/new", "a form"),
    ("GET /gaps", "a form"),
    ("GET /tail", "the list of deliveries, again and again"),
    ("GET /live", "tells an open page when to look again"),
    ("GET /tokens", "the command `token list`"),
    ("GET /alerts", "the commands `endpoints list` and `events`, with `--tenant ringback`"),
    ("POST /tokens/{id}/revoke", "the command `token revoke`"),
    ("GET /replays/new", "a form, and a dry run of what it asks for"),
    ("POST /deliveries/{id}/verify", "the command `verify`, with the secrets that are kept here"),
    ("POST /events/{id}/share", "as of a delivery, for all events of one key"),
    ("GET /share/{link}", "what a link shows to whoever has it"),
    ("GET /open/{link}", "a link becomes a session of the portal"),
    ("GET /look.css", "what the portal looks like"),
    ("GET /portal/", "the portal, by another spelling"),
    ("GET /login", "a token becomes a session"),
    ("POST /login", "a token becomes a session"),
    ("POST /logout", "a session ends"),
];

fn text(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Those of the API's document, of which `snapshots.rs` says that it is the server's.
fn routes() -> BTreeSet<String> {
    let document: Value = serde_json::from_str(&text("snapshots/openapi.json")).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let methods = |(path, methods): (&String, &Value)| {
        let methods = methods.as_object().expect("methods").keys();
        methods.map(|method| format!("{} {path}", method.to_uppercase())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(methods).collect()
}

/// Those that `--help` tells of, of which `snapshots.rs` says that they are the binary's.
fn commands() -> BTreeSet<String> {
    let help = text("snapshots/help.txt");
    let names = help.lines().filter_map(|line| line.strip_prefix("$ ringback ")?.strip_suffix(" --help"));
    names.map(str::to_owned).collect()
}

/// Those that the dashboard's list of routes answers.
fn pages() -> BTreeSet<String> {
    let code = text("../crates/ringback-admin/src/dashboard/mod.rs");
    let routes = code.split(".route(\"").skip(1).map(|rest| rest.lines().next().unwrap_or_default());
    let answered = routes.flat_map(|route| {
        let (path, methods) = route.split_once('"').expect("a path in quotes");
        let methods = ["get", "post"].into_iter().filter(move |method| methods.contains(&format!("{method}(")));
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    answered.collect()
}

/// What rows name, together with what does without.
fn named(ways: impl Iterator<Item = Way>, others: &[(&str, &str)]) -> BTreeSet<String> {
    let by = ways.filter_map(|way| if let By(name) = way { Some(name.to_owned()) } else { None });
    by.chain(others.iter().map(|(name, _)| (*name).to_owned())).collect()
}

#[test]
fn every_route_has_a_row() {
    let rows: BTreeSet<_> = WAYS.iter().map(|(route, ..)| (*route).to_owned()).collect();
    assert_eq!(rows.len(), WAYS.len(), "a route has two rows");
    assert_eq!(routes(), rows, "left: the API's document; right: the table");
}

#[test]
fn every_command_does_what_a_route_does_or_says_why_not() {
    let rows = named(WAYS.iter().map(|&(_, command, _)| command), WITHOUT_A_ROUTE);
    assert_eq!(commands(), rows, "left: what `--help` tells of; right: the table");
}

#[test]
fn every_page_does_what_a_route_does_or_says_why_not() {
    let rows = named(WAYS.iter().map(|&(_, _, page)| page), PAGES_WITHOUT_A_ROUTE);
    assert_eq!(pages(), rows, "left: the dashboard's routes; right: the table");
}

#[test]
fn whatever_is_missing_has_a_reason() {
    for (route, command, page) in WAYS {
        for way in [command, page] {
            assert!(!matches!(way, Without(reason) if reason.split(' ').count() < 5), "{route}: {way:?}");
        }
    }
}
