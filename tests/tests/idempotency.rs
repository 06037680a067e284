//! A platform's own worker may emit twice: the same idempotency key is one event.

use reqwest::Method;
use ringback_tests::{
    api::{emit_request, id_of},
    database::Database,
    on_both_stores,
    receiver::Receiver,
    server::Serve,
    stores::Store,
    until::until,
};
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _};

on_both_stores! {
    async fn the_second_of_two_equal_emits_is_answered_with_the_first_and_not_sent(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        server.api.endpoint_at(&receiver.url()).await;
        let fields = json!({"idempotency_key": "call-1", "key": "call-1"});
        let first = server.api.emit("call.ended", br#"{"a":1}"#, fields.clone()).await;

        let again = emit_request("call.ended", br#"{"a":1}"#, &fields);
        let again = server.api.ask(Method::POST, "/v1/events", Some(again)).await.expect("answered").expect(200);
        assert_eq!((&again["id"], &again["duplicate"]), (&json!(first), &json!(true)));

        let other = emit_request("call.ended", br#"{"a":2}"#, &fields);
        let other = server.api.ask(Method::POST, "/v1/events", Some(other)).await.expect("answered");
        other.expect_problem(422, "idempotency_conflict");

        let elsewhere = server.api.emit("call.analyzed", br#"{"a":1}"#, fields).await;
        assert_ne!(elsewhere, first, "the key counts within one type");
        assert_eq!(receiver.arrived_when_settled(&server.api).await.len(), 2);
        assert_eq!(server.api.balanced_ledger().await["events"]["accepted"], 2);
    }

    async fn two_equal_emits_at_the_same_time_are_one_event(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        server.api.endpoint_at(&receiver.url()).await;
        let request = emit_request("call.ended", b"{}", &json!({"idempotency_key": "call-1"}));
        let asked = (0..16).map(|_| {
            let (api, request) = (server.api.clone(), request.clone());
            tokio::spawn(async move { api.ask(Method::POST, "/v1/events", Some(request)).await.expect("answered") })
        });
        let mut ids = Vec::new();
        let mut accepted = 0;
        for answer in asked.collect::<Vec<_>>() {
            let answer = answer.await.expect("no panic");
            accepted += i32::from(answer.status == 202);
            let status = answer.status.as_u16();
            ids.push(id_of(&answer.expect(status)));
        }
        assert_eq!(accepted, 1, "one of them made it");
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(receiver.arrived_when_settled(&server.api).await.len(), 1);
    }

    async fn a_batch_is_accepted_whole_or_not_at_all(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        server.api.endpoint_at(&receiver.url()).await;
        let event = |number: i32| json!({"type": "t", "payload": number, "idempotency_key": format!("k{number}")});
        let batch = json!({"events": [event(1), event(2), event(1)]});
        let answer = server.api.post("/v1/events/batch", &batch).await.expect(202);
        let duplicates: Vec<_> = answer["items"].as_array().expect("items").iter().map(|it| &it["duplicate"]).collect();
        assert_eq!(duplicates, [false, false, true], "{answer}");

        let broken = json!({"events": [event(3), {"type": "no spaces", "payload": 4}]});
        let problem = server.api.post("/v1/events/batch", &broken).await.expect(422);
        assert_eq!(problem["errors"][0]["pointer"], "/events/1/type", "{problem}");
        assert_eq!(receiver.arrived_when_settled(&server.api).await.len(), 2);
        assert_eq!(server.api.balanced_ledger().await["events"]["accepted"], 2);
    }

    async fn endpoints_replays_and_tests_are_made_once_under_a_key(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        let under = async |path: &str, key: &str, body: &Value| {
            let headers = [("idempotency-key", key), ("content-type", "application/json")];
            let headers = headers.map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")));
            let body = Some(body.to_string().into());
            server.api.ask_with(Method::POST, path, headers.into_iter().collect(), body).await.expect("answered")
        };
        let endpoint = json!({"url": receiver.url(), "event_types": ["*"], "key": "crm"});
        let made = under("/v1/endpoints", "k", &endpoint).await.expect(201);
        let again = under("/v1/endpoints", "k", &endpoint).await.expect(201);
        assert_eq!((&again["id"], &again["created_at"]), (&made["id"], &made["created_at"]));
        assert!(made["secret"].is_string() && again["secret"].is_null(), "a secret is told once");
        let other = json!({"url": receiver.url(), "event_types": []});
        under("/v1/endpoints", "k", &other).await.expect_problem(422, "idempotency_conflict");
        under("/v1/endpoints", "another", &endpoint).await.expect_problem(409, "key_taken");
        let elsewhere = json!({"url": receiver.url(), "event_types": ["*"], "tenant": "acme"});
        assert_ne!(id_of(&under("/v1/endpoints", "k", &elsewhere).await.expect(201)), id_of(&made), "another tenant's");

        let test = format!("/v1/endpoints/{}/test", id_of(&made));
        let sent = under(&test, "k", &json!({"type": "hello"})).await.expect(202);
        assert_eq!(under(&test, "k", &json!({"type": "hello"})).await.expect(202), sent);
        under(&test, "k", &json!({"type": "other"})).await.expect_problem(422, "idempotency_conflict");
        let delivery = sent["delivery_id"].as_str().expect("an id");
        server.api.delivery_with_status(delivery, "delivered").await;
        assert_eq!(server.api.balanced_ledger().await["events"]["accepted"], 1);

        let replay = json!({"filter": {"status": "delivered"}, "rate_per_second": 0.001});
        let begun = under("/v1/replays", "k", &replay).await.expect(202);
        assert_eq!(id_of(&under("/v1/replays", "k", &replay).await.expect(202)), id_of(&begun));
        under("/v1/replays", "k", &json!({"filter": {"status": "dead"}}))
            .await
            .expect_problem(422, "idempotency_conflict");
        assert_eq!(server.api.get("/v1/replays").await.expect(200)["items"].as_array().map(Vec::len), Some(1));
    }

    async fn equal_requests_at_the_same_time_make_one_endpoint(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let body = json!({"url": "https://example.com/hook", "event_types": ["*"]});
        let asked = (0..16).map(|_| {
            let (api, body) = (server.api.clone(), body.to_string());
            tokio::spawn(async move {
                let headers = [("idempotency-key", "k"), ("content-type", "application/json")];
                let headers =
                    headers.map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")));
                let headers = headers.into_iter().collect();
                let answer = api.ask_with(Method::POST, "/v1/endpoints", headers, Some(body.into())).await;
                answer.expect("answered").expect(201)
            })
        });
        let mut answers = Vec::new();
        for answer in asked.collect::<Vec<_>>() {
            answers.push(answer.await.expect("no panic"));
        }
        assert!(answers.iter().all(|answer| answer["id"] == answers[0]["id"]), "{answers:?}");
        let told = answers.iter().filter(|answer| answer["secret"].is_string()).count();
        assert_eq!(told, 1, "the secret is in the answer that made it");
        assert_eq!(server.api.get("/v1/endpoints").await.expect(200)["items"].as_array().map(Vec::len), Some(1));
    }

    async fn a_key_is_refused_where_nothing_would_come_of_it(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let endpoint = json!({"url": "https://example.com/hook", "event_types": ["*"]});
        let endpoint = format!("/v1/endpoints/{}", id_of(&server.api.endpoint(endpoint).await));
        let under = async |method: Method, path: &str| {
            let headers = [("idempotency-key", "k"), ("content-type", "application/json")];
            let headers = headers.map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")));
            let headers = headers.into_iter().collect();
            server.api.ask_with(method, path, headers, Some("{}".into())).await.expect("answered")
        };
        for (method, path) in [
            (Method::POST, format!("{endpoint}/rotate-secret")),
            (Method::POST, format!("{endpoint}/pause")),
            (Method::PATCH, endpoint.clone()),
            (Method::POST, "/v1/events/batch".to_owned()),
            (Method::POST, "/v1/replays/rpl_00000000000000000000000000000001/cancel".to_owned()),
        ] {
            let refused = under(method, &path).await.expect_problem(400, "malformed");
            assert_eq!(refused["errors"][0]["parameter"], "idempotency-key", "{path}");
        }
        let now = server.api.get(&endpoint).await.expect(200);
        assert_eq!((&now["paused"], &now["rotation"]), (&json!(false), &Value::Null), "nothing has happened");
        // What may be repeated without harm is done: a key is honoured by itself there.
        assert_eq!(under(Method::GET, &endpoint).await.status, 200);
        assert_eq!(under(Method::DELETE, &endpoint).await.status, 204);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_later_of_two_equal_sql_emits_is_folded_and_says_into_which() {
    let database = Database::fresh(Store::Postgres).await;
    let server = Serve::on(&database).start().await;
    let receiver = Receiver::healthy().await;
    server.api.endpoint_at(&receiver.url()).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let emit = r#"select ringback.emit('call.ended', '{}', '{"idempotency_key":"call-1"}')"#;
        let id: String = sqlx::query_scalar(emit).fetch_one(&mut database.postgres().await).await.expect("emitted");
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1], "an SQL emit always returns an id of its own");
    let second = until("the second is decided", async || {
        let event = server.api.get(&format!("/v1/events/{}", ids[1])).await.expect(200);
        (event["state"] != "unrouted").then_some(event)
    })
    .await;
    assert_eq!((&second["state"], &second["duplicate_of"]), (&json!("duplicate"), &json!(ids[0])), "{second}");
    assert_eq!(receiver.arrived_when_settled(&server.api).await.len(), 1);
    assert_eq!(server.api.balanced_ledger().await["events"]["duplicate"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_locked_elsewhere_keeps_nobody_waiting_who_has_none() {
    let database = Database::fresh(Store::Postgres).await;
    let server = Serve::on(&database).start().await;
    let mut connection = database.postgres().await;
    let mut transaction = connection.begin().await.expect("it begins");
    let reserve = "INSERT INTO ringback.idempotency (tenant, type, key, event_id, created_at)
                   VALUES ('default', 'call.ended', 'locked', gen_random_uuid(), 0)";
    transaction.execute(reserve).await.expect("its user may");

    let fields = json!({"idempotency_key": "locked"});
    let locked = emit_request("call.ended", b"{}", &fields);
    let keyed = async { server.api.ask(Method::POST, "/v1/events", Some(locked)).await.expect("answered").status };
    let plain = async {
        until("the other one waits", async || {
            let waiting =
                "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
            let found = database.postgres().await.execute(waiting).await.expect("its user may").rows_affected();
            (found > 0).then_some(())
        })
        .await;
        for number in 0..20 {
            server.api.emit("call.ended", b"{}", json!({"tenant": format!("other-{number}")})).await;
        }
    };
    tokio::pin!(keyed, plain);
    tokio::select! {
        status = &mut keyed => panic!("{status} before those without keys were answered"),
        () = &mut plain => {}
    }
    // Whoever holds the lock makes one caller wait for seconds at most.
    assert_eq!(keyed.await, 503);
}

/// Commits of requests with keys that run at once: so many that wait make those that come after them go together.
const KEYED_COMMITS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_locked_elsewhere_fails_nobody_who_was_committed_together_with_it() {
    let database = Database::fresh(Store::Postgres).await;
    let server = Serve::on(&database).start().await;
    let mut connection = database.postgres().await;
    let mut transaction = connection.begin().await.expect("it begins");
    let reserve = "INSERT INTO ringback.idempotency (tenant, type, key, event_id, created_at)
                   SELECT 'default', 'call.ended', 'locked-' || number, gen_random_uuid(), 0
                   FROM generate_series(0, 4) AS number";
    transaction.execute(reserve).await.expect("its user may");
    let emit = |key: String| {
        let (api, request) = (server.api.clone(), emit_request("call.ended", b"{}", &json!({"idempotency_key": key})));
        tokio::spawn(async move { api.ask(Method::POST, "/v1/events", Some(request)).await.expect("answered").status })
    };
    let mut locked = Vec::new();
    for number in 0..KEYED_COMMITS {
        locked.push(emit(format!("locked-{number}")));
        until("it waits", async || {
            let waiting =
                "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
            let found = database.postgres().await.execute(waiting).await.expect("its user may").rows_affected();
            (found > number as u64).then_some(())
        })
        .await;
    }
    // From here on requests wait for a place, and go into one commit when there is one.
    locked.push(emit(format!("locked-{KEYED_COMMITS}")));
    let innocent: Vec<_> = (0..20).map(|number| emit(format!("innocent-{number}"))).collect();
    for request in innocent {
        assert_eq!(request.await.expect("asked"), 202, "nobody holds its key");
    }
    for request in locked {
        assert_eq!(request.await.expect("asked"), 503);
    }
    transaction.rollback().await.expect("it ends");
    for number in 0..=KEYED_COMMITS {
        assert_eq!(emit(format!("locked-{number}")).await.expect("asked"), 202, "its key is free");
    }
    assert_eq!(server.api.balanced_ledger().await["events"]["accepted"], 25);
}
