//! One minute of a bad night: what operators are told while receivers and the database fail, and when it is over.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use reqwest::Method;
use ringback_tests::{
    api::{Api, emit_request},
    cluster::{Cluster, Stop},
    database::Database,
    on_both_stores,
    receiver::{Receiver, Reply},
    server::Serve,
    stores::Store,
    until::until_within,
};
use serde_json::{Value, json};
use sqlx::Connection as _;

/// From the first failure to the last.
const FAILS: Duration = Duration::from_secs(40);

/// The whole of it.
const NIGHT: Duration = Duration::from_secs(60);

/// When the database goes away, and for how long.
const AWAY: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(8));

/// Between two calls that end.
const CALLS: Duration = Duration::from_millis(200);

/// After the night, how long an operator may wait for the last word.
const LAST_WORD: Duration = Duration::from_secs(60);

async fn endpoint(api: &Api, key: &str, url: &str, timeout_ms: u64) -> Value {
    let fields = json!({"url": url, "event_types": ["*"], "key": key, "timeout_ms": timeout_ms,
                        "retry": {"max_attempts": 3, "delays_ms": [500, 1_000], "jitter": 0}});
    api.endpoint(fields).await
}

/// What came: when, which type, of which endpoint, with which count.
struct Alert {
    at: Duration,
    name: String,
    key: String,
    count: u64,
    said: Value,
}

/// Takes the database away for a while.
async fn outage(database: &Database, cluster: Option<&mut Cluster>, length: Duration) {
    match cluster {
        Some(cluster) => {
            cluster.stop(Stop::Immediate);
            tokio::time::sleep(length).await;
            cluster.go_on().await;
        }
        None => {
            let mut lock = database.sqlite().await;
            sqlx::query("begin immediate").execute(&mut lock).await.expect("locked");
            tokio::time::sleep(length).await;
            lock.close().await.expect("let go");
        }
    }
}

on_both_stores! {
    async fn a_bad_night_is_told_in_a_few_words_and_its_end_once(store: Store) {
        let mut cluster = if store == Store::Postgres { Some(Cluster::start().await) } else { None };
        let database = match &cluster {
            Some(cluster) => Database::of(cluster),
            None => Database::fresh(store).await,
        };
        let server = Serve::on(&database).set("failing_after", "3s").set("stale_after", "20s").start().await;
        let api = &server.api;
        let operators = Receiver::healthy().await;
        api.endpoint(json!({"url": operators.url(), "tenant": "ringback", "event_types": ["ringback.*"]})).await;
        let (well, down, slow, gone) =
            (Receiver::healthy().await, Receiver::answering(503).await, Receiver::healthy().await, Receiver::answering(410).await);
        slow.answer(|_| Reply::status(204).after(Duration::from_secs(2)));
        for (key, receiver) in [("well", &well), ("down", &down), ("slow", &slow), ("gone", &gone)] {
            endpoint(api, key, &receiver.url(), 1_000).await;
        }

        let begun = Instant::now();
        let calls = async {
            let mut accepted = 0_u64;
            for number in 0_u64.. {
                if begun.elapsed() >= NIGHT {
                    break;
                }
                let request = emit_request("call.ended", number.to_string().as_bytes(), &json!({"idempotency_key": number.to_string()}));
                // While the database is away calls are refused, and come again as a platform's would.
                let answer = api.ask(Method::POST, "/v1/events", Some(request)).await;
                accepted += u64::from(answer.is_ok_and(|answer| answer.status == 202));
                tokio::time::sleep(CALLS).await;
            }
            accepted
        };
        let database_fails = async {
            tokio::time::sleep(AWAY.0).await;
            outage(&database, cluster.as_mut(), AWAY.1).await;
        };
        let receivers_recover = async {
            tokio::time::sleep(FAILS).await;
            down.answer(|_| Reply::status(204));
            slow.answer(|_| Reply::status(204));
        };
        let alerts = async {
            let (mut alerts, mut seen) = (Vec::<Alert>::new(), 0);
            let until = NIGHT + LAST_WORD;
            while begun.elapsed() < until {
                let arrived = operators.arrived();
                for each in &arrived[seen..] {
                    let said: Value = serde_json::from_slice(&each.body).expect("JSON");
                    alerts.push(Alert {
                        at: begun.elapsed(),
                        name: said["type"].as_str().expect("a type").to_owned(),
                        key: said["endpoint"]["key"].as_str().unwrap_or("all").to_owned(),
                        count: said["count"].as_u64().expect("a count"),
                        said,
                    });
                }
                seen = arrived.len();
                let recovered = alerts.iter().filter(|alert| alert.name == "ringback.endpoint.recovered").count();
                if begun.elapsed() > NIGHT + Duration::from_secs(10) && recovered >= 2 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            alerts
        };
        let (accepted, (), (), alerts) = tokio::join!(calls, database_fails, receivers_recover, alerts);

        let lines = alerts.iter().map(|alert| {
            format!("{:>6.1} s  {:<30} {:<5} {}", alert.at.as_secs_f64(), alert.name, alert.key, alert.count)
        });
        let table = lines.collect::<Vec<_>>().join("\n");
        let mut told = BTreeMap::<(&str, &str), usize>::new();
        for alert in &alerts {
            *told.entry((&alert.name, &alert.key)).or_default() += 1;
        }
        for (name, key) in [
            ("ringback.endpoint.failing", "down"),
            ("ringback.endpoint.failing", "slow"),
            ("ringback.endpoint.recovered", "down"),
            ("ringback.endpoint.recovered", "slow"),
            ("ringback.endpoint.disabled", "gone"),
            ("ringback.delivery.dead", "down"),
        ] {
            assert_eq!(told.remove(&(name, key)), Some(1), "{name} of {key}, once, of {accepted} calls:\n{table}");
        }
        // How soon a lane whose requests time out is tried again decides whether anything has died there by then.
        assert!(told.remove(&("ringback.delivery.dead", "slow")).is_none_or(|times| times == 1));
        // Whether what the outage left waited for 20 s is the machine's affair; what is told as stale is told as fresh.
        let (stale, fresh) = (told.remove(&("ringback.backlog.stale", "all")), told.remove(&("ringback.backlog.fresh", "all")));
        assert!(stale == fresh && stale.unwrap_or(0) <= 1, "stale {stale:?}, fresh {fresh:?}:\n{table}");
        assert_eq!(told, BTreeMap::new(), "and nothing else:\n{table}");
        let failing = |key: &str| alerts.iter().find(|alert| alert.key == key && alert.name.ends_with(".failing"));
        for (key, error) in [("down", "status 503"), ("slow", "timeout")] {
            let alert = failing(key).expect("it was told");
            assert_eq!(alert.said["last_error"], error);
            assert!(alert.at < FAILS, "told while it fails");
        }
        until_within(LAST_WORD, "everything for the healthy one", async || {
            (well.arrived().iter().map(|it| it.id().to_owned()).collect::<BTreeSet<_>>().len() as u64 >= accepted)
                .then_some(())
        })
        .await;
    }
}
