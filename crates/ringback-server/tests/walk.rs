//! The walk through every command: on the store itself beside a running server, and through that server; on SQLite, and
//! on the PostgreSQL that `RINGBACK_TEST_POSTGRES_URL` names.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/postgres.rs"]
mod postgres;
#[path = "support/server.rs"]
mod server;
mod support;
#[path = "support/way.rs"]
mod way;

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::mpsc,
};

use serde_json::Value;
use server::Server;
use support::{complained, said};
use way::{Listener, Way, in_environment, text};

const BODY: &str = "{\"session_id\": \"call-1\", \"minutes\": 3.0}";
const SECRET: &str = "whsec_theirs";

/// Both ways on one store.
fn walk_both_ways(environment: &[(&str, String)]) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(in_environment(folder.path(), environment), &[]);
    let listener = Listener::start(folder.path());
    let given = environment.iter().find(|(name, _)| *name == "RINGBACK_ADMIN_TOKEN").map(|(_, token)| token.clone());
    let token = server.token.clone().or(given).unwrap();
    let direct = Way { folder: folder.path(), environment, flags: Vec::new() };
    let flags = ["--url", &server.url, "--token", &token].map(ToOwned::to_owned).to_vec();
    let remote = Way { folder: folder.path(), environment: &[], flags };
    walk(&direct, &listener.url, "acme");
    walk(&remote, &listener.url, "globex");
    // Whichever way, it is the API's own answer.
    for list in [&["deliveries"][..], &["endpoints", "list"], &["find", "call-1"]] {
        assert_eq!(direct.json(list)["items"], remote.json(list)["items"], "{list:?}");
    }
    well(&direct);
    let rekeyed = direct.json(&["rekey"]);
    assert_eq!((&rekeyed["resealed"], &rekeyed["complete"]), (&0.into(), &true.into()), "{rekeyed}");
    server.signal("TERM");
    let (status, log) = server.end();
    assert_eq!(status, Some(0), "{log}");
}

/// Nothing is bad, but for a database that tests run on without `fsync`.
fn well(way: &Way<'_>) {
    let output = way.output(&["doctor", "--json"]);
    let report: Value = serde_json::from_str(&said(&output)).unwrap_or_else(|_| panic!("{}", complained(&output)));
    let findings = report["findings"].as_array().unwrap();
    for about in ["bind", "database_url", "master_key", "database", "certificates", "clock", "name servers", "queue"] {
        assert!(findings.iter().any(|finding| finding["about"] == about), "{about} is missing from {report}");
    }
    let is_of_tests = |finding: &Value| {
        let detail = text(&finding["detail"]);
        detail.starts_with("fsync is off") || detail.starts_with("full_page_writes is off")
    };
    let bad: Vec<_> = findings.iter().filter(|finding| finding["severity"] == "bad").collect();
    assert!(bad.iter().all(|finding| is_of_tests(finding)), "{bad:?}");
    assert_eq!((report["ok"] == true, output.status.code()), (bad.is_empty(), Some(i32::from(!bad.is_empty()))));
}

/// Every command, in the order in which an operator comes to need them.
fn walk(way: &Way<'_>, receiver: &str, tenant: &str) {
    std::fs::write(way.folder.join("call.json"), BODY).unwrap();
    way.refused(3, &["endpoints", "list", "--tenant", tenant]);
    let crm = endpoints(way, receiver, tenant);
    let delivery = delivered(way, &crm, tenant);
    verified(way, &delivery);
    looked_up(way, &crm, tenant);
    followed(way, &crm, tenant);
    dead_and_replayed(way, receiver, tenant);
    discarded(way, tenant);
    erased(way, tenant);
    linked(way, tenant);
    gone(way, &crm, tenant);
}

