//! The schema as text, for teams whose own migration tool runs it.

use ringback_migrations::POSTGRES;

use crate::schema::MEMORY;

/// Every statement that [`crate::Postgres::migrate`] would run on an empty database, including the records that the
/// migrations have run: after them `migrate` finds nothing to do. `schema` must be a plain lower-case identifier.
#[must_use]
pub fn schema_text(schema: &str) -> String {
    let memory = MEMORY.replace("{schema}", schema);
    let mut text = format!("{memory};\n");
    for step in POSTGRES {
        let record = format!(
            "INSERT INTO {schema}.migration (number, name, checksum) VALUES ({}, '{}', '{}');",
            step.number,
            step.name,
            step.checksum()
        );
        text.push_str(&format!("\n{}\n{record}\n", step.sql(schema).trim_end()));
    }
    text
}
