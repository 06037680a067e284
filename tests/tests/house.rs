//! Rules of this house that a reader would have to remember: here they are kept by themselves.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn text(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All Rust files below a folder.
fn sources(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// The places at which code, comments left out, holds one of these words.
fn places_of(words: &[&str], files: &[PathBuf]) -> Vec<String> {
    let mut places = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).expect("a source file");
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if words.iter().any(|word| code.contains(word)) {
                places.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
            }
        }
    }
    places
}

/// `crates/README.md`, *Who may import whom*.
#[test]
fn nobody_imports_whom_the_map_does_not_allow() {
    let forbidden: [(&str, &[&str]); 7] = [
        (
            "crates/ringback/src",
            &["sqlx::", "axum::", "reqwest::", "ringback_postgres", "ringback_sqlite", "ringback_admin"],
        ),
        ("crates/ringback-postgres/src", &["axum::", "hyper::", "reqwest::", "ringback_sqlite", "ringback_admin"]),
        ("crates/ringback-sqlite/src", &["axum::", "hyper::", "reqwest::", "ringback_postgres", "ringback_admin"]),
        (
            "crates/ringback-admin/src",
            &["sqlx::", "reqwest::", "ringback_postgres", "ringback_sqlite", "ringback_server"],
        ),
        (
            "crates/ringback-testkit/src",
            &["sqlx::", "ringback_postgres", "ringback_sqlite", "ringback_admin", "ringback_server"],
        ),
        ("crates/ringback-server/src", &["ringback_bench", "ringback_tests", "ringback_testkit"]),
        ("migrations/src", &["ringback::", "ringback_postgres", "ringback_sqlite"]),
    ];
    for (folder, words) in forbidden {
        assert_eq!(places_of(words, &sources(folder)), [""; 0], "{folder}");
    }
}

/// `wait_for` is over as soon as so many have come: what it returns says nothing about a second one that comes later.
#[test]
fn whoever_counts_waits_until_nothing_more_can_come() {
    let counts = |line: &String| line.contains(".await.len()") && !line.contains("house.rs");
    let places = places_of(&["wait_for("], &sources("tests/tests"));
    let places: Vec<_> = places.into_iter().filter(counts).collect();
    assert_eq!(places, [""; 0], "count what `arrived_when_settled` returns");
}

/// A file that `end_to_end.rs` does not name would be no test at all.
#[test]
fn every_file_of_end_to_end_tests_is_part_of_the_program() {
    let program = text("tests/tests/end_to_end.rs");
    for file in sources("tests/tests") {
        let name = file.file_stem().and_then(|name| name.to_str()).expect("a name");
        assert!(name == "end_to_end" || program.contains(&format!("\nmod {name};\n")), "{name} is not run");
    }
}

/// A row of the table that names no test would be a promise that nobody misses.
#[test]
fn every_promise_names_tests_that_are_there() {
    let map = text("crates/README.md");
    let rows: Vec<_> = map.lines().filter(|line| line.starts_with("| ") && line.contains(".rs`")).collect();
    assert!(rows.len() >= 12, "the table of promises is gone");
    let is_test = |file: &PathBuf| file.components().any(|part| part.as_os_str() == "tests");
    let files: Vec<_> = ["tests/tests", "crates"].into_iter().flat_map(sources).filter(is_test).collect();
    for row in rows {
        for word in row.split('`').filter(|word| word.ends_with(".rs")) {
            assert!(files.iter().any(|file| file.ends_with(word)), "{word} is not there: {row}");
        }
    }
}

/// Whoever counts cargo's result lines in the output of a run must find each once.
#[test]
fn no_script_prints_a_result_line_a_second_time() {
    for script in ["tests/run", ".ci/run"] {
        let text = text(script);
        let again: Vec<_> = text.lines().filter(|line| line.contains("test result") && line.contains("grep")).collect();
        assert_eq!(again, [""; 0], "{script}");
        let prints: BTreeSet<_> = text.lines().filter(|line| line.contains("printf 'test result")).collect();
        assert!(prints.is_empty(), "{script}: {prints:?}");
    }
}