/// Registers two, changes one, and leaves it as the rest of the walk needs it.
fn endpoints(way: &Way<'_>, receiver: &str, tenant: &str) -> String {
    let hook = format!("{receiver}/hook");
    let create = ["endpoints", "create", &hook, "--tenant", tenant];
    let crm = ["--event-types", "CALL_ENDED", "--preset", "levrage", "--secret", SECRET, "--key", "crm"];
    let crm = way.json(&[&create[..], &crm, &["--max-attempts", "1", "--timeout", "5s"]].concat());
    assert_eq!((&crm["secret"], &crm["timeout_ms"]), (&SECRET.into(), &5_000.into()));
    let crm = text(&crm["id"]).to_owned();
    let told = way.done(&[&create[..], &["--event-types", "agent.*,x", "--header", "x-team: one"]].concat());
    for part in ["secret    whsec_", "agent.*, x", "with a secret (scheme standard", "sends     x-team"] {
        assert!(told.contains(part), "{part} is missing from:\n{told}");
    }
    let listed = way.done(&["endpoints", "list", "--tenant", tenant]);
    assert!(listed.contains(&crm) && listed.contains("(crm)") | listed.contains("crm"), "{listed}");
    assert_eq!(way.json(&["endpoints", "list", "--limit", "1"])["items"].as_array().unwrap().len(), 1);

    let taken = [&create[..], &["--event-types", "*", "--key", "crm"]].concat();
    assert!(way.refused(1, &taken).contains("409"));
    assert!(way.refused(2, &[&create[..], &["--event-types", "a*b"]].concat()).contains("--event-types"));
    assert!(way.refused(2, &create).contains("--event-types"));
    let changed = way.json(&["endpoints", "update", &crm, "--name", "the CRM", "--rate", "500", "--ordered"]);
    assert_eq!((&changed["name"], &changed["ordered"]), (&"the CRM".into(), &true.into()));
    let cleared = way.json(&["endpoints", "update", &crm, "--clear", "rate", "--ordered", "false"]);
    assert_eq!((&cleared["rate_per_second"], &cleared["ordered"]), (&Value::Null, &false.into()));
    assert!(way.refused(2, &["endpoints", "update", &crm]).contains("what to change"));
    assert!(
        way.refused(2, &["endpoints", "rotate-secret", &crm, "--secret", SECRET, "--overlap", "1h"])
            .contains("--overlap")
    );
    let other = text(&way.json(&["endpoints", "list", "--tenant", tenant])["items"][0]["id"]).to_owned();
    let rotated = way.done(&["endpoints", "rotate-secret", &other, "--overlap", "2h"]);
    assert!(rotated.contains("until") && rotated.contains("secret    whsec_"), "{rotated}");
    let shown = way.done(&["endpoints", "get", &other]);
    assert!(shown.contains("rotation  1 older secret signs beside the current one"), "{shown}");
    let only_new = ["endpoints", "rotate-secret", &other, "--overlap", "0s"];
    assert!(way.refused(1, &only_new).contains("was promised to sign until"));
    way.done(&[&only_new[..], &["--force"]].concat());
    assert!(!way.done(&["endpoints", "get", &other]).contains("rotation"));
    only_as_it_was_seen(way, &crm);
    put_in_its_place(way, &hook, tenant);
    by_key(way, &crm, tenant);
    assert_eq!(way.json(&["endpoints", "pause", &crm])["paused"], true);
    assert!(way.done(&["endpoints", "get", &crm]).contains("paused"));
    assert!(!way.done(&["endpoints", "resume", &crm]).contains("paused"));
    crm
}

/// What somebody else has changed meanwhile is not overwritten.
fn only_as_it_was_seen(way: &Way<'_>, endpoint: &str) {
    let shown = way.done(&["endpoints", "get", endpoint]);
    let version = shown.lines().find_map(|line| line.trim().strip_prefix("version")).unwrap().trim();
    way.done(&["endpoints", "update", endpoint, "--name", "as it was seen", "--if-match", version]);
    for too_late in
        [&["update", endpoint, "--name", "x"][..], &["delete", endpoint], &["rotate-secret", endpoint, "--secret", "x"]]
    {
        let refused = way.refused(1, &[&["endpoints"], too_late, &["--if-match", version]].concat());
        assert!(refused.contains("412"), "{refused}");
    }
    assert_eq!(way.json(&["endpoints", "get", endpoint])["name"], "as it was seen");
}

