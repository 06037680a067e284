//! Operational events: what operators are told, when, and how often.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use reqwest::Method;
use ringback::{event::NewEvent, time::Timestamp};
use ringback_tests::{
    api::{Api, emit_request},
    database::Database,
    embedded::Embedded,
    on_both_stores,
    receiver::{Arrived, Gate, Receiver, Reply},
    server::{Serve, Server},
    stores::Store,
    until::until,
};
use serde_json::{Value, json};

const DEAD: &str = "ringback.delivery.dead";
const FAILING: &str = "ringback.endpoint.failing";
const RECOVERED: &str = "ringback.endpoint.recovered";
const DISABLED: &str = "ringback.endpoint.disabled";
const STALE: &str = "ringback.backlog.stale";
const FRESH: &str = "ringback.backlog.fresh";

/// Deaths are looked for half a lease late, and every second: after so long nothing more is told.
const QUIET: Duration = Duration::from_secs(10);

async fn serve(database: &Database) -> Server {
    Serve::on(database).set("failing_after", "1s").set("stale_after", "1s").start().await
}

/// Where operators are told; and an endpoint of the same tenant that selects everything else.
async fn operators(api: &Api) -> (Receiver, Receiver) {
    let (told, all) = (Receiver::healthy().await, Receiver::healthy().await);
    api.endpoint(json!({"url": told.url(), "tenant": "ringback", "event_types": ["ringback.*"]})).await;
    api.endpoint(json!({"url": all.url(), "tenant": "ringback", "event_types": ["*"]})).await;
    (told, all)
}

/// One send, and at most so many tries of it.
fn tried(url: &str, tries: u32) -> Value {
    json!({"url": url, "event_types": ["*"], "key": "crm", "name": "The CRM",
           "retry": {"max_attempts": tries, "delays_ms": [1_000], "jitter": 0}})
}

fn body(arrived: &Arrived) -> Value {
    serde_json::from_slice(&arrived.body).expect("JSON")
}

/// The notes as they are kept.
async fn kept(database: &Database) -> Option<Value> {
    let book: Option<Vec<u8>> = match database.store() {
        Store::Postgres => {
            let statement = "select value from ringback.setting where name = 'operational_events'";
            sqlx::query_scalar(statement).fetch_optional(&mut database.postgres().await).await
        }
        Store::Sqlite => {
            let statement = "select value from ringback_setting where name = 'operational_events'";
            sqlx::query_scalar(statement).fetch_optional(&mut database.sqlite().await).await
        }
    }
    .expect("the notes");
    book.map(|book| serde_json::from_slice(&book).expect("JSON"))
}

/// What has been told of a type so far.
fn of_type(told: &Receiver, name: &str) -> Vec<Value> {
    told.arrived().iter().map(body).filter(|said| said["type"] == name).collect()
}

async fn first_of(told: &Receiver, name: &str) -> Value {
    until(name, async || of_type(told, name).into_iter().next()).await
}

/// How often each type has been told, once nothing more is.
async fn counted(told: &Receiver) -> BTreeMap<String, usize> {
    tokio::time::sleep(QUIET).await;
    let mut count = BTreeMap::new();
    for said in told.arrived().iter().map(body) {
        *count.entry(said["type"].as_str().expect("a type").to_owned()).or_default() += 1;
    }
    count
}

