//! `ringback check-config` explains, and changes nothing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;
mod support;

use std::path::Path;

use server::Server;
use support::{complained, ringback, run, said};

/// What a folder holds, so that it can be compared.
fn held(folder: &Path) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut held: Vec<_> = entries.map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap())).collect();
    held.sort();
    held
}

#[test]
fn a_new_folder_is_fine_and_stays_empty() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["check-config"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    for part in ["every key has its default", "ringback.db is made at the first start", "bind", "master_key"] {
        assert!(said(&output).contains(part), "{part} is missing from:\n{}", said(&output));
    }
    assert_eq!(held(folder.path()), []);
}

#[test]
fn every_wrong_key_is_explained_with_its_source_and_secrets_are_masked() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ringback.toml"), "lease = \"12\"\n[egress]\nalow = []\n").unwrap();
    let mut command = ringback(folder.path());
    command.env("RINGBACK_MASTER_KEY", "hunter2").env("RINGBACK_BNID", "x");
    command
        .env("RINGBACK_DATABASE_URL", "postgres://me:hunter3@db/app")
        .env("RINGBACK_ADMIN_TOKEN", "hunter4-hunter4-hunter4");
    let output = command.args(["check-config", "--bind", "8080"]).output().unwrap();
    let told = said(&output) + &complained(&output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    for part in [
        "lease (ringback.toml)",
        "egress.alow",
        "egress.allow",
        "bind (--bind)",
        "master_key (RINGBACK_MASTER_KEY)",
        "RINGBACK_BIND",
        "postgres://me:***@db/app",
    ] {
        assert!(told.contains(part), "{part} is missing from:\n{told}");
    }
    assert!(!told.contains("hunter"), "{told}");
    let json = run(folder.path(), &["check-config", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["ok"], false);
    let lease = json["findings"].as_array().unwrap().iter().find(|finding| finding["key"] == "lease").unwrap();
    assert_eq!((&lease["value"], &lease["source"]), (&"12".into(), &"ringback.toml".into()));
}

#[test]
fn values_that_do_not_fit_together_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["check-config", "--bind", "0.0.0.0:8080"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("wrong    admin_token: bind is 0.0.0.0:8080"), "{}", said(&output));
    let flags =
        ["check-config", "--egress-allow", "10.0.0.0/8,0.0.0.0/0", "--egress-allow-http", "--retention-events", "1d"];
    let output = run(folder.path(), &flags);
    assert_eq!(output.status.code(), Some(0), "warnings are no errors: {}", said(&output));
    for part in [
        "ok       egress.allow: 10.0.0.0/8",
        "warning  egress.allow: 0.0.0.0/0",
        "warning  egress.allow_http",
        "warning  retention.payloads",
    ] {
        assert!(said(&output).contains(part), "{part} is missing from:\n{}", said(&output));
    }
}

#[test]
fn the_database_its_schema_and_its_key_are_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let away = ["check-config", "--database-url", "postgres://127.0.0.1:1/x"];
    let output = run(folder.path(), &away);
    assert_eq!(output.status.code(), Some(2));
    for part in ["wrong    database_url", "wrong    admin_token", "wrong    master_key"] {
        assert!(said(&output).contains(part), "{part} is missing from:\n{}", said(&output));
    }
    let output = run(folder.path(), &["check-config", "--database-url", "sqlite:///nowhere/at/all.db"]);
    assert!(said(&output).contains("/nowhere/at"), "{}", said(&output));
    std::fs::write(folder.path().join("empty.db"), "").unwrap();
    let output = run(folder.path(), &["check-config", "--database-url", "sqlite://empty.db"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("migrate"), "{}", said(&output));
}

#[test]
fn another_master_key_than_the_databases_own_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ringback(folder.path()), &[]);
    server.signal("TERM");
    let _ = server.end();
    let output = run(folder.path(), &["check-config"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("the one that this database's secrets were sealed with"), "{}", said(&output));
    let other = "ab".repeat(32);
    let output = run(folder.path(), &["check-config", "--master-key", &other]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("wrong    master_key"), "{}", said(&output));
    assert!(!said(&output).contains(&other));
}