/// An agent's configuration, as often as one likes.
fn put_in_its_place(way: &Way<'_>, hook: &str, tenant: &str) {
    let put = ["endpoints", "create", hook, "--event-types", "none", "--tenant", tenant, "--replace"];
    let key = ["--key", "agent 7/ü+"];
    let made = way.json(&[&put[..], &key, &["--rate", "5"]].concat());
    assert_eq!(
        (&made["key"], &made["tenant"], &made["rate_per_second"]),
        (&key[1].into(), &tenant.into(), &5.0.into())
    );
    let replaced = way.json(&[&put[..], &key].concat());
    assert_eq!(
        (&replaced["id"], &replaced["rate_per_second"], &replaced["secret"]),
        (&made["id"], &Value::Null, &Value::Null)
    );
    assert!(way.refused(2, &put).contains("--key"));
    way.refused(1, &[&put[..], &key, &["--if-match", "999999"]].concat());
    way.done(&["endpoints", "delete", "--tenant", tenant, key[0], key[1]]);
}

/// By its key instead of its id.
fn by_key(way: &Way<'_>, endpoint: &str, tenant: &str) {
    let named = ["--tenant", tenant, "--key", "crm"];
    assert_eq!(way.json(&[&["endpoints", "get"], &named[..]].concat())["id"], endpoint);
    assert_eq!(way.json(&[&["endpoints", "pause"], &named[..]].concat())["paused"], true);
    assert_eq!(way.json(&[&["endpoints", "resume"], &named[..]].concat())["id"], endpoint);
    let other = way.refused(3, &["endpoints", "get", "--tenant", tenant, "--key", "crm-2"]);
    assert!(other.contains("crm-2"), "{other}");
    assert!(way.refused(2, &[&["endpoints", "get", endpoint], &named[..]].concat()).contains("--key"));
    assert!(way.refused(2, &["endpoints", "get"]).contains("--key"));
    assert!(way.refused(2, &["endpoints", "get", "--tenant", tenant]).contains("--key"));
    assert!(way.refused(2, &["endpoints", "get", endpoint, "--tenant", tenant]).contains("--tenant"));
}

