//! Promises 3 and 4, for replays of many: cancelled or cut off in the middle, nothing is forgotten, nothing is sent
//! twice without a crash to explain it, and the counts say so at every look.

use std::{collections::HashMap, time::Duration};

use ringback_tests::{
    api::{Api, count, id_of},
    crashed::seen_but_not_recorded,
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::{Serve, Server},
    stores::Store,
    until::{until, until_within},
};
use serde_json::{Value, json};

/// Dead letters of the replay that is cancelled, and how many it sends in a second.
const ALL: usize = 2_000;
const RATE: usize = 250;
/// Of the one that is cut off.
const CUT_OFF: usize = 2_000;
const CUT_OFF_RATE: usize = 500;

/// How often a replay is looked at on its way.
const LOOKS: usize = 10;

/// Events in one request.
const BATCH: usize = 1_000;

/// A debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server with `all` dead letters for one endpoint, which nobody has sent anything yet: held for too long, they are
/// given up without an attempt.
async fn dead_letters(database: &Database, receiver: &Receiver, all: usize) -> Server {
    let server = serve(database).start().await;
    let endpoint = json!({"url": receiver.url(), "event_types": ["*"], "max_in_flight": 32});
    let endpoint = format!("/v1/endpoints/{}", id_of(&server.api.endpoint(endpoint).await));
    server.api.post(&format!("{endpoint}/pause"), &json!({})).await.expect(200);
    for _ in 0..all / BATCH {
        let event = json!({"type": "call.ended", "payload": {}});
        server.api.post("/v1/events/batch", &json!({"events": vec![event; BATCH]})).await.expect(202);
    }
    server.terminate().await;
    // A server that has just started keeps house at once.
    let server = serve(database).set("expires_after", "1s").start().await;
    until_within(PATIENCE, "all are dead", async || {
        (server.api.balanced_ledger().await["deliveries"]["dead"] == all).then_some(())
    })
    .await;
    server.api.post(&format!("{endpoint}/resume"), &json!({})).await.expect(200);
    assert_eq!(receiver.count(), 0);
    server
}

fn serve(database: &Database) -> Serve<'_> {
    Serve::on(database).set("lease", "3s")
}

async fn begin(api: &Api, rate: usize) -> String {
    let replay = json!({"filter": {"status": "dead"}, "rate_per_second": rate});
    id_of(&api.post("/v1/replays", &replay).await.expect(202))
}

/// The replay, after checking that its counts come out, and that what it says and what the ledger says fit together.
async fn look(api: &Api, id: &str, all: usize) -> Value {
    let before = api.balanced_ledger().await;
    let replay = api.get(&format!("/v1/replays/{id}")).await.expect(200);
    let after = api.balanced_ledger().await;
    let [matched, released, skipped, remaining, delivered] =
        ["matched", "released", "skipped", "remaining", "delivered"].map(|field| count(&replay[field]));
    assert_eq!(matched, released + skipped + remaining, "{replay}");
    assert_eq!((matched, skipped, &replay["dead"]), (all as i64, 0, &json!(0)), "{replay}");
    let dead = |ledger: &Value| count(&ledger["deliveries"]["dead"]);
    assert!(dead(&after) <= remaining && remaining <= dead(&before), "{before} {replay} {after}");
    let sent = |ledger: &Value| count(&ledger["deliveries"]["delivered"]);
    assert!(sent(&before) <= delivered && delivered <= sent(&after), "{before} {replay} {after}");
    for ledger in [before, after] {
        assert_eq!(ledger["deliveries"]["owed"], all, "{ledger}");
    }
    replay
}

/// How often each event has arrived.
fn arrivals(receiver: &Receiver) -> HashMap<String, usize> {
    let mut times = HashMap::new();
    for request in receiver.arrived() {
        assert_eq!(request.header("ringback-replay"), "1");
        *times.entry(request.id().to_owned()).or_default() += 1;
    }
    times
}

