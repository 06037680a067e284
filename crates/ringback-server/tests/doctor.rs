//! `ringback doctor` finds what is bad, says what helps, and makes nothing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;
mod support;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use serde_json::Value;
use server::Server;
use support::{complained, ringback, run, said};

/// The findings of a look that ends with this status.
fn found(folder: &Path, status: i32, flags: &[&str]) -> Vec<Value> {
    let output = run(folder, &[&["doctor", "--json"], flags].concat());
    let told = said(&output) + &complained(&output);
    assert_eq!(output.status.code(), Some(status), "{told}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ok"], status == 0, "{told}");
    report["findings"].as_array().unwrap().clone()
}

/// The details of the findings with this severity.
fn details(findings: &[Value], severity: &str) -> Vec<String> {
    let of = findings.iter().filter(|finding| finding["severity"] == severity);
    of.map(|finding| format!("{}: {}", finding["about"], finding["detail"])).collect()
}

#[test]
fn an_installation_without_a_fault_has_no_bad_finding_with_or_without_its_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ringback(folder.path()), &[]);
    let running = found(folder.path(), 0, &[]);
    server.signal("TERM");
    let _ = server.end();
    for findings in [running, found(folder.path(), 0, &[])] {
        let fine = details(&findings, "ok").join("\n");
        for part in [
            "the one that this database's secrets were sealed with",
            "journal_mode wal",
            "it takes writes",
            "this machine and the database agree",
            "no endpoint has a name to look up",
            "none of them due",
            "nothing waits at a held destination",
            "there are none",
        ] {
            assert!(fine.contains(part), "{part} is missing from:\n{fine}");
        }
    }
    let told = said(&run(folder.path(), &["doctor"]));
    assert!(told.contains("ok    clock: ") && !told.contains("bad "), "{told}");
}

#[test]
fn what_others_can_read_is_a_warning_and_another_key_is_bad() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ringback(folder.path()), &[]);
    server.signal("TERM");
    let _ = server.end();
    fs::set_permissions(folder.path().join("ringback.db"), fs::Permissions::from_mode(0o644)).unwrap();
    let warned = details(&found(folder.path(), 0, &[]), "warn").join("\n");
    assert!(warned.contains("chmod 600 ringback.db"), "{warned}");
    let bad = details(&found(folder.path(), 1, &["--master-key", &"ab".repeat(32)]), "bad");
    assert!(bad.len() == 1 && bad[0].contains("master_key"), "{bad:?}");
    let told = run(folder.path(), &["doctor", "--master-key", &"ab".repeat(32)]);
    assert!(said(&told).contains("bad   master_key: ") && complained(&told).contains("1 finding is bad"));
}

#[test]
fn a_wrong_configuration_is_wrong_usage_and_a_new_folder_stays_empty() {
    let folder = tempfile::tempdir().unwrap();
    let bad = details(&found(folder.path(), 2, &["--lease", "1s"]), "bad");
    assert!(bad.len() == 1 && bad[0].contains("lease"), "{bad:?}");
    let away = found(folder.path(), 1, &["--database-url", "postgres://127.0.0.1:1/x"]);
    assert!(details(&away, "bad").iter().any(|bad| bad.contains("database_url")), "{away:?}");
    found(folder.path(), 0, &[]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(run(folder.path(), &["migrate"]).status.success());
    let fine = details(&found(folder.path(), 0, &[]), "ok").join("\n");
    assert!(fine.contains("no node has run on this database yet"), "{fine}");
}
