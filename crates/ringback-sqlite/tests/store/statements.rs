//! Every statement fits the schema, and is used.

use std::{fs, path::Path};

use sqlx::{Executor as _, SqlSafeStr as _};

use crate::fixture::Fixture;

fn statements() -> Vec<(String, String)> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let within = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let read = |path: &Path| {
        let name = path.strip_prefix(&all).unwrap().with_extension("").display().to_string();
        (name, ringback::store::codes::put_in(&fs::read_to_string(path).unwrap(), &[]))
    };
    within(&all).iter().flat_map(|folder| within(folder)).map(|path| read(&path)).collect()
}

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let fixture = Fixture::new().await;
    let statements = statements();
    assert!(statements.len() > 50);
    fixture
        .store
        .write(move |tx| {
            Box::pin(async move {
                for (name, text) in statements {
                    let prepared = tx.prepare(sqlx::AssertSqlSafe(text).into_sql_str()).await;
                    assert!(prepared.is_ok(), "{name}: {:?}", prepared.err());
                }
                ringback::store::Result::Ok(())
            })
        })
        .await
        .unwrap();
}

#[test]
fn every_statement_is_used() {
    let mut source = String::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { source += &fs::read_to_string(path).unwrap() }
        }
    }
    for (name, _) in statements() {
        assert!(source.contains(&format!("sql!(\"{name}\")")), "{name}");
    }
}

/// Tables that grow with the work: a hot statement must look things up in them.
const GROWING: [&str; 8] =
    ["event", "delivery", "dead_letter", "finished", "attempt", "replay_item", "idempotency", "endpoint_version"];

/// The names under which a statement reads a growing table.
fn growing(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let words: Vec<_> = text.split_whitespace().collect();
    for table in GROWING.map(|table| format!("ringback_{table}")) {
        for (index, _) in words.iter().enumerate().filter(|(_, word)| **word == table) {
            match words.get(index + 1..index + 3) {
                Some(["AS", alias]) => names.push((*alias).to_owned()),
                _ => names.push(table.clone()),
            }
        }
    }
    names.retain(|name| !text.contains(&format!("FROM scanned AS {name}")));
    names
}

#[tokio::test]
async fn hot_statements_walk_no_growing_table() {
    let fixture = Fixture::new().await;
    let hot = [
        "work/find_due_shards",
        "work/find_due_lanes",
        "work/find_lanes",
        "work/feed_shard",
        "work/feed_lane",
        "work/find_heads",
        "work/load_events",
        "work/read_fences",
        "work/insert_finished",
        "work/insert_dead_letters",
        "work/update_deliveries",
        "work/raise_attempts",
        "work/settle_replay_items",
        "work/delete_deliveries",
        "replays/delete_dead_letters",
        "intake/find_keys",
        "outbox/read_pointers",
        "outbox/find_pointers",
        "configuration/cancel_endpoint",
        "expunging/cancel_event",
        "events/list_events",
        "events/list_events_of_key",
        "events/list_events_of_tenant",
        "deliveries/list_pending",
        "deliveries/list_dead",
        "deliveries/list_finished",
        "deliveries/list_finished_of_endpoint",
        "dead_letters/list_dead_letters",
        "dead_letters/list_dead_letters_of_endpoint",
        "deliveries/read_attempts",
        "replays/classify_for_replay",
        "replays/release_dead",
        "replays/release_delivered",
        "replays/read_replay_items",
        "replays/mark_released",
        "upkeep/find_expired",
        "upkeep/insert_expired",
        "upkeep/find_events_to_drop",
        "upkeep/remove_payloads",
        "upkeep/drop_finished",
        "upkeep/drop_attempts_of_events",
        "upkeep/find_dead_letters_to_drop",
        "figures/count_ledger_of_tenant",
        "configuration/read_endpoints_as_of",
        "configuration/refill_endpoint",
        "expunging/erase_events",
        "expunging/read_event_to_erase",
        "expunging/find_last_delivery",
        "expunging/read_finished_to_erase",
        "expunging/read_attempts_to_erase",
        "expunging/fix_expunge_of_key",
        "outbox/find_expunged",
        "events/read_payload",
    ];
    let statements = statements();
    let mut walks = Vec::new();
    for name in hot {
        let (_, text) = statements.iter().find(|(each, _)| each == name).unwrap();
        let growing = growing(text);
        for step in plan(&fixture, text).await {
            let walked = step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
            if walked.is_some_and(|table| growing.iter().any(|name| name == table)) {
                walks.push(format!("{name}: {step}"));
            }
        }
    }
    assert_eq!(walks, [""; 0]);
}

async fn plan(fixture: &Fixture, text: &str) -> Vec<String> {
    let text = format!("EXPLAIN QUERY PLAN {text}");
    let plan = fixture.store.write(move |tx| {
        Box::pin(async move {
            let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(tx).await.unwrap();
            let step = |row| sqlx::Row::get::<String, _>(row, "detail");
            ringback::store::Result::Ok(rows.iter().map(step).collect())
        })
    });
    plan.await.unwrap()
}
