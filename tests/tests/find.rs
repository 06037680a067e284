//! What a key or an id stands for: the same answer by HTTP and on the command line, and of one's own tenant alone.

use ringback_tests::{
    command::ringback, database::Database, on_both_stores, receiver::Receiver, server::Serve, stores::Store,
};
use serde_json::{Value, json};

fn ids(found: &Value) -> Vec<&str> {
    let items = found["items"].as_array().expect("a list");
    items.iter().map(|item| item["id"].as_str().expect("an id")).collect()
}

on_both_stores! {
    async fn an_idempotency_key_finds_its_events_as_a_key_does(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        server.api.endpoint_at(&receiver.url()).await;
        let emit = async |event_type: &str, fields: Value| server.api.emit(event_type, b"{}", fields).await;
        let one = emit("call.ended", json!({"idempotency_key": "request-1", "key": "call-1"})).await;
        let two = emit("call.started", json!({"idempotency_key": "request-1"})).await;
        let keyed = emit("call.ended", json!({"key": "request-1"})).await;
        let both = emit("call.ended", json!({"key": "call-2", "idempotency_key": "call-2"})).await;
        let foreign = emit("call.ended", json!({"idempotency_key": "request-1", "tenant": "acme"})).await;

        let acme = ringback(&database, &["token", "create", "--scope", "read", "--tenant", "acme"]).await.done();
        let acme = server.api.with_token(acme.trim());
        let by_http = async |query: &str| server.api.get(&format!("/v1/find?q={query}")).await.expect(200);
        assert_eq!(ids(&by_http("request-1").await), [&*keyed, &*foreign, &*two, &*one], "by its key, then by idempotency key");
        assert_eq!(ids(&by_http("request-1&tenant=default").await), [&*keyed, &*two, &*one]);
        assert_eq!(ids(&by_http("call-2").await), [&*both], "once");
        let found = acme.get("/v1/find?q=request-1").await.expect(200);
        assert_eq!(ids(&found), [&*foreign]);
        assert!(!found.to_string().contains("default"), "{found}");
        for sought in ["call-1", "call-2", &one, "call-"] {
            let found = acme.get(&format!("/v1/find?q={sought}")).await.expect(200);
            assert_eq!(found, json!({"items": [], "nearest": []}), "{sought}");
        }
        // One place says what a query may be.
        let long = "x".repeat(257);
        for wrong in ["", "a%0Ab", &long] {
            server.api.get(&format!("/v1/find?q={wrong}")).await.expect_problem(400, "malformed");
        }
        for wrong in ["", "a\nb", &long] {
            assert_eq!(ringback(&database, &["find", wrong]).await.code, 2, "{wrong:?}");
        }

        // The command prints the API's own answer, and shows what stands in it.
        let printed = ringback(&database, &["find", "request-1", "--json"]).await.json();
        assert_eq!(printed, by_http("request-1").await);
        let told = ringback(&database, &["find", "request-1"]).await.done();
        assert!([&one, &two, &keyed, &foreign].iter().all(|id| told.contains(&**id)), "{told}");
        let told = ringback(&database, &["find", "request-1", "--tenant", "acme"]).await.done();
        assert!(told.contains(&foreign) && !told.contains(&one), "{told}");
        let begun = ringback(&database, &["find", "call-", "--tenant", "default"]).await;
        assert!(begun.err.contains("begin with"), "{}", begun.err);
        let begun = begun.done();
        assert!(begun.contains(&one) && begun.contains(&both) && !begun.contains(&keyed), "{begun}");
        let nothing = ringback(&database, &["find", "request-2"]).await;
        assert!(nothing.code == 3 && nothing.err.contains("keys beside it: "), "{}", nothing.err);
    }
}
