//! Files that hold data, keys or tokens, and whoever else can read them.
//!
//! What Ringback makes is for its owner alone. A wider mode of a file that is there is told and left as it is: it may be
//! meant, such as for a host application of the same group that emits into the same SQLite file.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What stands beside a SQLite database and holds data, a key or a token.
const BESIDE: [&str; 5] = ["", "-wal", "-shm", ".key", ".token"];

/// What to say about a file that others than its owner can read or write; `None` if there is none, or it is private.
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

/// The same for a database and all that stands beside it.
pub(crate) fn exposed_beside(database: &Path) -> Vec<String> {
    let names = BESIDE.iter().map(|ending| {
        let mut name = database.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    });
    names.filter_map(|path| exposed(&path)).collect()
}
