//! The faults, by what breaks.

use ringback_tests::disk::SmallDisk;

use crate::row::{Place, Row};

mod database;
mod process;

/// All rows that can be played here; and which cannot, and why.
pub(crate) fn all() -> (Vec<Row>, Vec<String>) {
    let rows = [process::rows(), database::rows()].concat();
    let no_disk = SmallDisk::of_mebibytes(1).err();
    let needs_disk = |row: &Row| matches!(row.setting.place, Place::SmallDisk(_));
    match no_disk {
        None => (rows, Vec::new()),
        Some(why) => {
            let (impossible, rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(needs_disk);
            (
                rows,
                impossible
                    .iter()
                    .map(|row| format!("{}: no small file system can be made: {why}", row.title()))
                    .collect(),
            )
        }
    }
}
