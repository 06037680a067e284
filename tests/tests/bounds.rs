//! Promise 14: what one caller asks for is bounded, so that nobody else waits for it.

use std::time::Duration;

use reqwest::Method;
use ringback::{event::NewEvent, id::EventId, time::Timestamp};
use ringback_tests::{
    api::{emit_request, id_of},
    database::Database,
    on_both_stores,
    receiver::Receiver,
    server::{Serve, Server},
    stores::Store,
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Row as _};

/// A scheme of the caller's own that signs `message`.
fn signing(message: &str) -> Value {
    json!({
        "key_format": "utf8", "message": message, "digest": "sha256", "encoding": "hex",
        "headers": {"x-s": "{signature}"},
    })
}

/// The most memory that a process has taken so far, in bytes.
fn peak_of(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux tells it");
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kilobytes * 1024
}

/// Runs a statement of somebody who owns the tables.
async fn run(database: &Database, postgres: &str, sqlite: &str) {
    match database.store() {
        Store::Postgres => {
            let statement = sqlx::query(AssertSqlSafe(postgres.to_owned()));
            statement.execute(&mut database.postgres().await).await.map(drop)
        }
        Store::Sqlite => {
            sqlx::query(AssertSqlSafe(sqlite.to_owned())).execute(&mut database.sqlite().await).await.map(drop)
        }
    }
    .expect("it runs");
}

/// From now on the database refuses what is still to be sent of this event.
async fn refuse_deliveries_of(database: &Database, event: &str) {
    // A delivery has its event's id but for the last four digits.
    let id = event.trim_start_matches("evt_");
    let (first, last) = (id, format!("{}ffff", &id[..28]));
    match database.store() {
        Store::Postgres => {
            for statement in [
                "create function ringback.refuse() returns trigger language plpgsql as $$
                 begin raise exception 'refused' using errcode = '22000'; end $$"
                    .to_owned(),
                format!(
                    "create trigger refuse before insert on ringback.delivery for each row
                     when (new.id between '{first}' and '{last}') execute function ringback.refuse()"
                ),
            ] {
                run(database, &statement, "").await;
            }
        }
        Store::Sqlite => {
            let trigger = format!(
                "create trigger refuse before insert on ringback_delivery
                 when new.id between x'{first}' and x'{last}' begin select raise(abort, 'refused'); end"
            );
            run(database, "", &trigger).await;
        }
    }
}

/// Writes an event and its pointer past `emit`, as an older version with other bounds may have done.
async fn write_past_emit(database: &Database, keys: Option<&str>, destination: Option<&str>) -> String {
    let id = EventId::new(Timestamp::now());
    match database.store() {
        Store::Postgres => {
            let mut connection = database.postgres().await;
            let seq = sqlx::query(
                "insert into ringback.event (id, tenant, type, occurred_at, payload, payload_bytes, endpoint_keys, destination)
                 values ($1, 'default', 'old', 0, '1', 1, $2::jsonb, $3) returning seq",
            );
            let row = seq.bind(id.uuid()).bind(keys).bind(destination).fetch_one(&mut connection).await;
            let seq: i64 = row.expect("written").get(0);
            let pointer = sqlx::query("insert into ringback.outbox (seq, event_id) values ($1, $2)");
            pointer.bind(seq).bind(id.uuid()).execute(&mut connection).await.expect("written");
        }
        Store::Sqlite => {
            let mut connection = database.sqlite().await;
            let event = sqlx::query(
                "insert into ringback_event (id, tenant, type, occurred_at, payload, payload_bytes, endpoint_keys, destination)
                 values (?1, 'default', 'old', 0, x'31', 1, ?2, ?3)",
            );
            let id = id.uuid().as_bytes().to_vec();
            event.bind(&id).bind(keys).bind(destination).execute(&mut connection).await.expect("written");
            let pointer =
                "insert into ringback_outbox (seq, event_id) select seq, id from ringback_event where id = ?1";
            sqlx::query(pointer).bind(&id).execute(&mut connection).await.expect("written");
        }
    }
    id.to_string()
}

