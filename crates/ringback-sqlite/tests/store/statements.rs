//! Every statement fits the schema, and is used.

use std::{fs, path::Path};

use sqlx::{Executor as _, SqlSafeStr as _};

use crate::fixture::Fixture;

fn statements() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let read = |entry: fs::DirEntry| {
        let name = entry.path().file_stem().unwrap().to_str().unwrap().to_owned();
        (name, ringback::store::codes::put_in(&fs::read_to_string(entry.path()).unwrap(), &[]))
    };
    fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap())).collect()
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
        "find_due_shards",
        "find_due_lanes",
        "find_lanes",
        "feed_shard",
        "feed_lane",
        "find_heads",
        "load_events",
        "read_fences",
        "insert_finished",
        "insert_dead_letters",
        "update_deliveries",
        "raise_attempts",
        "settle_replay_items",
        "delete_deliveries",
        "delete_dead_letters",
        "find_keys",
        "read_pointers",
        "find_pointers",
        "cancel_endpoint",
        "cancel_event",
        "list_events",
        "list_events_by_key",
        "list_events_of_tenant",
        "list_pending",
        "list_dead",
        "list_finished",
        "list_finished_of_endpoint",
        "list_dead_letters",
        "list_dead_letters_of_endpoint",
        "read_attempts",
        "classify_for_replay",
        "release_dead",
        "release_delivered",
        "read_replay_items",
        "mark_released",
        "find_expired",
        "insert_expired",
        "find_events_to_drop",
        "expire_payloads",
        "drop_finished",
        "drop_attempts_of_events",
        "find_dead_letters_to_drop",
        "count_ledger_of_tenant",
        "read_endpoints_as_of",
        "refill_endpoint",
        "erase_event",
        "read_event_to_erase",
        "find_last_delivery",
        "read_finished_to_erase",
        "read_attempts_to_erase",
        "fix_expunge_by_key",
        "find_expunged",
        "read_payload",
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
