//! The faults, by what breaks.

use ringback_tests::disk::SmallDisk;

use crate::row::{Place, Row};

mod clocks;
mod database;
mod locks;
mod network;
mod process;
mod scarcity;

/// All rows that can be played here; and which cannot, and why.
pub(crate) fn all() -> (Vec<Row>, Vec<String>) {
    let rows =
        [process::rows(), database::rows(), network::rows(), locks::rows(), scarcity::rows(), clocks::rows()].concat();
    let (no_disk, no_ext4) = (SmallDisk::of_mebibytes(1).err(), SmallDisk::ext4_of_mebibytes(4).err());
    let obstacle = |row: &Row| match row.setting.place {
        Place::SmallDisk(_) if no_disk.is_some() => no_disk.clone(),
        Place::Ext4(_) if no_ext4.is_some() => no_ext4.clone(),
        _ if row.setting.needs_faketime && std::env::var_os("RINGBACK_TEST_FAKETIME").is_none() => {
            Some("RINGBACK_TEST_FAKETIME is not set; `tests/run faults` sets it".to_owned())
        }
        _ => None,
    };
    let (possible, impossible): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| obstacle(row).is_none());
    let told = impossible.iter().filter_map(|row| Some(format!("{}: {}", row.title(), obstacle(row)?)));
    (possible, told.collect())
}