/// A test, and an event: found, explained and listed.
fn delivered(way: &Way<'_>, crm: &str, tenant: &str) -> String {
    let test = way.json(&["endpoints", "test", crm, "--type", "hello", "--payload", "call.json"]);
    let tested = way.settled(text(&test["delivery_id"]));
    assert_eq!(tested["status"], "delivered", "{tested}");
    assert!(way.done(&["endpoints", "test", crm]).contains("goes out as dlv_"));
    let waited = way.done(&["endpoints", "test", "--tenant", tenant, "--key", "crm", "--wait"]);
    assert!(waited.contains("answered 200") && waited.contains("delivered"), "{waited}");
    let waited = way.done(&["endpoints", "test", crm, "--wait", "--json"]);
    let waited: Vec<Value> = waited.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&waited[0]["delivery_id"], &waited[1]["status"]), (&waited[1]["id"], &"delivered".into()));

    let event = way.done(&["emit", "CALL_ENDED", "call.json", "--key", "call-1", "--tenant", tenant]);
    let event = event.trim();
    let delivery = way.settled_of(event);
    assert_eq!(delivery["status"], "delivered", "{delivery}");
    let id = text(&delivery["id"]);

    assert!(way.done(&["find", "call-1", "--tenant", tenant]).contains(id));
    for (sought, told) in [(event, "answered 200"), (id, "answered 200"), (crm, "selects")] {
        assert!(way.done(&["find", sought, "--tenant", tenant]).contains(told));
        assert_eq!(way.json(&["find", sought])["items"][0]["id"], sought);
        assert!(way.refused(3, &["find", sought, "--tenant", "nobody"]).contains("with the id"));
    }
    let explained = way.done(&["explain", event]);
    let parts = [
        "it selected CALL_ENDED",
        "it does not select this type; it selects agent.*, x now",
        "answered 200",
        "#1",
        "(scheme levrage, preset levrage)",
        "once, given up after 5s",
        "unchanged since the event",
        "(crm)",
    ];
    for part in parts {
        assert!(explained.contains(part), "{part} is missing from:\n{explained}");
    }
    assert_eq!(way.json(&["explain", event])["routing"].as_array().unwrap().len(), 2);
    assert!(way.refused(2, &["explain", "call-1"]).contains("ringback find call-1"));
    way.refused(3, &["explain", "evt_00000000000000000000000000000000"]);

    let listed = ["deliveries", "--tenant", tenant, "--key", "call-1", "--status", "delivered", "--host", "127.0.0.1"];
    assert!(way.done(&listed).contains(id));
    let filtered = ["--endpoint-id", crm, "--type", "CALL_ENDED", "--since", "1h", "--limit", "1"];
    assert_eq!(way.json(&[&["deliveries"][..], &filtered].concat())["items"][0]["id"], id);
    assert!(way.done(&["deliveries", id]).contains("answered 200"));
    way.refused(3, &["deliveries", "--tenant", tenant, "--status", "cancelled"]);
    way.refused(3, &["deliveries", "dlv_00000000000000000000000000000001"]);
    way.refused(2, &["deliveries", id, "--key", "call-1"]);
    id.to_owned()
}

/// What came in, byte for byte; what became of it, in numbers; and who changed what.
fn looked_up(way: &Way<'_>, crm: &str, tenant: &str) {
    let of_call = ["events", "--tenant", tenant, "--type", "CALL_ENDED", "--key", "call-1", "--since", "1h"];
    let event = text(&way.json(&of_call)["items"][0]["id"]).to_owned();
    let listed = way.done(&of_call);
    assert!(listed.contains(&event) && listed.contains("routed") && !listed.contains("TENANT"), "{listed}");
    assert!(way.done(&["events"]).contains("TENANT"));
    way.refused(3, &["events", "--tenant", tenant, "--until", "2020-01-01T00:00:00Z"]);

    assert_eq!(way.done(&["payload", &event]), BODY);
    way.refused(3, &["payload", "evt_00000000000000000000000000000000"]);

    let ledger = way.json(&["ledger", "--tenant", tenant]);
    let delivered = ledger["deliveries"]["delivered"].as_u64().unwrap();
    assert!(delivered >= 3 && ledger["events"]["accepted"].as_u64() >= Some(delivered), "{ledger}");
    assert!(way.done(&["ledger", "--tenant", tenant]).contains("owed = "));
    let before = way.done(&["ledger", "--tenant", tenant, "--until", "2020-01-01T00:00:00Z"]);
    assert!(before.starts_with("events      0 accepted"), "{before}");

    let changes = way.json(&["audit", "--since", "1h", "--limit", "1000"]);
    let of_crm = |change: &&Value| change["object_id"] == crm && change["action"] == "endpoint.update";
    assert!(changes["items"].as_array().unwrap().iter().filter(of_crm).count() >= 2, "{changes}");
    let told = way.done(&["audit", "--limit", "1000"]);
    assert!(told.lines().any(|line| line.contains(crm) && line.ends_with("name")), "{told}");
    way.refused(3, &["audit", "--until", "2020-01-01T00:00:00Z"]);

    let node = way.json(&["nodes"])["items"][0].clone();
    assert_eq!(node["state"], "alive", "{node}");
    assert!(way.done(&["nodes"]).contains(text(&node["id"])));
}

