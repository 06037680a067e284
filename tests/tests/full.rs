//! A disk that was full is written to again once there is room, also where the database's own log is what filled it.

use ringback::store::Error;
use ringback_tests::{database::Database, disk::SmallDisk, embedded::Embedded};

/// In MiB: less than the log of SQLite may grow to.
const DISK: u32 = 8;

/// Written again and again into the same row, so that the log grows and the file does not.
const VALUE: usize = 100_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_has_filled_its_disk_is_cut_and_writes_go_on() {
    let disk = SmallDisk::of_mebibytes(DISK).expect("this user may mount a file system, as root may");
    let database = Database::below(disk.path());
    let host = Embedded::idle(&database).await;
    let store = &host.store;
    disk.fill();
    let full = store.put_setting("test", &[1; VALUE]).await;
    assert!(matches!(full, Err(Error::Full(_))), "{full:?}");
    disk.free();
    // From here on it is the log that fills the disk, over and over.
    let (mut refused, mut in_a_row) = (0, 0);
    // Four times as much as there is room for.
    for number in 0..4 * DISK as usize * 1024 * 1024 / VALUE {
        match store.put_setting("test", &vec![number as u8; VALUE]).await {
            Ok(()) => in_a_row = 0,
            Err(Error::Full(_)) => (refused, in_a_row) = (refused + 1, in_a_row + 1),
            Err(error) => panic!("{error}"),
        }
        assert!(in_a_row < 3, "there is room for the file, and the log is what fills the disk");
    }
    assert!(refused > 0, "the disk was never full, and this proves nothing");
}
