//! The second source: variables named `RINGBACK_` and the key.

use std::ffi::OsString;

use super::{
    keys,
    nearest::nearest,
    settings::{Finding, Settings, Source},
};

/// The prefix of Ringback's variables.
const PREFIX: &str = "RINGBACK_";

/// The prefix of variables for tests, which the program ignores.
const TEST_PREFIX: &str = "RINGBACK_TEST_";

/// Variables that are no keys: they stand for the flags `--config`, `--url` and `--token`.
const OTHERS: [&str; 3] = ["RINGBACK_CONFIG", "RINGBACK_URL", "RINGBACK_TOKEN"];

/// Puts the environment's values into `settings`; returns a warning for each unknown variable with Ringback's prefix.
pub(super) fn read(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    settings: &mut Settings,
    findings: &mut Vec<Finding>,
) -> Vec<String> {
    let mut warnings = Vec::new();
    for (name, text) in variables {
        let Some(name) = name.to_str().filter(|name| is_ours(name)) else { continue };
        let Some(key) = keys::all().find(|key| key.variable() == name) else {
            warnings.push(unknown(name));
            continue;
        };
        match text.into_string() {
            Ok(text) => settings.put(key.name, Source::Variable, text),
            Err(_) => findings.push(Finding::of_key(key.name, name, "the value is not UTF-8 text".to_owned())),
        }
    }
    warnings
}

fn is_ours(name: &str) -> bool {
    name.starts_with(PREFIX) && !name.starts_with(TEST_PREFIX) && !OTHERS.contains(&name)
}

fn unknown(name: &str) -> String {
    let known: Vec<String> = keys::all().map(keys::Key::variable).collect();
    match nearest(name, known.iter().map(String::as_str)) {
        Some(meant) => format!("the variable {name} is not known and is ignored; is {meant} meant?"),
        None => format!("the variable {name} is not known and is ignored"),
    }
}
