//! Ringback's schema: numbered SQL files, the same numbers and names in both dialects.
//!
//! The package only carries them. Running them, and remembering in Ringback's own table which have run, is the
//! stores' work; `ringback migrate --print` shows them to teams with a migration tool of their own.

use sha2::{Digest as _, Sha256};

/// One step of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// Counted from 1, the same in both dialects.
    pub number: i32,
    /// What it brings, the file's name without number and ending.
    pub name: &'static str,
    sql: &'static str,
}

impl Migration {
    /// The statements for PostgreSQL with the schema's name put in, or for SQLite as they are.
    #[must_use]
    pub fn sql(&self, schema: &str) -> String {
        self.sql.replace("{schema}", schema)
    }

    /// SHA-256 of the file in hex: a migration that has run must never change.
    #[must_use]
    pub fn checksum(&self) -> String {
        hex::encode(Sha256::digest(self.sql.as_bytes()))
    }
}

macro_rules! migrations {
    ($dialect:literal: $($number:literal $name:literal),+ $(,)?) => {
        &[$(Migration {
            number: $number,
            name: $name,
            sql: include_str!(concat!("../", $dialect, "/", $number, "_", $name, ".sql")),
        }),+]
    };
}

/// For PostgreSQL 15 and later; `{schema}` stands for the schema's name.
pub const POSTGRES: &[Migration] =
    migrations!["postgres": 1 "life_of_an_event", 2 "tokens_and_audit", 3 "payloads_are_quick_to_read"];

/// For SQLite 3.51.3 and later; tables are prefixed `ringback_`.
pub const SQLITE: &[Migration] =
    migrations!["sqlite": 1 "life_of_an_event", 2 "tokens_and_audit", 3 "payloads_are_quick_to_read"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_dialects_have_the_same_numbers_and_names() {
        let names = |list: &[Migration]| list.iter().map(|step| (step.number, step.name)).collect::<Vec<_>>();
        assert_eq!(names(POSTGRES), names(SQLITE));
        for (index, step) in POSTGRES.iter().enumerate() {
            assert_eq!(usize::try_from(step.number), Ok(index + 1));
        }
    }
}