on_both_stores! {
    async fn a_replay_that_is_cancelled_half_way_stays_so_after_a_kill_and_sends_nothing_twice(store: Store) {
        let database = Database::fresh(store).await;
        let receiver = Receiver::scripted(|_| Reply::status(204).after(Duration::from_millis(2))).await;
        let server = dead_letters(&database, &receiver, ALL).await;
        let replay = begin(&server.api, RATE).await;
        for part in 1..=LOOKS {
            receiver.wait_within(PATIENCE, ALL / 2 * part / LOOKS).await;
            look(&server.api, &replay, ALL).await;
        }
        let cancelled = server.api.post(&format!("/v1/replays/{replay}/cancel"), &json!({})).await.expect(200);
        assert_eq!(cancelled["state"], "cancelled", "{cancelled}");
        let released = count(&cancelled["released"]);
        assert!((released as usize) < ALL, "it must be cancelled in the middle: {cancelled}");
        let done = until_within(PATIENCE, "what was released is delivered", async || {
            let replay = look(&server.api, &replay, ALL).await;
            (count(&replay["delivered"]) == released).then_some(replay)
        })
        .await;
        assert_eq!(done["released"], released, "a cancelled replay releases nothing more");
        server.kill().await;
        assert_eq!(receiver.count(), released as usize);

        let server = serve(&database).start().await;
        assert_eq!(look(&server.api, &replay, ALL).await, done);
        // The rest, as fast as it goes: that this arrives shows that whatever else was due would have arrived, too.
        let rest = server.api.post("/v1/replays", &json!({"filter": {"status": "dead"}})).await.expect(202);
        assert_eq!(count(&rest["matched"]), ALL as i64 - released, "nothing is forgotten");
        until_within(PATIENCE, "all is delivered", async || {
            (server.api.balanced_ledger().await["deliveries"]["delivered"] == ALL).then_some(())
        })
        .await;
        let rest = server.api.get(&format!("/v1/replays/{}", id_of(&rest))).await.expect(200);
        assert_eq!((&rest["state"], &rest["delivered"]), (&json!("completed"), &rest["matched"]), "{rest}");
        assert_eq!(server.api.get(&format!("/v1/replays/{replay}")).await.expect(200), done);
        server.api.settled().await;
        let arrivals = arrivals(&receiver);
        assert_eq!(arrivals.len(), ALL);
        assert!(arrivals.values().all(|&times| times == 1), "each once");
    }

    async fn a_replay_that_is_killed_goes_on_by_itself_and_repeats_only_what_was_not_recorded(store: Store) {
        let database = Database::fresh(store).await;
        let receiver = Receiver::scripted(|_| Reply::status(204).after(Duration::from_millis(2))).await;
        let server = dead_letters(&database, &receiver, CUT_OFF).await;
        let replay = begin(&server.api, CUT_OFF_RATE).await;
        receiver.wait_within(PATIENCE, CUT_OFF / 3).await;
        server.kill().await;
        assert!(receiver.count() < CUT_OFF, "the kill must come in the middle");
        until("the receiver is done with it", async || (receiver.open() == 0).then_some(())).await;
        let may_repeat = seen_but_not_recorded(&database, &receiver).await;

        let server = serve(&database).start().await;
        for part in 1..=LOOKS {
            receiver.wait_within(PATIENCE, CUT_OFF * part / LOOKS).await;
            look(&server.api, &replay, CUT_OFF).await;
        }
        let done = until_within(PATIENCE, "it has come to its end", async || {
            let replay = look(&server.api, &replay, CUT_OFF).await;
            (count(&replay["delivered"]) == CUT_OFF as i64).then_some(replay)
        })
        .await;
        assert_eq!((&done["state"], &done["released"]), (&json!("completed"), &json!(CUT_OFF)), "{done}");
        server.api.settled().await;
        let arrivals = arrivals(&receiver);
        assert_eq!(arrivals.len(), CUT_OFF, "nothing is forgotten");
        for (event, times) in arrivals {
            let allowed = 1 + usize::from(may_repeat.contains(&event));
            assert!(times <= allowed, "{event} was sent {times} times; the kill explains {allowed}");
        }
    }

    async fn two_equal_replays_at_once_send_each_dead_letter_once(store: Store) {
        let database = Database::fresh(store).await;
        let receiver = Receiver::healthy().await;
        let server = dead_letters(&database, &receiver, BATCH).await;
        let wanted = json!({"filter": {"status": "dead"}, "note": "twice"});
        let both = [server.api.post("/v1/replays", &wanted), server.api.post("/v1/replays", &wanted)];
        let [first, second] = both;
        let (first, second) = tokio::join!(first, second);
        let ids = [first, second].map(|made| id_of(&made.expect(202)));
        let mut replays = Vec::new();
        for id in &ids {
            replays.push(
                until_within(PATIENCE, "it has come to its end", async || {
                    let replay = server.api.get(&format!("/v1/replays/{id}")).await.expect(200);
                    (replay["state"] == "completed").then_some(replay)
                })
                .await,
            );
        }
        until_within(PATIENCE, "all is delivered", async || {
            (server.api.balanced_ledger().await["deliveries"]["delivered"] == BATCH).then_some(())
        })
        .await;
        let sum = |field: &str| replays.iter().map(|replay| count(&replay[field])).sum::<i64>();
        assert_eq!((sum("released"), sum("skipped")), (BATCH as i64, BATCH as i64), "{replays:?}");
        // One more round trip through the lane shows that nothing else was due.
        let last = server.api.emit("call.ended", b"{}", json!({})).await;
        until("the last one is there", async || {
            receiver.arrived().iter().any(|request| request.id() == last).then_some(())
        })
        .await;
        assert_eq!(receiver.count(), BATCH + 1, "each once");
    }

    async fn a_replay_by_reason_takes_no_other_and_says_its_filter_and_note(store: Store) {
        let database = Database::fresh(store).await;
        let receiver = Receiver::answering(503).await;
        let server = Serve::on(&database).start().await;
        let retry = json!({"max_attempts": 1});
        let endpoint = json!({"url": receiver.url(), "event_types": ["*"], "retry": retry});
        let endpoint = id_of(&server.api.endpoint(endpoint).await);
        let dead = async |fields: Value| {
            let event = server.api.emit("call.ended", b"{}", fields).await;
            let delivery = server.api.delivery_of(&event).await;
            server.api.delivery_with_status(&delivery, "dead").await
        };
        dead(json!({})).await;
        // A scheme that signs one field makes an event without it unroutable.
        server.api.patch(&format!("/v1/endpoints/{endpoint}"), &json!({"scheme": "synthflow", "secret": "a secret of theirs"})).await.expect(200);
        assert_eq!(dead(json!({})).await["dead_reason"], "unroutable");
        let host = receiver.url().split('/').nth(2).expect("a host").split(':').next().expect("a name").to_owned();
        let matched = async |filter: Value| {
            let preview = json!({"filter": filter, "dry_run": true});
            server.api.post("/v1/replays", &preview).await.expect(200)["matched"].clone()
        };
        assert_eq!(matched(json!({"status": "dead"})).await, 2);
        assert_eq!(matched(json!({"status": "dead", "reason": "exhausted"})).await, 1);
        assert_eq!(matched(json!({"status": "dead", "last_status_code": 503})).await, 1);
        assert_eq!(matched(json!({"status": "dead", "last_status_code": 500})).await, 0);
        assert_eq!(matched(json!({"status": "dead", "host": host})).await, 2);
        assert_eq!(matched(json!({"status": "dead", "host": "elsewhere.example"})).await, 0);
        let wrong = async |body: Value, code: &str| {
            server.api.post("/v1/replays", &body).await.expect_problem(422, code);
        };
        wrong(json!({"filter": {"status": "delivered", "reason": "exhausted"}}), "conflict").await;
        wrong(json!({"filter": {"status": "dead"}, "note": "a", "reason": "b"}), "conflict").await;
        wrong(json!({"filter": {"status": "missing"}}), "required").await;
        let wanted = json!({"filter": {"status": "dead", "reason": "exhausted"}, "reason": "the older name"});
        let replay = id_of(&server.api.post("/v1/replays", &wanted).await.expect(202));
        let listed = server.api.get("/v1/replays?tenant=default").await.expect(200);
        assert_eq!(listed["items"], json!([]), "its filter names no tenant");
        let listed = server.api.get("/v1/replays?limit=1").await.expect(200);
        let shown = &listed["items"][0];
        assert_eq!((&shown["id"], &shown["note"]), (&json!(replay), &json!("the older name")));
        assert_eq!(shown["filter"], wanted["filter"]);
        let audit = server.api.get("/v1/audit?limit=50").await.expect(200);
        let told = audit["items"].as_array().expect("a list").iter().find(|row| row["object_id"] == replay);
        assert_eq!(told.expect("it is recorded")["after"]["filter"], wanted["filter"]);
    }

    async fn what_an_endpoint_misses_is_sent_to_it_and_shown_in_the_routing(store: Store) {
        let database = Database::fresh(store).await;
        let receiver = Receiver::healthy().await;
        let server = Serve::on(&database).start().await;
        let first = server.api.endpoint_at(&receiver.url()).await;
        let narrow = json!({"url": receiver.url(), "event_types": ["agent.*"], "key": "crm"});
        let late = id_of(&server.api.endpoint(narrow).await);
        let event = server.api.emit("call.ended", b"{}", json!({"key": "call-1"})).await;
        server.api.emit("call.ended", b"{}", json!({"destination": {"url": receiver.url()}})).await;
        receiver.wait_for(2).await;
        let filter = json!({"status": "missing", "endpoint_id": late});
        let matched = async || {
            let preview = json!({"filter": filter, "dry_run": true});
            count(&server.api.post("/v1/replays", &preview).await.expect(200)["matched"])
        };
        assert_eq!(matched().await, 0, "it does not select them");
        server.api.patch(&format!("/v1/endpoints/{late}"), &json!({"event_types": ["*"]})).await.expect(200);
        assert_eq!(matched().await, 1);
        server.api.post("/v1/replays", &json!({"filter": filter})).await.expect(202);
        let requests = receiver.wait_for(3).await;
        assert_eq!((requests[2].id(), requests[2].header("ringback-replay")), (event.as_str(), "1"));
        assert_eq!(matched().await, 0);
        let shown = server.api.get(&format!("/v1/events/{event}")).await.expect(200);
        let verdicts = shown["routing"].as_array().expect("a list");
        for endpoint in [first, late] {
            let entry = verdicts.iter().find(|entry| entry["endpoint_id"] == endpoint).expect("it is told of");
            assert_eq!(entry["verdict"], "delivery", "{shown}");
        }
        server.api.balanced_ledger().await;
    }
}