on_both_stores! {
    async fn a_campaign_of_deaths_is_told_once_for_each_endpoint_and_reason(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let (told, all) = operators(&server.api).await;
        let receiver = Receiver::answering(500).await;
        let endpoint = server.api.endpoint(tried(&receiver.url(), 1)).await;
        for n in 0..300 {
            server.api.emit("call.ended", n.to_string().as_bytes(), json!({})).await;
        }
        let said = first_of(&told, DEAD).await;
        let place = json!({"id": endpoint["id"], "key": "crm", "name": "The CRM", "url": endpoint["url"]});
        assert_eq!((&said["endpoint"], &said["tenant"]), (&place, &json!("default")), "{said}");
        assert_eq!((&said["reason"], &said["last_error"]), (&json!("exhausted"), &json!("status 500")));
        let example = said["example"].as_str().expect("a delivery");
        assert_eq!(server.api.get(&format!("/v1/deliveries/{example}")).await.expect(200)["status"], "dead");
        assert!((1..=300).contains(&said["count"].as_u64().expect("a count")), "{said}");
        let members: Vec<_> = said.as_object().expect("an object").keys().map(String::as_str).collect();
        let promised = ["at", "count", "endpoint", "example", "last_error", "reason", "since", "tenant", "type"];
        assert_eq!(members, promised);

        let inline = json!({"destination": {"url": receiver.url(), "retry": {"max_attempts": 1, "delays_ms": [50]}}});
        server.api.emit("call.ended", b"{}", inline).await;
        let said = until("the inline one", async || of_type(&told, DEAD).into_iter().find(|it| it["endpoint"]["id"].is_null())).await;
        assert_eq!(said["endpoint"]["url"], format!("https://{}", receiver.address()));
        assert_eq!(counted(&told).await, BTreeMap::from([(DEAD.to_owned(), 2)]), "no storm");
        assert_eq!(all.count(), 0, "`*` does not select them");
        assert!(server.log().contains("WARN ringback::operate::alarms"), "each is a line in the log");
    }

    async fn an_endpoint_that_fails_is_told_and_its_recovery_once(store: Store) {
        let database = Database::fresh(store).await;
        let server = serve(&database).await;
        let (told, _) = operators(&server.api).await;
        let receiver = Receiver::answering(503).await;
        let endpoint = server.api.endpoint(tried(&receiver.url(), 100)).await;
        let paused = Receiver::answering(503).await;
        let other = server.api.endpoint_at(&paused.url()).await;
        server.api.post(&format!("/v1/endpoints/{other}/pause"), &json!({})).await.expect(200);
        server.api.emit("call.ended", b"{}", json!({})).await;
        let said = first_of(&told, FAILING).await;
        assert_eq!((&said["endpoint"]["id"], &said["last_error"]), (&endpoint["id"], &json!("status 503")));
        assert_eq!(counted(&told).await, BTreeMap::from([(FAILING.to_owned(), 1)]), "once, and nothing of the paused one");

        receiver.answer(|_| Reply::status(204));
        let said = first_of(&told, RECOVERED).await;
        assert_eq!(said["endpoint"]["id"], endpoint["id"]);
        let once = BTreeMap::from([(FAILING.to_owned(), 1), (RECOVERED.to_owned(), 1)]);
        assert_eq!(counted(&told).await, once);
    }

    async fn what_was_told_before_a_restart_is_not_told_again_and_its_end_is(store: Store) {
        let database = Database::fresh(store).await;
        let server = serve(&database).await;
        let (told, _) = operators(&server.api).await;
        let receiver = Receiver::answering(503).await;
        server.api.endpoint(tried(&receiver.url(), 100)).await;
        let dies = Receiver::answering(500).await;
        server.api.endpoint(json!({"url": dies.url(), "event_types": ["dies"], "retry": {"max_attempts": 1, "delays_ms": [50]}})).await;
        server.api.emit("dies", b"{}", json!({})).await;
        first_of(&told, FAILING).await;
        first_of(&told, DEAD).await;
        server.terminate().await;
        let server = serve(&database).await;
        server.api.emit("dies", b"{}", json!({})).await;
        let counts = counted(&told).await;
        assert_eq!((counts[DEAD], counts.get(RECOVERED)), (1, None), "{counts:?}");
        receiver.answer(|_| Reply::status(204));
        until("the recovery", async || of_type(&told, RECOVERED).into_iter().next()).await;
        drop(server);
    }

    async fn an_endpoint_that_ringback_disables_is_told_with_the_reason(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let (told, _) = operators(&server.api).await;
        let gone = Receiver::answering(410).await;
        let gone = server.api.endpoint_at(&gone.url()).await;
        let failing = Receiver::answering(500).await;
        let mut fields = tried(&failing.url(), 100);
        fields["disable_after"] = json!("1s");
        let too_long = server.api.endpoint(fields).await["id"].as_str().expect("an id").to_owned();
        let event = server.api.emit("call.ended", b"{}", json!({})).await;
        for (endpoint, reason) in [(&gone, "gone"), (&too_long, "failing_too_long")] {
            let said = until("it is told", async || of_type(&told, DISABLED).into_iter().find(|it| it["reason"] == reason)).await;
            assert_eq!(said["endpoint"]["id"], **endpoint, "{said}");
            let now = server.api.get(&format!("/v1/endpoints/{endpoint}")).await.expect(200);
            assert_eq!((&now["enabled"], &now["disabled_reason"]), (&json!(false), &json!(reason)));
        }
        // Its delivery is kept, and sent once somebody enables it again.
        let deliveries = server.api.deliveries_of(&event).await;
        let kept = deliveries.iter().find(|it| it["endpoint_id"] == *too_long).expect("a delivery");
        assert_eq!((&kept["status"], &kept["hold_reason"]), (&json!("pending"), &json!("endpoint_disabled")));
        failing.answer(|_| Reply::status(204));
        server.api.patch(&format!("/v1/endpoints/{too_long}"), &json!({"enabled": true})).await.expect(200);
        server.api.delivery_with_status(kept["id"].as_str().expect("an id"), "delivered").await;
    }

    async fn a_backlog_that_nothing_holds_is_told_when_it_is_stale_and_when_it_is_fresh(store: Store) {
        let database = Database::fresh(store).await;
        let server = serve(&database).await;
        let (told, _) = operators(&server.api).await;
        let gate = Gate::closed();
        let closed = gate.clone();
        let receiver = Receiver::scripted(move |_| Reply::status(204).behind(&closed)).await;
        let fields = json!({"url": receiver.url(), "event_types": ["*"], "max_in_flight": 1, "timeout_ms": 60_000});
        server.api.endpoint(fields).await;
        for n in 0..3 {
            server.api.emit("call.ended", n.to_string().as_bytes(), json!({})).await;
        }
        let said = first_of(&told, STALE).await;
        assert_eq!((&said["endpoint"], &said["tenant"]), (&Value::Null, &Value::Null));
        gate.open();
        first_of(&told, FRESH).await;
        assert_eq!(counted(&told).await, BTreeMap::from([(FRESH.to_owned(), 1), (STALE.to_owned(), 1)]));
    }

    async fn what_is_told_raises_nothing_itself(store: Store) {
        let database = Database::fresh(store).await;
        let server = serve(&database).await;
        let told = Receiver::answering(500).await;
        let fields = json!({"url": told.url(), "tenant": "ringback", "event_types": ["ringback.*"],
                            "retry": {"max_attempts": 2, "delays_ms": [50], "jitter": 0}});
        server.api.endpoint(fields).await;
        let receiver = Receiver::answering(500).await;
        server.api.endpoint(tried(&receiver.url(), 1)).await;
        server.api.emit("call.ended", b"{}", json!({})).await;
        first_of(&told, DEAD).await;
        first_of(&told, FAILING).await;
        counted(&told).await;
        let events = server.api.get("/v1/events?tenant=ringback").await.expect(200);
        assert_eq!(events["items"].as_array().expect("a list").len(), 2, "{events}");
    }

    async fn a_death_is_told_once_whose_statement_stays_open_for_longer_than_half_a_lease(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).set("lease", "3s").set("expires_after", "1s").start().await;
        let (told, _) = operators(&server.api).await;
        // Others die meanwhile, and are told: what is looked for moves on.
        let dies = Receiver::answering(500).await;
        let fields = json!({"url": dies.url(), "event_types": ["dies"], "retry": {"max_attempts": 1, "delays_ms": [50]}});
        server.api.endpoint(fields).await;
        let waits = server.api.endpoint(json!({"url": dies.url(), "event_types": ["waits"]})).await;
        server.api.post(&format!("/v1/endpoints/{}/pause", waits["id"].as_str().expect("an id")), &json!({})).await.expect(200);
        let event = server.api.emit("waits", b"{}", json!({})).await;
        let delivery = server.api.delivery_of(&event).await;
        match store {
            Store::Postgres => hold_up_counting(&database, &server.api).await,
            Store::Sqlite => hold_up_writing(&database, &server.api, &delivery).await,
        }
        server.api.delivery_with_status(&delivery, "dead").await;
        let expired = || of_type(&told, DEAD).into_iter().filter(|it| it["reason"] == "expired").collect::<Vec<_>>();
        let said = until("the death", async || expired().pop()).await;
        assert_eq!((&said["endpoint"]["id"], &said["count"]), (&waits["id"], &json!(1)), "{said}");
        counted(&told).await;
        assert_eq!(expired().len(), 1, "{:?}", expired());
    }

    async fn nobody_else_emits_what_only_ringback_tells(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let body = emit_request(DEAD, b"{}", &json!({}));
        let refused = server.api.ask(Method::POST, "/v1/events", Some(body)).await.expect("an answer").expect_problem(422, "reserved");
        assert_eq!(refused["errors"][0]["pointer"], "/type");
        let batch = json!({"events": [{"type": "a", "payload": 1}, {"type": "ringback.x", "payload": 1}]});
        let refused = server.api.post("/v1/events/batch", &batch).await.expect_problem(422, "reserved");
        assert_eq!(refused["errors"][0]["pointer"], "/events/1/type");
        assert!(database.try_emit(&NewEvent::new(DEAD, "{}")).await.is_err());
        let by_sql = match store {
            Store::Postgres => {
                let statement = "select ringback.emit('ringback.delivery.dead', '1')";
                sqlx::query(statement).execute(&mut database.postgres().await).await.map(drop)
            }
            Store::Sqlite => {
                let statement = "insert into ringback_emit (id, tenant, type, occurred_at, payload)
                     values (unhex(printf('%012X', cast(unixepoch('now', 'subsec') * 1000 as integer)) || '7abc8000000000000000'),
                             'default', 'ringback.delivery.dead', 0, x'31')";
                sqlx::query(statement).execute(&mut database.sqlite().await).await.map(drop)
            }
        };
        assert!(by_sql.expect_err("refused").to_string().contains("begins with ringback."));
    }

    async fn slack_gets_a_sentence(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let slack = Receiver::answering(200).await;
        let fields = json!({"url": slack.url(), "tenant": "ringback", "event_types": ["ringback.*"], "preset": "slack"});
        server.api.endpoint(fields).await;
        let receiver = Receiver::answering(500).await;
        server.api.endpoint(tried(&receiver.url(), 1)).await;
        server.api.emit("call.ended", b"{}", json!({})).await;
        let arrived = slack.wait_for(1).await.remove(0);
        let said = body(&arrived);
        let text = said["text"].as_str().expect("a text");
        assert!(text.starts_with("*Ringback*: deliveries became dead letters\nendpoint: The CRM\n"), "{text}");
        assert_eq!(said.as_object().expect("an object").len(), 1);
        assert_eq!(arrived.header("content-type"), "application/json");
        let event = arrived.header("ringback-id").to_owned();
        let delivery = server.api.delivery_of(&event).await;
        server.api.delivery_with_status(&delivery, "delivered").await;
        server.api.post(&format!("/v1/deliveries/{delivery}/replay"), &json!({})).await.expect(202);
        let again = slack.wait_for(2).await.remove(1);
        assert_eq!(again.body, arrived.body, "the same bytes on a replay");
    }

    async fn while_nothing_happens_nothing_is_written(store: Store) {
        let database = Database::fresh(store).await;
        let server = serve(&database).await;
        let is_begun = |book: &Value| book["looked_until"].is_i64();
        let before = until("the first look", async || kept(&database).await.filter(is_begun)).await;
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(kept(&database).await, Some(before), "rounds come every second");
        drop(server);
    }

    async fn a_host_hears_them_in_its_own_process(store: Store) {
        let database = Database::fresh(store).await;
        let embedded = Embedded::start(&database, |settings| {
            settings.egress.allow_http = true;
            settings.egress.allow = vec!["127.0.0.0/8".parse().expect("a network")];
        })
        .await;
        let mut heard = embedded.engine.subscribe();
        let receiver = Receiver::answering(500).await;
        embedded.api.endpoint(tried(&receiver.url(), 1)).await;
        embedded.api.emit("call.ended", b"{}", json!({})).await;
        let event = tokio::time::timeout(Duration::from_secs(20), heard.recv()).await.expect("in time").expect("an event");
        assert_eq!((event.r#type.name(), event.count), (DEAD, 1));
        assert_eq!(event.endpoint.expect("an endpoint").key.as_deref(), Some("crm"));
    }
}

/// Somebody else has written the figures of the minute in which a death is counted: the statement that has made a dead letter
/// waits for almost as long as one waits for a lock, and is committed then.
async fn hold_up_counting(database: &Database, api: &Api) {
    const FIGURES: &str = "insert into ringback.figure (tenant, endpoint_id, at)
        select '', '00000000-0000-0000-0000-000000000000', now - now % 60000000 + later * 60000000
        from (select ringback.clock() as now) clock, generate_series(0, 2) later";
    const HAS_WAITED: &str = "select exists (select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and query like '-- Makes dead letters%'
          and clock_timestamp() - xact_start > interval '3400 milliseconds')";
    let (mut other, mut looking) = (database.postgres().await, database.postgres().await);
    for statement in ["begin", FIGURES] {
        sqlx::query(statement).execute(&mut other).await.expect("nobody else has them");
    }
    // One that has waited for too long is tried again.
    until("a death waits to be counted", async || {
        api.emit("dies", b"{}", json!({})).await;
        let has_waited: bool = sqlx::query_scalar(HAS_WAITED).fetch_one(&mut looking).await.expect("an answer");
        has_waited.then_some(())
    })
    .await;
    sqlx::query("commit").execute(&mut other).await.expect("it is ours");
}

