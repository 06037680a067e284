//! Every statement fits the schema, and is used.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sqlx::{Executor as _, SqlSafeStr as _};

use crate::fixture::Fixture;

/// What narrows a statement down that asks for one endpoint, key or tenant, or for shards or lanes.
const NARROWED: [(&str, &str); 14] = [
    ("work/feed", "d.shard = ?1"),
    ("work/feed", "d.lane = ?1"),
    ("work/find_due", "d.shard = place.value ->> 'of'"),
    ("work/find_due", "d.lane = place.value ->> 'of'"),
    ("deliveries/list_finished", "AND endpoint_id = ?9"),
    ("deliveries/end_of_finished", "AND endpoint_id = ?9"),
    ("dead_letters/list_dead_letters", "AND endpoint_id = ?9"),
    ("dead_letters/end_of_dead_letters", "AND endpoint_id = ?9"),
    ("events/list_events", "AND key = ?5"),
    ("events/list_events", "AND tenant = ?6"),
    ("events/list_events", "AND {part.is_of_metadata}"),
    ("events/end_of_events", "AND {part.is_of_metadata}"),
    ("events/end_of_events", "AND key = ?5"),
    ("events/end_of_events", "AND tenant = ?6"),
];

/// Every file of a folder of `sql/`: its name without the ending, and its text.
fn files(folder: &Path) -> Vec<(String, String)> {
    let read =
        |path: PathBuf| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap());
    fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap().path())).collect()
}

/// Every statement as it is run, with its name; those that can be narrowed down stand there for each way, too.
fn statements() -> Vec<(String, String)> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let parts = files(&all.join("parts"));
    let parts: Vec<_> = parts.iter().map(|(name, text)| (&**name, &**text)).collect();
    let mut statements = Vec::new();
    for folder in fs::read_dir(&all).unwrap().map(|entry| entry.unwrap().path()).filter(|it| !it.ends_with("parts")) {
        for (name, text) in files(&folder) {
            let name = format!("{}/{name}", folder.file_name().unwrap().to_str().unwrap());
            let ways = NARROWED.iter().filter(|(narrowed, _)| *narrowed == name).map(|(_, condition)| *condition);
            let whole = Some("").filter(|_| !text.contains("WHERE {narrowed}"));
            for condition in whole.into_iter().chain(ways) {
                let text = ringback::store::codes::put_in(&text.replace("{narrowed}", condition), &parts, &[]);
                statements.push((name.clone(), text));
            }
        }
    }
    statements
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
        assert!(source.contains(&format!("sql!(\"{name}\"")), "{name}");
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
        "work/find_due",
        "work/find_lanes",
        "work/feed",
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
        "events/find_key_takers",
        "events/find_events_of_keys",
        "deliveries/read_standings",
        "deliveries/list_pending",
        "deliveries/list_dead",
        "deliveries/list_finished",
        "dead_letters/list_dead_letters",
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
    assert!(hot.iter().all(|hot| statements.iter().any(|(name, _)| name == hot)), "every name is a statement's");
    let mut walks = Vec::new();
    for (name, text) in statements.iter().filter(|(name, _)| hot.contains(&&**name)) {
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
