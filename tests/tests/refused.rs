//! What the database refuses of one event or outcome is that one's trouble alone: the others of its statement go on.

use std::sync::Arc;

use ringback::{Settings, event::NewEvent, seal::MasterKeys};
use ringback_tests::{
    api::{count, id_of},
    database::Database,
    embedded::Embedded,
    on_both_stores,
    receiver::{Gate, Receiver, Reply},
    stores::Store,
    until::until,
};
use serde_json::{Value, json};

/// As many as come together.
const EVENTS: usize = 24;

/// Receivers that answer at one moment, and the one among them whose outcome is refused.
const LANES: usize = 24;
const BAD: usize = 13;

/// Makes the database refuse rows of a table, as a constraint that nobody thought of would.
async fn refuse(database: &Database, table: &str, column: &str, value: &str) {
    match database.store() {
        Store::Postgres => {
            let check = format!("alter table ringback.{table} add constraint no check ({column} <> {value}) not valid");
            sqlx::query(sqlx::AssertSqlSafe(check)).execute(&mut database.postgres().await).await.expect("added");
        }
        Store::Sqlite => {
            let trigger = format!(
                "create trigger no before insert on ringback_{table} when NEW.{column} = {value}
                 begin select raise(abort, 'no'); end"
            );
            sqlx::query(sqlx::AssertSqlSafe(trigger)).execute(&mut database.sqlite().await).await.expect("added");
        }
    }
}

/// Settings that any number of engines on one database can have.
fn settings() -> impl Fn(&mut Settings) {
    let keys = MasterKeys::generate_text();
    move |settings| {
        settings.keys = Arc::new(MasterKeys::parse(&keys, &[]).expect("a generated key"));
        settings.egress.allow_http = true;
        settings.egress.allow = vec!["127.0.0.0/8".parse().expect("a network")];
    }
}

async fn deliveries(host: &Embedded) -> Value {
    host.api.get("/v1/ledger").await.expect(200)["deliveries"].clone()
}

on_both_stores! {
    async fn a_request_that_is_refused_for_good_is_told_so_and_the_others_of_its_commit_are_accepted(store: Store) {
        let database = Database::fresh(store).await;
        let host = Embedded::start(&database, settings()).await;
        refuse(&database, "event", "key", "'call-7'").await;
        // They come at one moment, so that some of them are committed together.
        let emit = |place: usize| {
            let (api, key) = (host.api.clone(), format!("call-{place}"));
            tokio::spawn(async move {
                let event = json!({"type": "call.ended", "payload": 1, "key": key});
                api.post("/v1/events", &event).await
            })
        };
        let requests: Vec<_> = (0..EVENTS).map(emit).collect();
        for (place, request) in requests.into_iter().enumerate() {
            let answer = request.await.expect("asked");
            match place {
                // It would be refused again, and 503 would have its caller try for ever.
                7 => drop(answer.expect_problem(500, "internal")),
                _ => drop(answer.expect(202)),
            }
        }
        assert_eq!(host.api.balanced_ledger().await["events"]["accepted"], EVENTS as i64 - 1);
    }

    async fn an_event_whose_routing_is_refused_is_dead_and_the_others_are_sent(store: Store) {
        let database = Database::fresh(store).await;
        let (settings, receiver) = (settings(), Receiver::healthy().await);
        let host = Embedded::start(&database, &settings).await;
        let endpoint = json!({"url": receiver.url(), "event_types": ["*"], "ordered": true});
        host.api.post("/v1/endpoints", &endpoint).await.expect(201);
        drop(host);
        refuse(&database, "delivery", "ordering_key", "'call-7'").await;
        let mut bad = String::new();
        for place in 0..EVENTS {
            let event = NewEvent::new("call.ended", "{}").ordering_key(format!("call-{place}"));
            let id = database.emit(&event).await;
            if place == 7 {
                bad = id;
            }
        }
        // They wait together for the one that routes.
        let host = Embedded::start(&database, &settings).await;
        let bad = until("it is routed", async || {
            let event = host.api.get(&format!("/v1/deliveries?event_id={bad}")).await.expect(200);
            event["items"].get(0).map(id_of)
        })
        .await;
        let dead = host.api.delivery_with_status(&bad, "dead").await;
        assert_eq!(dead["dead_reason"], "unroutable", "{dead}");
        until("the others are delivered", async || {
            (count(&deliveries(&host).await["delivered"]) == EVENTS as i64 - 1).then_some(())
        })
        .await;
        host.api.balanced_ledger().await;
    }

    async fn an_outcome_that_is_refused_keeps_no_other_from_being_recorded(store: Store) {
        let database = Database::fresh(store).await;
        let receiver = Receiver::healthy().await;
        let gate = Gate::closed();
        let closed = gate.clone();
        receiver.answer(move |_| Reply::status(204).behind(&closed));
        let host = Embedded::start(&database, settings()).await;
        let mut endpoints = Vec::new();
        for place in 0..LANES {
            endpoints.push(host.api.endpoint_at(&format!("{}/{place}", receiver.url())).await);
        }
        host.api.emit("call.ended", b"{}", json!({})).await;
        receiver.wait_for(LANES).await;
        // All are being sent. That this one is delivered cannot be recorded.
        refuse(&database, "finished", "endpoint_id", &database.id_literal(&endpoints[BAD])).await;
        gate.open();
        until("the others are delivered", async || {
            (count(&deliveries(&host).await["delivered"]) == LANES as i64 - 1).then_some(())
        })
        .await;
        assert_eq!(deliveries(&host).await["pending"], 1);
        // And none was sent again because it was recorded beside the bad one.
        for place in (0..LANES).filter(|place| *place != BAD) {
            let path = format!("/{place}");
            assert_eq!(receiver.arrived().iter().filter(|request| request.path.ends_with(&path)).count(), 1, "{path}");
        }
        host.api.balanced_ledger().await;
    }
}
