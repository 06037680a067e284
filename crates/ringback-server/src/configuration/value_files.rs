//! Values in files of their own, as secrets are often given to containers: `RINGBACK_MASTER_KEY_FILE=/run/secrets/key`.
//!
//! Such a key names a file in place of a value, in every source. If both a value and a file are given, it is unclear which
//! one is meant, so that is an error, whatever the sources.

use std::path::Path;

use super::{
    keys::Key,
    settings::{Finding, Settings, Source},
};
use crate::exposed::exposed;

macro_rules! value_files {
    ($($of:literal)+) => {
        /// The key of a value, and the key that names its file.
        pub(super) const VALUE_FILES: &[(&str, Key)] = &[$((
            $of,
            Key {
                name: concat!($of, "_file"),
                doc: concat!("Read ", $of, " from this file instead; it ends with at most one line end."),
                default: "",
                value_name: "FILE",
                is_switch: false,
                shown: str::to_owned,
            },
        )),+];
    };
}

value_files! { "database_url" "admin_token" "master_key" "old_master_keys" }

/// The key that names the file for another key's value, if that value can be in a file.
pub(super) fn file_of(key: &Key) -> Option<&'static Key> {
    VALUE_FILES.iter().find(|(of, _)| *of == key.name).map(|(_, file)| file)
}

/// Replaces the files' names by their contents. Returns a warning for each file that others than its owner can read.
pub(super) fn resolve(settings: &mut Settings, findings: &mut Vec<Finding>) -> Vec<String> {
    let mut warnings = Vec::new();
    for (of, file) in VALUE_FILES {
        let Some((named, path)) = settings.take(file) else { continue };
        if let Some(other) = settings.source(of) {
            let detail = format!("is given by {other} and by {named}: give one of the two");
            findings.push(Finding::of_key(of, &named, detail));
            continue;
        }
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                settings.put(of, Source::ValueFile(format!("{named}: {path}")), value(of, &text));
                warnings.extend(exposed(Path::new(&path)).map(|warning| format!("{named}: {warning}")));
            }
            Err(error) => {
                let detail = format!("the file {path:?} cannot be read: {error}");
                findings.push(Finding::of_key(file.name, &named, detail));
            }
        }
    }
    warnings
}

/// The text without the line end that editors add. Old master keys may be one on each line.
fn value(of: &str, text: &str) -> String {
    let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if of == "old_master_keys" { text.lines().collect::<Vec<_>>().join(",") } else { text.to_owned() }
}
