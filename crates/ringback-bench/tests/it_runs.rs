//! The benchmarks run to their end, on a tiny scale: they must not rot between releases.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use serde_json::Value;

/// Runs one scenario; the rows of its JSON.
fn rows(scenario: &str, store: &str) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("result.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringback-bench"));
    command.args([scenario, "--tiny", "--store", store]).arg("--json").arg(&json);
    if let Ok(url) = std::env::var("RINGBACK_TEST_POSTGRES_URL") {
        command.args(["--postgres", &url]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{scenario} on {store}: {}", String::from_utf8_lossy(&output.stderr));
    let document: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    document["rows"].as_array().unwrap().clone()
}

/// Everything arrived once and was recorded, beside a ceiling of the same run, and no target is claimed.
fn drains(store: &str) {
    let rows = rows("drain", store);
    let row = &rows[0];
    assert_eq!(row["store"], store);
    assert!(row["per_second"].as_f64().unwrap() > 0.0, "{row}");
    assert!(row["bare_per_second"].as_f64().unwrap() > 0.0, "{row}");
    assert_eq!((&row["more"]["missing"], &row["more"]["duplicates"]), (&0.into(), &0.into()), "{row}");
    assert!(row["target"].is_string() && row["met"].is_null(), "{row}");
}

#[test]
fn the_ceiling_is_measured() {
    let rows = rows("ceiling", "sqlite");
    assert!(rows[0]["per_second"].as_f64().unwrap() > 0.0);
    assert_eq!(rows[0]["more"]["failed"], 0);
}

#[test]
fn a_backlog_drains_on_postgres() {
    drains("postgres");
}

#[test]
fn a_backlog_drains_on_sqlite() {
    drains("sqlite");
}

/// Each is asked in three ways, and each way has an answer.
fn questions_are_answered(store: &str) {
    let rows = rows("questions", store);
    assert_eq!(rows.len(), 10, "{rows:?}");
    for row in &rows {
        for way in ["api", "page", "command"] {
            assert!(row["more"]["ways"][way]["max_ms"].as_f64().unwrap() > 0.0, "{row}");
        }
    }
}

#[test]
fn the_ten_questions_are_answered_on_postgres() {
    questions_are_answered("postgres");
}

#[test]
fn the_ten_questions_are_answered_on_sqlite() {
    questions_are_answered("sqlite");
}