/// What happens now: as it comes, and on one screen.
fn followed(way: &Way<'_>, crm: &str, tenant: &str) {
    let told = way.done(&["tail", "--once", "--tenant", tenant]);
    assert!(told.lines().count() >= 4 && told.contains("#1 answered 200"), "{told}");
    let newest = way.done(&["tail", "--once", "--endpoint-id", crm, "--lines", "1", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&newest).unwrap()["endpoint_id"], crm);
    way.refused(3, &["tail", "--once", "--tenant", "nobody"]);

    let mut command = in_environment(way.folder, way.environment);
    command.args(["tail", "--tenant", tenant, "--lines", "1"]).args(&way.flags);
    let mut tail = command.stdout(Stdio::piped()).spawn().unwrap();
    let (send, lines) = mpsc::channel();
    let stdout = BufReader::new(tail.stdout.take().unwrap());
    std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
    // The first look is over.
    lines.recv_timeout(support::BOUND).unwrap();
    let event = way.done(&["emit", "CALL_ENDED", "call.json", "--key", "call-tailed", "--tenant", tenant]);
    let delivery = way.settled_of(event.trim())["id"].clone();
    let is_sought = |line: &String| line.contains("delivered") && line.contains(text(&delivery));
    let line = std::iter::from_fn(|| lines.recv_timeout(support::BOUND).ok()).find(is_sought).unwrap();
    assert!(line.contains("call-tailed  dlv_"), "{line}");
    let ended = Command::new("kill").args(["-s", "INT", &tail.id().to_string()]).status().unwrap();
    assert!(ended.success() && tail.wait().unwrap().success());

    let told = way.done(&["top"]);
    assert!(told.contains("every tenant") && told.contains(" accepted = ") && told.contains("backlog"), "{told}");
    let of_tenant = way.json(&["top", "--tenant", tenant]);
    assert_eq!((&of_tenant["waiting"], &of_tenant["ledger"]["deliveries"]["dead"]), (&Value::Null, &0.into()));
}

