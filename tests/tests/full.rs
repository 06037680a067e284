//! A disk that was full is written to again once there is room, also where the database's own log is what filled it.

use std::time::{Duration, Instant};

use ringback::store::{Configuration as _, Error};
use ringback_sqlite::Sqlite;
use ringback_tests::{
    database::Database, disk::SmallDisk, embedded::Embedded, server::Serve, stores::Store, until::until,
};
use serde_json::json;

/// In MiB: less than the log of SQLite may grow to.
const DISK: u32 = 8;

/// Written again and again into the same row, so that the log grows and the file does not.
const VALUE: usize = 100_000;

/// So long there may be none: a read ends sooner.
const WITHIN: Duration = Duration::from_secs(3);

/// Between tries while there is no room.
const PAUSE: Duration = Duration::from_millis(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_has_filled_its_disk_is_cut_and_writes_go_on() {
    let disk = SmallDisk::of_mebibytes(DISK).expect("this user may mount a file system, as root may");
    let database = Database::below(disk.path());
    // The file has pages to spare: cutting the log needs room for what the file grows by, and here that is nothing.
    let before = Sqlite::open(database.url()).await.expect("it opens");
    before.migrate().await.expect("it migrates");
    before.put_setting("test", &[1; 10 * VALUE]).await.expect("there is room");
    before.put_setting("test", &[1]).await.expect("there is room");
    before.close().await.expect("it closes");
    let host = Embedded::idle(&database).await;
    let store = &host.store;
    disk.fill();
    let full = store.put_setting("test", &[1; VALUE]).await;
    assert!(matches!(full, Err(Error::Full(_))), "{full:?}");
    disk.free();
    // From here on it is the log that fills the disk, over and over.
    let (mut refused, mut written) = (0, Instant::now());
    // Four times as much as there is room for.
    for number in 0..4 * DISK as usize * 1024 * 1024 / VALUE {
        match store.put_setting("test", &vec![number as u8; VALUE]).await {
            Ok(()) => written = Instant::now(),
            // Whoever reads at this moment keeps the log from being cut.
            Err(Error::Full(_)) => (refused, _) = (refused + 1, tokio::time::sleep(PAUSE).await),
            Err(error) => panic!("{error}"),
        }
        assert!(written.elapsed() < WITHIN, "there is room for the file, and the log is what fills the disk");
    }
    assert!(refused > 0, "the disk was never full, and this proves nothing");
}

/// In bytes: beyond what an empty database takes.
const LIMIT: usize = 8 * 1024 * 1024;

/// As an immutable file does, or a quota: SQLite calls it a disk I/O error, and nothing is damaged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_written_is_not_called_damaged_and_writes_go_on_once_it_can() {
    let database = Database::fresh(Store::Sqlite).await;
    let server = Serve::on(&database).limited_by(&format!("--fsize={LIMIT}:unlimited")).start().await;
    let large = json!({"type": "call.ended", "payload": "x".repeat(LIMIT / 10)});
    let mut accepted = 0;
    let refused = loop {
        let answer = server.api.post("/v1/events", &large).await;
        if answer.status != 202 {
            break answer.expect(503);
        }
        accepted += 1;
        assert!(accepted < 100, "there was room for all");
    };
    assert!(!refused.to_string().contains("damaged"), "{refused}");
    let told = until("readiness tells what is wrong", async || {
        let answer = server.api.get("/readyz").await;
        server.api.post("/v1/events", &large).await;
        (answer.status == 503).then(|| answer.expect(503))
    })
    .await;
    let detail = told["detail"].as_str().expect("a text");
    for word in ["ringback.db", "takes no writes", "cannot be written", "mounted read-only", "quotas"] {
        assert!(detail.contains(word), "{word} is missing from {detail}");
    }
    assert!(!server.log().contains("damaged"), "{}", server.log());

    let pid = server.pid().to_string();
    let freed = std::process::Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status();
    assert!(freed.is_ok_and(|status| status.success()));
    until("writes go on", async || (server.api.post("/v1/events", &large).await.status == 202).then_some(())).await;
    until("it is ready", async || (server.api.get("/readyz").await.status == 200).then_some(())).await;
    let ledger = server.api.balanced_ledger().await;
    assert!(ledger["events"]["accepted"].as_u64() > Some(accepted), "what was accepted is there: {ledger}");
}
