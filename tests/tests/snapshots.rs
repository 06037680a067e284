//! What others build on, as it is now: the API's document, the schema of both stores, what each command says of itself, and
//! the public items of each crate. A change of any of them is to be seen in review, so the files of `tests/snapshots/` are
//! compared with what is there; `RINGBACK_TEST_BLESS=1 tests/run -p ringback-tests snapshots` writes them anew.

use std::{fmt::Write as _, fs, path::Path, process::Command};

use ringback_tests::{
    command::ringback_alone, database::Database, help::Help, server::Serve, snapshot::hold, stores::Store,
};
use sqlx::Row as _;

#[tokio::test(flavor = "multi_thread")]
async fn the_document_of_the_api() {
    let database = Database::fresh(Store::Sqlite).await;
    let server = Serve::on(&database).start().await;
    let document = server.api.get("/openapi.json").await.expect(200);
    hold("openapi.json", &(serde_json::to_string_pretty(&document).expect("JSON") + "\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_commands_say_of_themselves() {
    let mut paths: Vec<String> = Help::of_all().await.into_iter().map(|(path, _)| path).collect();
    paths.sort();
    let mut text = String::new();
    for path in paths {
        let words: Vec<_> = path.split_whitespace().chain(["--help"]).collect();
        let told = ringback_alone(&words).await.done();
        let told: Vec<_> = told.lines().map(str::trim_end).collect();
        writeln!(text, "$ ringback {path} --help\n{}\n", told.join("\n")).expect("text takes text");
    }
    hold("help.txt", &text);
}

/// The crates that are published, each with its folder.
fn published() -> Vec<(String, String)> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let read = |path: &str| fs::read_to_string(root.join(path)).expect("a manifest");
    let workspace = read("Cargo.toml");
    let (members, _) = workspace.split_once("\n]").expect("a list of members");
    let folders = members.lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\","));
    let named = folders.filter_map(|folder| {
        let manifest = read(&format!("{folder}/Cargo.toml"));
        let name = manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
        let is_published = !manifest.lines().any(|line| line == "publish = false");
        is_published.then(|| (name.expect("a name").to_owned(), folder.to_owned()))
    });
    named.collect()
}

#[test]
fn the_public_items_of_each_crate() {
    let crates = published();
    assert!(crates.len() >= 7, "{crates:?}");
    for (name, folder) in crates {
        let figures = Path::new(env!("CARGO_MANIFEST_DIR")).join("figures");
        let output = Command::new(figures).args(["items", &folder]).output().expect("python3");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        hold(&format!("public/{name}.txt"), &String::from_utf8(output.stdout).expect("text"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_in_sqlite() {
    let database = Database::fresh(Store::Sqlite).await;
    Serve::on(&database).start().await.terminate().await;
    let mut connection = database.sqlite().await;
    let rows = sqlx::query("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name");
    let rows = rows.fetch_all(&mut connection).await.expect("the schema");
    let all: Vec<String> = rows.iter().map(|row| row.get::<String, _>(0) + ";").collect();
    hold("schema.sqlite.sql", &(all.join("\n\n") + "\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_in_postgres() {
    const PARTS: [&str; 5] = [
        "SELECT format('%s %s %s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                       CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
                       coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), ''))
         FROM pg_attribute a
         JOIN pg_class c ON c.oid = a.attrelid AND c.relnamespace = 'ringback'::regnamespace
         LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
         WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND NOT c.relispartition
         ORDER BY c.relname, a.attnum",
        "SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid))
         FROM pg_constraint
         WHERE connamespace = 'ringback'::regnamespace AND conparentid = 0 AND contype <> 'n'
           AND conrelid NOT IN (SELECT inhrelid FROM pg_inherits) ORDER BY 1",
        "SELECT pg_get_indexdef(i.indexrelid)
         FROM pg_index i
         JOIN pg_class t ON t.oid = i.indrelid AND t.relnamespace = 'ringback'::regnamespace
         WHERE NOT t.relispartition
         ORDER BY 1",
        "SELECT format('%s: %s', viewname, definition) FROM pg_views WHERE schemaname = 'ringback' ORDER BY viewname",
        "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'ringback'::regnamespace
         ORDER BY proname, pg_get_function_identity_arguments(oid)",
    ];
    let database = Database::bare(Store::Postgres).await;
    Serve::on(&database).start().await.terminate().await;
    let mut connection = database.postgres().await;
    let mut text = String::new();
    for part in PARTS {
        let rows = sqlx::query(part).fetch_all(&mut connection).await.expect("the schema");
        for row in rows {
            writeln!(text, "{}", row.get::<String, _>(0).trim_end()).expect("text takes text");
        }
        text.push('\n');
    }
    hold("schema.postgres.txt", &text);
}