on_both_stores! {
    async fn what_asks_for_too_much_is_refused_by_field(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let endpoint = |field: &str, value: Value| json!({"url": "http://127.0.0.1:9/", "event_types": ["*"], field: value});
        let to = |field: &str, value: Value| {
            json!({"type": "a", "payload": 1, "destination": {"url": "http://127.0.0.1:9/", "secret": "s", field: value}})
        };
        let many = "{body}".repeat(680);
        let keys: Vec<_> = (0..1_001).map(|n| n.to_string()).collect();
        let urls = "{url}".repeat(800);
        let long_url = format!("http://127.0.0.1:9/{}", "u".repeat(2_000));
        let mut with_long_url = endpoint("scheme", signing(&urls));
        with_long_url["url"] = json!(long_url);
        with_long_url["secret"] = json!("s");
        for (path, body, pointer) in [
            ("/v1/endpoints", endpoint("scheme", signing(&many)), "/scheme/message"),
            ("/v1/endpoints", endpoint("scheme", signing(&"{json:/a}".repeat(17))), "/scheme/message"),
            ("/v1/endpoints", with_long_url, "/scheme/message"),
            ("/v1/endpoints", endpoint("retry", json!({"delays_ms": [50, 0]})), "/retry/delays_ms/1"),
            ("/v1/events", to("scheme", signing(&many)), "/destination/scheme/message"),
            ("/v1/events", to("retry", json!({"max_attempts": 21})), "/destination/retry/max_attempts"),
            ("/v1/events", to("retry", json!({"delays_ms": [49]})), "/destination/retry/delays_ms/0"),
            ("/v1/events", json!({"type": "a", "payload": 1, "endpoint_keys": keys}), "/endpoint_keys"),
        ] {
            let problem = server.api.post(path, &body).await.expect(422);
            let pointers: Vec<_> = problem["errors"].as_array().into_iter().flatten().map(|error| &error["pointer"]).collect();
            assert!(pointers.contains(&&json!(pointer)), "{pointer} in {problem}");
        }
    }

    async fn emit_refuses_more_options_than_it_may_have(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let many: Vec<_> = (0..1_001).map(|n| n.to_string()).collect();
        let large: Vec<_> = (0..1_000).map(|n| format!("{n}{}", "é".repeat(200))).collect();
        let fits: Vec<_> = (0..1_000).map(|n| format!("{n:0200}")).collect();
        for (keys, is_taken) in [(&many, false), (&large, false), (&fits, true)] {
            let text = json!(keys).to_string();
            let said = match store {
                Store::Postgres => {
                    let options = json!({"endpoint_keys": keys}).to_string();
                    let emit = sqlx::query("select ringback.emit('call.ended', '1', $1::jsonb)").bind(options);
                    let emitted = emit.execute(&mut database.postgres().await).await.map(drop);
                    if let Err(error) = &emitted {
                        let code = error.as_database_error().and_then(|error| error.code()).expect("a code").into_owned();
                        assert_eq!(code, "22023", "{error}");
                    }
                    emitted
                }
                Store::Sqlite => {
                    let id = EventId::new(Timestamp::now()).uuid().as_bytes().to_vec();
                    let emit = sqlx::query(
                        "insert into ringback_emit (id, tenant, type, occurred_at, endpoint_keys, payload)
                         values (?1, 'default', 'call.ended', 0, ?2, x'31')",
                    );
                    emit.bind(id).bind(text).execute(&mut database.sqlite().await).await.map(drop)
                }
            };
            assert_eq!(said.is_ok(), is_taken, "{said:?}");
            let event = NewEvent::new("call.ended", "1").endpoint_keys(keys.clone());
            let said = match store {
                Store::Postgres => ringback_postgres::emit(&mut database.postgres().await, &event).await.is_ok(),
                Store::Sqlite => ringback_sqlite::emit(&mut database.sqlite().await, &event).await.is_ok(),
            };
            assert_eq!(said, is_taken);
        }
        if store == Store::Sqlite {
            let url = |bytes: usize| json!({"url": format!("https://example.com/{}", "u".repeat(bytes))}).to_string();
            let frame = url(0).len();
            for (destination, is_taken) in [
                (url(262_144 - frame), true),
                (url(262_145 - frame), false),
                ("[]".to_owned(), false),
                ("no JSON".to_owned(), false),
            ] {
                let id = EventId::new(Timestamp::now()).uuid().as_bytes().to_vec();
                let emit = sqlx::query(
                    "insert into ringback_emit (id, tenant, type, occurred_at, destination, payload)
                     values (?1, 'default', 'call.ended', 0, ?2, x'31')",
                );
                let said = emit.bind(id).bind(destination).execute(&mut database.sqlite().await).await;
                assert_eq!(said.is_ok(), is_taken, "{said:?}");
            }
        }
        server.api.balanced_ledger().await;
    }

    async fn what_is_stored_already_and_cannot_be_routed_is_set_aside_alone(store: Store) {
        let database = Database::fresh(store).await;
        let receiver = Receiver::healthy().await;
        let server = Serve::on(&database).start().await;
        server.api.endpoint(json!({"url": receiver.url(), "event_types": ["call.*"]})).await;
        server.terminate().await;

        let keys: Vec<_> = (0..100_000).map(|n| format!("key-{n}")).collect();
        let keys = json!(keys).to_string();
        let mut old = Vec::new();
        for _ in 0..40 {
            old.push((write_past_emit(&database, Some(&keys), None).await, "100000 entries"));
        }
        old.push((write_past_emit(&database, Some(r#"{"a":1}"#), None).await, "no array of strings"));
        old.push((write_past_emit(&database, None, Some("not json")).await, "destination"));
        old.push((write_past_emit(&database, None, Some(&"x".repeat(3_000_000))).await, "3000000 bytes"));
        let good = database.emit(&NewEvent::new("call.ended", "1")).await;

        let server = Serve::on(&database).start().await;
        let before = peak_of(&server);
        assert_eq!(receiver.wait_for(1).await[0].id(), good);
        for (event, why) in &old {
            let delivery = server.api.delivery_of(event).await;
            let delivery = server.api.get(&format!("/v1/deliveries/{delivery}")).await.expect(200);
            assert_eq!((&delivery["status"], &delivery["dead_reason"]), (&json!("dead"), &json!("unroutable")), "{why}");
        }
        let dead = server.api.get("/v1/dead-letters?limit=1000").await.expect(200);
        for (event, why) in &old {
            let letter = dead["items"].as_array().into_iter().flatten().find(|letter| letter["event_id"] == **event);
            let said = letter.and_then(|letter| letter["last_error"].as_str()).unwrap_or_default();
            assert!(said.contains(why), "{said:?} for {why}");
        }
        server.api.get("/v1/events?limit=1000").await.expect(200);
        let grown = peak_of(&server).saturating_sub(before);
        assert!(grown < 100 << 20, "{grown} bytes for what cannot be routed");
        server.api.balanced_ledger().await;
        let logged = server.log();
        assert_eq!(logged.matches("an event cannot be routed and is dead").count(), 42, "each is logged once");
        assert!(!logged.contains("key-99999"));
    }

    async fn what_the_database_refuses_of_one_event_keeps_no_other_from_being_routed(store: Store) {
        let database = Database::fresh(store).await;
        let receiver = Receiver::healthy().await;
        let server = Serve::on(&database).start().await;
        server.api.endpoint_at(&receiver.url()).await;
        server.terminate().await;
        let mut events = Vec::new();
        for _ in 0..9 {
            events.push(database.emit(&NewEvent::new("call.ended", "1")).await);
        }
        let bad = events.remove(4);
        // Its deliveries cannot be written, as if they held what the database takes for no value.
        refuse_deliveries_of(&database, &bad).await;

        let server = Serve::on(&database).start().await;
        let mut arrived: Vec<_> = receiver.wait_for(8).await.iter().map(|request| request.id().to_owned()).collect();
        arrived.sort();
        events.sort();
        assert_eq!(arrived, events);
        let delivery = server.api.delivery_of(&bad).await;
        let delivery = server.api.delivery_with_status(&delivery, "dead").await;
        assert_eq!(delivery["dead_reason"], "unroutable", "{delivery}");
        assert!(delivery["last_error"].as_str().is_some_and(|cause| cause.contains("refused")), "{delivery}");
        assert_eq!(server.log().matches("routing an event was refused; it is dead").count(), 1);
        server.api.settled().await;
        assert_eq!(receiver.count(), 8);
    }

    async fn a_scheme_stored_before_there_were_bounds_is_unroutable_and_keeps_nobody(store: Store) {
        let database = Database::fresh(store).await;
        let (receiver, other) = (Receiver::healthy().await, Receiver::healthy().await);
        let server = Serve::on(&database).start().await;
        let scheme = signing("{body}");
        let old = json!({"tenant": "old", "url": receiver.url(), "event_types": ["*"], "secret": "s", "scheme": scheme});
        server.api.endpoint(old).await;
        server.api.endpoint_at(&other.url()).await;
        server.terminate().await;
        let change = |table: &str| {
            let (from, to) = (r#""message":"{body}""#, format!(r#""message":"{}""#, "{body}".repeat(680)));
            format!("update {table} set spec = replace(spec, '{from}', '{to}') where tenant = 'old'")
        };
        run(&database, &change("ringback.endpoint"), &change("ringback_endpoint")).await;

        let server = Serve::on(&database).start().await;
        let large = format!("\"{}\"", "x".repeat(1_000_000));
        let event = server.api.emit("call.ended", large.as_bytes(), json!({"tenant": "old"})).await;
        let small = server.api.emit("call.ended", b"1", json!({})).await;
        assert_eq!(other.wait_for(1).await[0].id(), small);
        let delivery = server.api.delivery_of(&event).await;
        server.api.delivery_with_status(&delivery, "dead").await;
        let dead = server.api.get("/v1/dead-letters").await.expect(200);
        let why = dead["items"][0]["last_error"].as_str().expect("a cause");
        assert!(why.contains("{body} 680 times"), "{why}");
        assert_eq!((&dead["items"][0]["reason"], receiver.count()), (&json!("unroutable"), 0));
    }

    async fn what_a_scheme_takes_out_of_a_payload_is_bounded_when_it_is_sent(store: Store) {
        let database = Database::fresh(store).await;
        let receiver = Receiver::healthy().await;
        let server = Serve::on(&database).start().await;
        let scheme = signing("{body}{json:/a}");
        server.api.endpoint(json!({"url": receiver.url(), "event_types": ["*"], "secret": "s", "scheme": scheme})).await;
        let payload = |bytes: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes));
        server.api.emit("fits", payload(64 * 1024).as_bytes(), json!({})).await;
        receiver.wait_for(1).await;
        let event = server.api.emit("beyond", payload(64 * 1024 + 1).as_bytes(), json!({})).await;
        let delivery = server.api.delivery_of(&event).await;
        server.api.delivery_with_status(&delivery, "dead").await;
        assert_eq!(receiver.count(), 1);
    }

    async fn an_inline_destination_is_asked_twenty_times_at_most_with_a_pause_between(store: Store) {
        let database = Database::fresh(store).await;
        let receiver = Receiver::answering(500).await;
        let server = Serve::on(&database).start().await;
        let retry = json!({"max_attempts": 100, "delays_ms": [50], "jitter": 1.0});
        server.api.endpoint(json!({"key": "k", "url": "http://127.0.0.1:9/", "event_types": [], "retry": retry})).await;
        let to = json!({"destination": {"url": receiver.url(), "endpoint_key": "k"}});
        let event = server.api.emit("call.ended", b"1", to).await;
        let delivery = server.api.delivery_of(&event).await;
        server.api.delivery_with_status(&delivery, "dead").await;
        let arrived = receiver.arrived();
        assert_eq!(arrived.len(), 20);
        for pair in arrived.windows(2) {
            let pause = pair[1].at - pair[0].at;
            assert!(pause >= Duration::from_millis(49), "{pause:?}");
        }
    }

    async fn the_largest_of_one_tenant_keeps_no_other_waiting(store: Store) {
        let database = Database::fresh(store).await;
        let (large, small) = (Receiver::healthy().await, Receiver::healthy().await);
        let server = Serve::on(&database).variable("TOKIO_WORKER_THREADS", "1").start().await;
        let scheme = signing(&format!("{{body}}{}", "{json:/a}".repeat(16)));
        let greedy = json!({"tenant": "greedy", "url": large.url(), "event_types": ["*"], "secret": "s", "scheme": scheme});
        let mut endpoints = Vec::new();
        for _ in 0..4 {
            let endpoint = id_of(&server.api.endpoint(greedy.clone()).await);
            server.api.post(&format!("/v1/endpoints/{endpoint}/pause"), &json!({})).await.expect(200);
            endpoints.push(endpoint);
        }
        server.api.endpoint_at(&small.url()).await;
        small_event_is_sent(&server, &small).await;

        let payload = format!(r#"{{"pad":"{}","a":"x"}}"#, "x".repeat(1_000_000));
        let tenant = json!({"tenant": "greedy"});
        let item = String::from_utf8(emit_request("call.ended", payload.as_bytes(), &tenant).to_vec()).expect("text");
        let batch = format!(r#"{{"events":[{}]}}"#, vec![item; 12].join(","));
        for _ in 0..4 {
            let answer = server.api.ask(Method::POST, "/v1/events/batch", Some(batch.clone().into())).await;
            let answer = answer.expect("an answer").expect(202);
            assert_eq!(answer["items"].as_array().map(Vec::len), Some(12));
        }
        // 192 requests, each of them 33 walks through a megabyte.
        for endpoint in endpoints {
            server.api.post(&format!("/v1/endpoints/{endpoint}/resume"), &json!({})).await.expect(200);
        }
        large.wait_for(1).await;
        small_event_is_sent(&server, &small).await;
        let went_before = large.count();
        assert!(went_before < 192 / 4, "{went_before} of 192 large ones went before a small one");
        large.wait_for(192).await;
    }
}

/// A file that something else has written to. PostgreSQL lets nothing into a column that it could not give back.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_read_keeps_back_its_own_deliveries_alone() {
    let database = Database::fresh(Store::Sqlite).await;
    let receiver = Receiver::healthy().await;
    let server = Serve::on(&database).start().await;
    let endpoint = format!("/v1/endpoints/{}", server.api.endpoint_at(&receiver.url()).await);
    server.api.post(&format!("{endpoint}/pause"), &json!({})).await.expect(200);
    let mut events = Vec::new();
    for _ in 0..5 {
        let event = server.api.emit("call.ended", b"1", json!({})).await;
        server.api.delivery_of(&event).await;
        events.push(event);
    }
    server.terminate().await;
    let bad = events.remove(2);
    // SQLite watches over the types of this table, too, until it is told not to.
    let mut connection = database.sqlite().await;
    for statement in [
        "pragma writable_schema = on",
        "update sqlite_schema set sql = replace(sql, ') STRICT', ')') where name = 'ringback_event'",
        "pragma writable_schema = reset",
    ] {
        sqlx::query(statement).execute(&mut connection).await.expect("it runs");
    }
    drop(connection);
    database.tamper("event", &format!("set test = 'no number' where id = {}", database.id_literal(&bad))).await;

    let server = Serve::on(&database).start().await;
    server.api.post(&format!("{endpoint}/resume"), &json!({})).await.expect(200);
    let mut arrived: Vec<_> = receiver.wait_for(4).await.iter().map(|request| request.id().to_owned()).collect();
    arrived.sort();
    assert_eq!(arrived, events);
    assert!(server.log().contains("an event cannot be read; its deliveries wait"), "{}", server.log());

    // Once it can be read, it is sent.
    database.tamper("event", &format!("set test = 0 where id = {}", database.id_literal(&bad))).await;
    assert_eq!(receiver.wait_for(5).await[4].id(), bad);
}

async fn small_event_is_sent(server: &Server, receiver: &Receiver) {
    let before = receiver.count();
    let event = server.api.emit("call.ended", b"1", json!({})).await;
    assert_eq!(receiver.wait_for(before + 1).await[before].id(), event);
}
