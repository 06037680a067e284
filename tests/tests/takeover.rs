//! Promise 11, the other half: a node that dies leaves nothing behind; its shards move within 15 s.

use std::{collections::HashSet, sync::Arc, time::Duration};

use ringback::{Settings, seal::MasterKeys, store::SharedStore};
use ringback_testkit::{Fault, Faulty};
use ringback_tests::{
    api::Api,
    database::Database,
    embedded::Embedded,
    receiver::{Arrived, Gate, Receiver, Reply},
    server::Serve,
    stores::Store,
    until::{until, until_within},
};
use serde_json::json;
use tokio::time::Instant;

/// What the design promises with the default lease of 12 s.
const TAKEOVER: Duration = Duration::from_secs(15);

/// One event for each of many lanes, which are spread over all shards.
async fn one_for_each(api: &Api, lanes: usize) {
    let event = |lane: usize| json!({"type": format!("to.{lane}"), "payload": {}});
    let batch = json!({"events": (0..lanes).map(event).collect::<Vec<_>>()});
    api.post("/v1/events/batch", &batch).await.expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shards_of_a_killed_node_move_within_fifteen_seconds() {
    const LANES: usize = 48;
    let database = Database::fresh(Store::Postgres).await;
    let first = Serve::on(&database).set("header_prefix", "first-").start().await;
    let receiver = Receiver::healthy().await;
    for lane in 0..LANES {
        let endpoint = json!({"url": receiver.url(), "event_types": [format!("to.{lane}")]});
        first.api.endpoint(endpoint).await;
    }
    let second = Serve::on(&database).set("header_prefix", "second-").start().await;
    let mut rounds = 0;
    until("both nodes send", async || {
        one_for_each(&second.api, LANES).await;
        rounds += 1;
        let requests = receiver.wait_for(rounds * LANES).await;
        let latest = &requests[requests.len() - LANES..];
        ["first-attempt", "second-attempt"]
            .iter()
            .all(|name| latest.iter().any(|request| !request.header(name).is_empty()))
            .then_some(())
    })
    .await;

    // What was answered and not yet recorded would rightly be sent a second time.
    second.api.settled().await;
    let before = receiver.count();
    let killed = Instant::now();
    first.kill().await;
    one_for_each(&second.api, LANES).await;
    // What an answer takes meanwhile says how busy this machine is.
    let mut slowest = Duration::ZERO;
    let requests = until("every lane is served", async || {
        let asked = Instant::now();
        second.api.get("/v1/endpoints?limit=1").await.expect(200);
        slowest = slowest.max(asked.elapsed());
        (receiver.count() >= before + LANES).then(|| receiver.arrived())
    })
    .await;
    let last = requests.iter().map(|request| request.at).max().expect("some");
    let took = last.saturating_duration_since(killed);
    println!("the last of {LANES} lanes was served {took:?} after the kill, when an answer took up to {slowest:?}");
    // The lease, the shards, what is due, and the request itself: four questions, one after the other.
    assert!(took <= TAKEOVER + slowest * 4, "{took:?}");
    let ids: HashSet<_> = requests[before..].iter().map(|request| request.id().to_owned()).collect();
    assert_eq!(ids.len(), LANES);
    second.api.balanced_ledger().await;
}

/// For some seconds no shard can be given back, as if the database were away just then.
async fn keep_shards_from_being_given_back(database: &Database) {
    let statements = "create function ringback.not_yet() returns trigger language plpgsql as $$
         declare until constant timestamptz := tg_argv[0];
         begin
             if clock_timestamp() < until then raise exception 'not yet'; end if;
             return new;
         end $$;
         do $$ begin
             execute format('create trigger not_yet before update on ringback.shard for each row
                             when (old.node_id is not null and new.node_id is null)
                             execute function ringback.not_yet(%L)', clock_timestamp() + interval '5 s');
         end $$";
    sqlx::raw_sql(statements).execute(&mut database.postgres().await).await.expect("a trigger");
}

async fn owners(database: &Database) -> i64 {
    let owners = "select count(distinct node_id) from ringback.shard where node_id is not null";
    sqlx::query_scalar(owners).fetch_one(&mut database.postgres().await).await.expect("it answers")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_is_not_sent_again_when_its_shard_is_given_away_at_the_second_try() {
    const LANES: usize = 48;
    let database = Database::fresh(Store::Postgres).await;
    let first = Serve::on(&database).start().await;
    let receiver = Receiver::healthy().await;
    let gate = Gate::closed();
    let closed = gate.clone();
    receiver.answer(move |_| Reply::status(204).behind(&closed));
    for lane in 0..LANES {
        let fields = json!({"url": receiver.url(), "event_types": [format!("to.{lane}")], "timeout_ms": 60_000});
        first.api.endpoint(fields).await;
    }
    one_for_each(&first.api, LANES).await;
    receiver.wait_for(LANES).await;
    keep_shards_from_being_given_back(&database).await;
    let second = Serve::on(&database).start().await;
    until("both own shards", async || (owners(&database).await == 2).then_some(())).await;
    // Whoever sends these has seen what is due before them. (A lane that waits for its first answer sends nothing else.)
    let others = Receiver::healthy().await;
    for lane in LANES..2 * LANES {
        let fields = json!({"url": others.url(), "event_types": [format!("to.{lane}")]});
        second.api.endpoint(fields).await;
    }
    for round in 1..=2 {
        one_for_each(&second.api, 2 * LANES).await;
        others.wait_for(round * LANES).await;
    }
    gate.open();
    second.api.settled().await;
    let requests = receiver.arrived();
    let ids: HashSet<_> = requests.iter().map(|request| request.id().to_owned()).collect();
    assert_eq!((requests.len(), ids.len()), (3 * LANES, 3 * LANES), "each once");
}

/// Longer than two nodes take to share shards, which they look at a dozen times in a lease.
const SLOW: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_begins_while_its_shard_is_given_away_is_found_by_the_next_owner() {
    const LANES: usize = 32;
    let database = Database::fresh(Store::Postgres).await;
    let keys = MasterKeys::generate_text();
    let change = |settings: &mut Settings| {
        settings.keys = Arc::new(MasterKeys::parse(&keys, &[]).expect("a key"));
        settings.lease = Duration::from_secs(3);
        settings.egress.allow_http = true;
        settings.egress.allow = vec!["127.0.0.0/8".parse().expect("a network")];
    };
    let mut faulty = None;
    let around = |store: SharedStore| -> SharedStore {
        let around = Faulty::around(store);
        faulty = Some(Arc::clone(&around));
        around
    };
    let first = Embedded::around(&database, around, change).await;
    let faulty = faulty.expect("it was put around the store");
    let receiver = Receiver::scripted(|_| Reply::status(429).header("retry-after", "600")).await;
    for lane in 0..LANES {
        first.api.endpoint(json!({"url": receiver.url(), "event_types": [format!("to.{lane}")]})).await;
    }
    // What is written down about the holds takes its time, and meanwhile another node asks for its share of the shards.
    faulty.next("set_holds", [Fault::Late(SLOW); 2]);
    one_for_each(&first.api, LANES).await;
    receiver.wait_for(LANES).await;
    let second = Embedded::start(&database, change).await;
    until("both own shards", async || (owners(&database).await == 2).then_some(())).await;
    until("every hold is written down", async || {
        let holds = "select count(*) from ringback.hold";
        let holds: i64 = sqlx::query_scalar(holds).fetch_one(&mut database.postgres().await).await.expect("it answers");
        (holds == LANES as i64).then_some(())
    })
    .await;
    drop((first, second));
    assert_eq!(receiver.count(), LANES, "nobody was asked again before his time");
}

/// How a node is called in the headers of its requests.
const NODES: [&str; 2] = ["first-", "second-"];

/// What waits in one lane, and what each of its receiver's answers takes.
const BACKLOG: usize = 800;
const ANSWERS_AFTER: Duration = Duration::from_millis(100);

/// Longer than the lease of both nodes, which is 3 s.
const BEYOND_LEASE: Duration = Duration::from_secs(5);

/// The longest that the lane may be silent from when the node that stood still goes on. Its own requests and those of the
/// other node are answered within a moment, so that nobody waits for their time-outs (10 s): the new owner asks what became
/// of them twelve times in a lease. The rest is for a busy machine.
const SILENCE: Duration = Duration::from_secs(6);

/// Until all of it has arrived: 800 answers of 100 ms, four at a time, are 20 s.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_is_not_silent_for_long_when_its_node_has_stood_still_and_then_the_other_one_leaves() {
    let database = Database::fresh(Store::Postgres).await;
    let serve = |name| Serve::on(&database).set("header_prefix", name).set("lease", "3s");
    let receiver = Receiver::scripted(|_| Reply::status(204).after(ANSWERS_AFTER)).await;
    let first = serve(NODES[0]).start().await;
    let second = serve(NODES[1]).start().await;
    until("both own shards", async || (owners(&database).await == 2).then_some(())).await;
    let endpoint = json!({"url": receiver.url(), "event_types": ["*"], "max_in_flight": 4});
    first.api.endpoint(endpoint).await;
    let events: Vec<_> = (0..BACKLOG).map(|_| json!({"type": "call.ended", "payload": {}})).collect();
    first.api.post("/v1/events/batch", &json!({"events": events})).await.expect(202);
    let sender = |request: &Arrived| NODES.map(|name| !request.header(&format!("{name}attempt")).is_empty());
    let [.., last] = &receiver.wait_for(20).await[..] else { unreachable!("some arrived") };
    let (owner, other) = if sender(last)[0] { (first, second) } else { (second, first) };

    owner.freeze();
    tokio::time::sleep(BEYOND_LEASE).await;
    let before = receiver.count();
    until("the other one sends", async || (receiver.count() > before + 8).then_some(())).await;
    owner.thaw();
    let thawed = Instant::now();
    until("both own shards again", async || (owners(&database).await == 2).then_some(())).await;
    assert!(other.terminate().await.success());
    let left = BACKLOG - receiver.count();
    let told = Instant::now();
    let arrived = until_within(PATIENCE, "everything has arrived", async || {
        let arrived = receiver.arrived();
        let ids: HashSet<_> = arrived.iter().map(Arrived::id).collect();
        (ids.len() == BACKLOG).then_some(arrived)
    })
    .await;
    let moments: Vec<_> =
        [thawed].into_iter().chain(arrived.iter().map(|it| it.at).filter(|at| *at > thawed)).collect();
    let silence = moments.windows(2).map(|pair| pair[1] - pair[0]).max().expect("some");
    println!(
        "{left} were left when the other one had left, {:?} after the thaw; silent for {silence:?}",
        told - thawed
    );
    assert!(left > BACKLOG / 4, "much waits when the shards change hands: {left}");
    assert!(silence <= SILENCE, "the lane was silent for {silence:?}");
    owner.api.settled().await;
    owner.api.balanced_ledger().await;
}
