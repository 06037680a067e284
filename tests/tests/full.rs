//! A disk that was full is written to again once there is room, also where the database's own log is what filled it.

use std::time::{Duration, Instant};

use ringback::store::{Configuration as _, Error};
use ringback_sqlite::Sqlite;
use ringback_tests::{database::Database, disk::SmallDisk, embedded::Embedded};

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
