//! Warns about files with data, keys or tokens that others can read.
//!
//! Files that Ringback creates are for their owner alone. An existing file with a wider mode gets a warning and stays as it
//! is: the mode may be meant, such as for a host application of the same group that emits into the same SQLite file.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Endings of the files of a SQLite database that have data, a key or a token.
const BESIDE: [&str; 5] = ["", "-wal", "-shm", ".key", ".token"];

/// The warning about a file that others than its owner can read or write; `None` if there is no file, or it is private.
#[cfg(unix)]
pub(crate) fn exposed(path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path).ok().filter(fs::Metadata::is_file)?.permissions().mode() & 0o777;
    let told = || {
        let path = path.display();
        format!("{path} is open to others than its owner (mode {mode:04o}); `chmod 600 {path}` unless that is meant")
    };
    (mode & 0o066 != 0).then(told)
}

/// Other systems have no such mode.
#[cfg(not(unix))]
pub(crate) fn exposed(_: &Path) -> Option<String> {
    None
}

/// The warnings about a database and the files beside it.
pub(crate) fn exposed_beside(database: &Path) -> Vec<String> {
    let names = BESIDE.iter().map(|ending| {
        let mut name = database.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    });
    names.filter_map(|path| exposed(&path)).collect()
}
