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
use serde_json::json;

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
        assert_eq!(receiver.wait_for(2).await.len(), 2);
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
        assert_eq!(receiver.wait_for(1).await.len(), 1);
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
        assert_eq!(receiver.wait_for(2).await.len(), 2);
        assert_eq!(server.api.balanced_ledger().await["events"]["accepted"], 2);
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
    assert_eq!(receiver.wait_for(1).await.len(), 1);
    assert_eq!(server.api.balanced_ledger().await["events"]["duplicate"], 1);
}