/// Somebody else writes to the file, almost all the time, until the delivery is dead: whoever records its death waits.
async fn hold_up_writing(database: &Database, api: &Api, delivery: &str) {
    let mut other = database.sqlite().await;
    until("a death is recorded", async || {
        sqlx::query("begin immediate").execute(&mut other).await.expect("its turn comes");
        tokio::time::sleep(Duration::from_millis(3_400)).await;
        sqlx::query("commit").execute(&mut other).await.expect("it is ours");
        api.emit("dies", b"{}", json!({})).await;
        (api.get(&format!("/v1/deliveries/{delivery}")).await.expect(200)["status"] == "dead").then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_has_begun_is_told_in_the_time_of_the_database() {
    let database = Database::fresh(Store::Postgres).await;
    drop(Embedded::idle(&database).await);
    sqlx::query("delete from ringback.setting").execute(&mut database.postgres().await).await.expect("a new key");
    database.set_clock("- interval '1 hour'").await;
    let server = serve(&database).await;
    let (told, _) = operators(&server.api).await;
    let receiver = Receiver::answering(503).await;
    server.api.endpoint(tried(&receiver.url(), 100)).await;
    let gone = Receiver::answering(410).await;
    server.api.endpoint_at(&gone.url()).await;
    server.api.emit("call.ended", b"{}", json!({})).await;
    for name in [FAILING, DISABLED] {
        let said = first_of(&told, name).await;
        let [since, at] =
            ["since", "at"].map(|name| said[name].as_str().expect("a time").parse::<Timestamp>().expect("one"));
        assert!(since <= at && at.since(since) < Duration::from_secs(60), "{said}");
    }
}

#[tokio::test]
async fn two_nodes_tell_once() {
    let database = Database::fresh(Store::Postgres).await;
    let (one, two) = (serve(&database).await, serve(&database).await);
    let (told, _) = operators(&one.api).await;
    let receiver = Receiver::answering(503).await;
    for n in 0..8 {
        let mut fields = tried(&receiver.url(), 100);
        fields["key"] = json!(format!("failing-{n}"));
        fields["event_types"] = json!(["fails"]);
        one.api.endpoint(fields).await;
    }
    let dies = Receiver::answering(500).await;
    one.api
        .endpoint(json!({"url": dies.url(), "event_types": ["dies"], "retry": {"max_attempts": 1, "delays_ms": [50]}}))
        .await;
    one.api.emit("fails", b"{}", json!({})).await;
    for n in 0..40 {
        two.api.emit("dies", n.to_string().as_bytes(), json!({})).await;
    }
    until("all are told", async || {
        (of_type(&told, FAILING).len() >= 8 && !of_type(&told, DEAD).is_empty()).then_some(())
    })
    .await;
    assert_eq!(counted(&told).await[DEAD], 1);
    // The one that dies is among them if its lane stayed where it was: a node that takes over counts anew.
    let failing = of_type(&told, FAILING);
    let each: HashSet<_> = failing.iter().map(|said| said["endpoint"]["id"].to_string()).collect();
    assert!(each.len() == failing.len() && each.len() >= 8, "each once: {failing:?}");
    receiver.answer(|_| Reply::status(204));
    until("all have recovered", async || (of_type(&told, RECOVERED).len() >= 8).then_some(())).await;
    assert_eq!(counted(&told).await[RECOVERED], 8);
}
