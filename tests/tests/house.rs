//! Rules of this house that a reader would have to remember: here they are kept by themselves.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
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
    files(folder, "rs")
}

/// The statements of a store.
fn statements(store: &str) -> Vec<PathBuf> {
    files(format!("crates/ringback-{store}/sql"), "sql")
}

/// All files below a folder that have this ending.
fn files(folder: impl AsRef<Path>, ending: &str) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
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

/// The lint that knows the oldest toolchain reads it from each crate's own manifest.
#[test]
fn every_crate_has_the_oldest_toolchain_and_the_lints_of_the_workspace() {
    let workspace = text("Cargo.toml");
    let (members, _) = workspace.split_once("\n]").expect("a list of members");
    let members: Vec<_> =
        members.lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\",")).collect();
    assert!(members.len() >= 9, "{members:?}");
    for member in members {
        let manifest = text(format!("{member}/Cargo.toml"));
        for inherited in ["\nrust-version.workspace = true\n", "\n[lints]\nworkspace = true\n"] {
            assert!(manifest.contains(inherited), "{member}: {inherited}");
        }
    }
}

/// `docs/ARCHITECTURE.md`, *Backward arrows*: the folders of the engine, in the order in which data flows through them.
#[test]
fn a_folder_imports_a_later_one_only_for_a_reason_that_is_written_down() {
    let figures = Command::new(root().join("tests/figures")).arg("backwards").output().expect("python3");
    assert!(figures.status.success(), "{}", String::from_utf8_lossy(&figures.stderr));
    let found = String::from_utf8(figures.stdout).expect("text");
    let found: BTreeSet<_> = found.lines().map(str::to_owned).collect();

    let map = text("docs/ARCHITECTURE.md");
    let (_, section) = map.split_once("\n### Backward arrows\n").expect("a section about backward arrows");
    let (section, _) = section.split_once("\n### ").expect("a section behind it");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let written: BTreeSet<_> = rows.map(|row| spans(row).take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(found, written, "left: what `tests/figures` finds; right: what the table gives a reason for");
}

/// `wait_for` is over as soon as so many have come: what it returns says nothing about a second one that comes later.
#[test]
fn whoever_counts_waits_until_nothing_more_can_come() {
    let counts = |line: &String| line.contains(".await.len()") && !line.contains("house.rs");
    let places = places_of(&["wait_for("], &sources("tests/tests"));
    let places: Vec<_> = places.into_iter().filter(counts).collect();
    assert_eq!(places, [""; 0], "count what `arrived_when_settled` returns");
}

/// Whoever opens a folder finds its head in it.
#[test]
fn a_module_with_a_folder_is_the_mod_rs_in_it() {
    let has_folder = |file: &PathBuf| file.with_extension("").is_dir();
    let beside: Vec<_> = ["migrations", "crates", "tests"].into_iter().flat_map(sources).filter(has_folder).collect();
    assert!(beside.is_empty(), "{beside:?}");
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

/// The guides through the code, each with a folder that its paths may begin in, besides the root.
fn guides() -> Vec<(String, String)> {
    let decisions = fs::read_dir(root().join("docs/decisions")).expect("a folder of decisions");
    let decisions = decisions.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
    let decisions = decisions.map(|name| (format!("docs/decisions/{name}"), "docs/decisions".to_owned()));
    let of_root =
        ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/ARCHITECTURE.md", "tests/README.md", "fuzz/README.md"];
    let of_root = of_root.map(|guide| (guide.to_owned(), String::new())).into_iter();
    let crates = files("crates", "toml").into_iter().filter(|path| path.ends_with("Cargo.toml"));
    let crates = crates.chain([root().join("crates/Cargo.toml"), root().join("migrations/Cargo.toml")]);
    let of_crates = crates.map(|manifest| {
        let folder =
            manifest.parent().and_then(|folder| folder.strip_prefix(root()).ok()).expect("it is below the root");
        let folder = folder.to_str().expect("text");
        (format!("{folder}/README.md"), folder.to_owned())
    });
    of_root.chain(of_crates).chain(decisions).collect()
}

/// What stands between backticks, in order.
fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn is_path(word: &str) -> bool {
    let is_plain = word.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-/".contains(letter));
    is_plain && !word.starts_with('/') && (word.contains('/') || word.ends_with(".md") || word.ends_with(".toml"))
}

/// The paragraphs and the rows of tables of a guide without its blocks of code, each with the folder that the head of its
/// table names.
fn parts(text: &str) -> Vec<(String, String)> {
    let prose: String = text.split("```").step_by(2).collect();
    let (mut parts, mut folder, mut above) = (Vec::<(String, String)>::new(), String::new(), "");
    for line in prose.lines() {
        let is_row = line.starts_with('|');
        if !is_row {
            folder.clear();
        } else if !above.starts_with('|') {
            folder = spans(line).find(|span| is_path(span)).unwrap_or_default().to_owned();
        }
        match parts.last_mut().filter(|_| !is_row && !above.is_empty() && !above.starts_with('|')) {
            Some((_, paragraph)) => *paragraph += &format!("\n{line}"),
            None => parts.push((folder.clone(), line.to_owned())),
        }
        above = line;
    }
    parts
}

/// A reader who looks for a file in vain does not trust the next line.
#[test]
fn every_path_that_a_guide_names_is_there() {
    let mut paths = 0;
    for (guide, folder) in guides() {
        for (of_table, part) in parts(&text(&guide)) {
            for word in spans(&part).flat_map(str::split_whitespace).filter(|word| is_path(word)) {
                let folders = ["", &folder, &format!("{folder}/src"), "crates", &of_table];
                let is_there = folders.iter().any(|folder| root().join(folder).join(word).exists());
                // The one that people write themselves.
                assert!(is_there || word == "ringback.toml", "{guide} names {word}, which is not there: {part}");
                paths += 1;
            }
        }
    }
    assert!(paths > 200, "{paths} paths");
}

/// `docs/ARCHITECTURE.md` names functions behind the file that they are in.
#[test]
fn every_function_that_a_walkthrough_names_is_in_its_file() {
    let walkthroughs = parts(&text("docs/ARCHITECTURE.md"));
    let (mut file, mut functions) = ("", 0);
    for span in walkthroughs.iter().flat_map(|(_, part)| spans(part)) {
        if let Some(function) = span.strip_suffix("()") {
            let code = text(file);
            let forms = [format!("fn {function}("), format!("fn {function}<"), format!("{{schema}}.{function}(")];
            assert!(forms.iter().any(|form| code.contains(form)), "{file} has no function {function}");
            functions += 1;
        } else if span.ends_with(".rs") || span.ends_with(".sql") {
            file = span;
        }
    }
    assert!(functions > 80, "{functions} functions");
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

/// Statements name the numbers that stores keep for words: a bare one says nothing to whoever reads it, and is missed by
/// nobody when the word changes.
#[test]
fn statements_name_their_words() {
    let bare = regex_lite::Regex::new(
        r"\b(status|reason|kind|conclusion|state|outcome|fate|marks)'?\)? *(=|<>|<|IS|IN|&|\||WHEN) *\(?[0-9]",
    );
    let (bare, named) = (bare.expect("a pattern"), regex_lite::Regex::new(r"\{[a-z]+\.[a-z_]+\}").expect("a pattern"));
    let own = ["settlement", "fate", "part"];
    let mut wrong = Vec::new();
    for store in ["postgres", "sqlite"] {
        for path in statements(store) {
            let text = fs::read_to_string(&path).expect("a statement");
            let statement: String = text.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
            let unknown = ringback::store::codes::put_in(&statement, &[], &[]);
            let unknown = named.find_iter(&unknown).map(|it| it.as_str().to_owned());
            let unknown = unknown.filter(|it| !own.iter().any(|own| it.starts_with(&format!("{{{own}."))));
            wrong.extend(
                unknown.chain(bare.find_iter(&statement).map(|it| it.as_str().to_owned())).map(|it| (path.clone(), it)),
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whoever knows a statement of one store finds its counterpart in the other one.
#[test]
fn statements_of_one_name_lie_in_one_folder() {
    let name = |path: &PathBuf| path.file_name().map(std::ffi::OsStr::to_owned);
    let folder = |path: &PathBuf| path.parent().and_then(Path::file_name).map(std::ffi::OsStr::to_owned);
    let (postgres, sqlite) = (statements("postgres"), statements("sqlite"));
    let mut shared = 0;
    for one in &postgres {
        for other in sqlite.iter().filter(|other| name(other) == name(one)) {
            assert_eq!(folder(one), folder(other), "{}", one.display());
            shared += 1;
        }
    }
    assert!(shared > 100, "{shared} names stand in both stores");
    let mut names: Vec<_> = sqlite.iter().map(name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), sqlite.len(), "no name stands in two folders");
}

/// Where the dialects part, whoever reads one statement wants to know what the other store does, and why.
#[test]
fn a_statement_says_what_the_other_store_does_instead() {
    // What a dialect spells in its own way says nothing: names of tables, arguments, types, aliases, truth.
    let spelling = [
        (r"--[^\n]*", ""),
        (r"\{schema\}\.|ringback_|::[a-z]+(\[\])?|\bAS\b|\bCROSS\b|\bSELECT 1\b|\bSELECT\b", ""),
        (r"[$?][0-9]+", "?"),
        (r"\bfalse\b", "0"),
        (r"\btrue\b", "1"),
        (r"\s+", ""),
    ];
    let spelling = spelling.map(|(from, to)| (regex_lite::Regex::new(from).expect("a pattern"), to));
    let meant = |path: &Path| {
        let text = fs::read_to_string(path).ok()?;
        Some(spelling.iter().fold(text, |text, (from, to)| from.replace_all(&text, *to).into_owned()))
    };
    let mut silent = Vec::new();
    for (store, other, name_of_other) in [("postgres", "sqlite", "SQLite"), ("sqlite", "postgres", "PostgreSQL")] {
        let (own, theirs) = [store, other].map(|store| root().join(format!("crates/ringback-{store}/sql"))).into();
        for path in statements(store).into_iter().filter(|path| !path.starts_with(own.join("parts"))) {
            let text = fs::read_to_string(&path).expect("a statement");
            let head: Vec<_> = text.lines().take_while(|line| line.starts_with("-- ")).collect();
            let counterpart = theirs.join(path.strip_prefix(&own).expect("it is below"));
            let is_told = meant(&counterpart) == meant(&path) || head.concat().contains(name_of_other);
            if head.is_empty() || !is_told {
                silent.push(path);
            }
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
}

/// What nobody uses is built by everybody all the same.
#[test]
fn every_dependency_is_used() {
    // SQLite itself comes with it: nothing is called, but its version and how it is built are ours to say.
    let for_its_features = ["libsqlite3-sys"];
    let mut unused = Vec::new();
    let folders = ["ringback", "ringback-admin", "ringback-bench", "ringback-postgres", "ringback-server"];
    let folders = folders.iter().chain(&["ringback-sqlite", "ringback-testkit"]).map(|name| format!("crates/{name}"));
    for folder in folders.chain(["tests".to_owned(), "migrations".to_owned()]) {
        let code: String =
            sources(&folder).iter().map(|path| fs::read_to_string(path).expect("a source file")).collect();
        let code = code + &fs::read_to_string(root().join(&folder).join("README.md")).unwrap_or_default();
        let manifest = text(format!("{folder}/Cargo.toml"));
        let mut lists_dependencies = false;
        for line in manifest.lines() {
            if let Some(section) = line.strip_prefix('[') {
                lists_dependencies = section.trim_end_matches(']').ends_with("dependencies");
            } else if let (true, Some((name, _))) = (lists_dependencies, line.split_once(['.', '=', ' '])) {
                let name = name.trim();
                if !for_its_features.contains(&name) && !code.contains(&name.replace('-', "_")) {
                    unused.push(format!("{folder}: {name}"));
                }
            }
        }
    }
    assert!(unused.is_empty(), "{unused:#?}");
}