/// What was sent is what a receiver can check.
fn verified(way: &Way<'_>, delivery: &str) {
    let headers = way.json(&["deliveries", delivery])["attempts"][0]["request"]["headers"].to_string();
    std::fs::write(way.folder.join("headers.json"), headers).unwrap();
    let verify =
        ["verify", "--scheme", "levrage", "--secret", SECRET, "--headers", "headers.json", "--body", "call.json"];
    let output = support::run(way.folder, &verify);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

/// A dead letter: listed, explained, and replayed for good once its receiver is back.
fn dead_and_replayed(way: &Way<'_>, receiver: &str, tenant: &str) {
    let create = ["endpoints", "create", "http://127.0.0.1:1/nobody", "--tenant", tenant, "--event-types", "LOST"];
    let how = ["--preset", "levrage", "--secret", SECRET, "--max-attempts", "1"];
    let lost = way.json(&[&create[..], &how].concat());
    let lost = text(&lost["id"]);
    let event = way.done(&["emit", "LOST", "call.json", "--key", "call-2", "--tenant", tenant]);
    let letter = way.settled_of(event.trim());
    assert_eq!(letter["dead_reason"], "exhausted", "{letter}");
    let id = text(&letter["id"]);
    let listed = way.done(&["dead-letters", "--tenant", tenant, "--reason", "exhausted"]);
    assert!(listed.contains(id) && listed.contains("connect_refused"), "{listed}");
    assert!(way.done(&["explain", event.trim()]).contains(&format!("ringback replay {id}")));

    way.done(&["endpoints", "update", lost, "--to", &format!("{receiver}/hook")]);
    // The node that sends learns of it within a second: a test that gets through says that it has.
    while way.settled(text(&way.json(&["endpoints", "test", lost])["delivery_id"]))["status"] != "delivered" {}
    let dead = ["--tenant", tenant, "--type", "LOST", "--status", "dead"];
    let preview = way.json(&[&["replay", "--dry-run"], &dead[..]].concat());
    assert_eq!((&preview["matched"], &preview["state"]), (&1.into(), &"preview".into()));
    let exhausted = way.json(&[&["replay", "--dry-run"], &dead[..], &["--reason", "exhausted"]].concat());
    assert_eq!(exhausted["matched"], 1);
    for narrower in [["--last-status-code", "503"], ["--host", "x.example"]] {
        way.refused(3, &[&["replay", "--dry-run"], &dead[..], &narrower].concat());
    }
    way.refused(3, &[&["replay"], &dead[..], &["--reason", "expired"]].concat());
    way.refused(3, &["replay", "--dry-run", "--status", "missing", "--endpoint-id", lost, "--type", "LOST"]);
    assert!(way.refused(2, &["replay", "--status", "missing"]).contains("--endpoint-id"));
    let told = way.done(&[&["replay", "--rate", "100", "--note", "it is back"], &dead[..]].concat());
    assert!(told.contains("completed"), "{told}");
    assert_eq!(way.settled(id)["status"], "delivered");
    assert!(way.done(&["replay", id]).contains("as attempt 3"));
    way.refused(3, &[&["replay"], &dead[..]].concat());
    let slow = ["replay", "--tenant", tenant, "--status", "delivered", "--rate", "0.001"];
    let slow = text(&way.json(&slow)["id"]).to_owned();
    assert_eq!(way.json(&["replay", "--follow", &slow])["state"], "running");
    for _ in 0..2 {
        assert!(way.done(&["replay", "--cancel", &slow]).contains(&format!("{slow} cancelled")));
    }
    assert!(way.done(&["replay", "--follow", &slow]).contains("cancelled"));
    let listed = way.done(&["replays", "--tenant", tenant, "--since", "1h"]);
    assert!(listed.contains(&slow) && listed.contains("it is back") && listed.contains("status=dead"), "{listed}");
    let cancelled = way.json(&["replays", "--tenant", tenant, "--state", "cancelled", "--limit", "1"]);
    assert_eq!(cancelled["items"][0]["id"], slow.as_str());
    way.refused(3, &["replays", "--tenant", tenant, "--until", "2020-01-01T00:00:00Z"]);
    way.refused(3, &["replay", "--cancel", "rpl_00000000000000000000000000000001"]);
    way.done(&["endpoints", "delete", lost]);
}

/// A dead letter that nobody wants to have sent again.
fn discarded(way: &Way<'_>, tenant: &str) {
    let create = ["endpoints", "create", "http://127.0.0.1:1/nobody", "--tenant", tenant, "--event-types", "UNLOVED"];
    let unloved = way.json(&[&create[..], &["--key", "unloved", "--max-attempts", "1"]].concat());
    let event = way.done(&["emit", "UNLOVED", "call.json", "--tenant", tenant]);
    let letter = text(&way.settled_of(event.trim())["id"]).to_owned();
    // Others may have more.
    let worst = way.json(&["top", "--tenant", tenant])["destinations"].clone();
    let told = worst.as_array().expect("a list").iter().find(|it| it["endpoint_id"] == unloved["id"]);
    assert_eq!(told.map(|it| &it["dead"]), Some(&1.into()), "{worst}");
    let told = way.done(&["top", "--tenant", tenant]);
    assert!(told.contains("connect_refused") && told.contains("127.0.0.1:1"), "{told}");
    let told = way.done(&["discard", &letter]);
    assert!(told.contains(&format!("{letter} to http://127.0.0.1:1/nobody was dead (exhausted)")), "{told}");
    assert_eq!(way.settled(&letter)["status"], "cancelled");
    assert!(way.refused(3, &["discard", &letter]).contains("no dead letter, but cancelled"));
    way.refused(3, &["discard", "dlv_00000000000000000000000000000001"]);
    let failed = way.output(&["endpoints", "test", text(&unloved["id"]), "--wait"]);
    assert_eq!(failed.status.code(), Some(1), "{}", complained(&failed));
    assert!(said(&failed).contains("#1") && said(&failed).contains("connect_refused"), "{}", said(&failed));
    let failed = way.output(&["endpoints", "verify", text(&unloved["id"]), "--wait"]);
    assert!(failed.status.code() == Some(1) && said(&failed).contains("connect_refused"), "{}", said(&failed));
    way.done(&["endpoints", "delete", "--tenant", tenant, "--key", "unloved"]);
}

/// One event and then all of a key: erased, with a receipt.
fn erased(way: &Way<'_>, tenant: &str) {
    let event = way.done(&["emit", "UNWANTED", "call.json", "--key", "call-3", "--tenant", tenant]);
    way.done(&["emit", "UNWANTED", "call.json", "--key", "call-3", "--tenant", tenant]);
    assert!(way.done(&["expunge", event.trim()]).contains("are erased"));
    assert!(way.refused(1, &["payload", event.trim()]).contains("410"));
    let of_key = ["expunge", "--tenant", tenant, "--key", "call-3"];
    let preview = way.json(&[&of_key[..], &["--dry-run"]].concat());
    assert_eq!((&preview["matched"], &preview["id"]), (&2.into(), &Value::Null));
    let begun = text(&way.json(&[&of_key[..], &["--with-keys"]].concat())["id"]).to_owned();
    let told = way.done(&["expunge", "--follow", &begun]);
    assert!(told.contains("completed") && told.contains("of 2 events 2 erased"), "{told}");
    assert_eq!(way.json(&["expunge", "--follow", &begun])["state"], "completed");
    way.refused(3, &of_key);
    way.refused(3, &["expunge", "--follow", "exp_00000000000000000000000000000001"]);
    way.refused(3, &["expunge", "evt_00000000000000000000000000000000"]);
}

/// Links for people outside: made, and taken back.
fn linked(way: &Way<'_>, tenant: &str) {
    way.done(&["emit", "SHARED", "call.json", "--key", "call-shared", "--tenant", tenant]);
    let url = way.done(&["share", "call-shared", "--tenant", tenant]);
    assert!(url.starts_with("http://") && url.contains("/share/"), "{url}");
    let made = way.json(&["share", "call-shared", "--tenant", tenant, "--expires", "1h"]);
    let told = way.done(&["share", "--revoke", text(&made["id"])]);
    assert!(told.contains("opens nothing any more"), "{told}");
    way.refused(3, &["share", "call-nobody", "--tenant", tenant]);
    let made = way.json(&["portal", tenant, "--scope", "manage"]);
    assert!(text(&made["url"]).contains("/portal/open/"), "{made}");
    way.refused(3, &["share", "--revoke", text(&made["id"])]);
    way.done(&["portal", "--revoke", text(&made["id"])]);
    way.refused(2, &["portal", tenant, "--expires", "91d"]);
}

/// Deleted, and what is left of it.
fn gone(way: &Way<'_>, crm: &str, tenant: &str) {
    assert!(way.done(&["endpoints", "delete", crm]).contains("is deleted"));
    way.refused(3, &["endpoints", "get", crm]);
    way.refused(3, &["endpoints", "pause", crm]);
    assert!(!way.done(&["endpoints", "list", "--tenant", tenant]).contains(crm));
    let event = way.json(&["find", "call-1", "--tenant", tenant])["items"][0]["id"].clone();
    assert!(way.done(&["explain", text(&event)]).contains("deleted since"));
}

#[test]
fn every_command_works_both_ways_on_sqlite() {
    walk_both_ways(&[]);
}

#[test]
fn every_command_works_both_ways_on_postgresql() {
    walk_both_ways(&postgres::Schema::of_its_own().environment());
}
