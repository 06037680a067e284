//! A wall clock that shows a process another time, by a library that is put before its own. Its monotonic clock runs as ever.

use std::path::{Path, PathBuf};

/// A clock that can be set while the process runs.
pub struct Clock(PathBuf);

impl Clock {
    /// One that is right, in a file in this folder.
    #[must_use]
    pub fn below(folder: &Path) -> Self {
        let clock = Self(folder.join("clock"));
        clock.set("+0");
        clock
    }

    /// Lets it go wrong by an offset, such as `-3600s`. The file is replaced at once: nobody reads half of it.
    ///
    /// # Panics
    /// When the folder is gone.
    pub fn set(&self, offset: &str) {
        let new = self.0.with_extension("new");
        std::fs::write(&new, offset).and_then(|()| std::fs::rename(&new, &self.0)).expect("the folder is writable");
    }

    /// The environment of a process that goes by it.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        variables(("FAKETIME_TIMESTAMP_FILE", self.0.display().to_string()))
    }
}

/// The environment of a process whose clock is what this variable says. Where it names a file, that is looked into once a
/// second: more often, and the process does little else.
///
/// # Panics
/// When no library is named.
#[must_use]
pub fn variables(clock: (&'static str, String)) -> Vec<(&'static str, String)> {
    let library = std::env::var("RINGBACK_TEST_FAKETIME").expect("rows that need it are left out without it");
    vec![
        ("LD_PRELOAD", library),
        clock,
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("FAKETIME_CACHE_DURATION", "1".to_owned()),
    ]
}
