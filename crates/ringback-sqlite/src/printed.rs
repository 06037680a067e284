//! The schema as text, for teams whose own migration tool runs it.

use ringback_migrations::SQLITE;

/// Every statement that [`crate::Sqlite::migrate`] would run on an empty file, including the records that the migrations
/// have run: after them `migrate` finds nothing to do.
#[must_use]
pub fn schema_text() -> String {
    let mut text =
        format!("{};\n", include_str!("../sql/schema/create_migration_table.sql").trim_end().trim_end_matches(';'));
    for step in SQLITE {
        let record = format!(
            "INSERT INTO ringback_migration (number, name, checksum, run_at) \
             VALUES ({}, '{}', '{}', unixepoch('now') * 1000000);",
            step.number,
            step.name,
            step.checksum()
        );
        text.push_str(&format!("\n{}\n{record}\n", step.sql("").trim_end()));
    }
    text
}
