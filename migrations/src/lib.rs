//! Ringback's schema: numbered SQL files, the same numbers and names in both dialects.
//!
//! The package only carries them. Running them, and remembering in Ringback's own table which have run, is the
//! stores' work; `ringback migrate --print` shows them to teams with a migration tool of their own.

use sha2::{Digest as _, Sha256};

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

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
pub const POSTGRES: &[Migration] = migrations!["postgres": 1 "life_of_an_event", 2 "tokens_and_audit", 3 "payloads_are_quick_to_read", 4 "ended_sessions", 5 "requests_are_made_once", 6 "erasing", 7 "options_are_bounded", 8 "clocks", 9 "witness_of_the_past", 10 "emitted_words_are_checked", 11 "holds_have_a_beginning", 12 "traces_and_own_types", 13 "links", 14 "figures", 15 "promises_of_events", 16 "filters_of_versions"];

/// For SQLite 3.51.3 and later; tables are prefixed `ringback_`.
pub const SQLITE: &[Migration] = migrations!["sqlite": 1 "life_of_an_event", 2 "tokens_and_audit", 3 "payloads_are_quick_to_read", 4 "ended_sessions", 5 "requests_are_made_once", 6 "erasing", 7 "options_are_bounded", 8 "clocks", 9 "witness_of_the_past", 10 "emitted_words_are_checked", 11 "holds_have_a_beginning", 12 "traces_and_own_types", 13 "links", 14 "figures", 15 "promises_of_events", 16 "filters_of_versions"];

#[cfg(test)]
mod tests {
    use super::*;

    /// What has run somewhere. A line is added with each migration; none is ever changed: a database that a migration ran
    /// on refuses a program with another one under its number.
    const RAN: [(&str, i32, &str); 32] = [
        ("postgres", 1, "ae7f05ad7ed50565d7af7ca461d89c2fd35d2d9b52af4f2f2c68eacb32775667"),
        ("postgres", 2, "41949b3db564a4fceb57a41da0c715f37009ba7d74288e176ac4f9db0bdc1dd7"),
        ("postgres", 3, "a9338937144edbab76af10521f13b4a5bb683a3233f052837adebb773bafda65"),
        ("postgres", 4, "552b92177acf9da6470a546a0c1368c9cfccf49f5e09635b08bd8469eb958e20"),
        ("postgres", 5, "56d53e6020d0e3530a5cae5388ba9992738e3cb86a2c99047cd816e89ef656a9"),
        ("postgres", 6, "40421b8cd3f8c2d8f929f778b03dedf2bfef0736be906b7c58c173d549dd6783"),
        ("postgres", 7, "af4abf7fadd88735b4d92ea8055c2ff5ca63b945c456af8e8317e7199ebc3036"),
        ("postgres", 8, "74dfd9d4166bad94310568ea597aae64738f49b1e20cb128caf48f8f58f20f6d"),
        ("postgres", 9, "f8da1e936343e097d32f3dc9ce7f36833911e88885d18cc204be678748edd849"),
        ("postgres", 10, "700124e5040f4962fca95e6f035703f4d21f1c11384b18a77f10014a0b71e1fb"),
        ("postgres", 11, "449dd9713681d5fc95265392bd78348d8e8de6b7b268ae3661e01bd65f92502d"),
        ("postgres", 12, "2f07b406d3752290866a7cb97e6be7c3a545c9b9a3f259339cee1b977fc3dd03"),
        ("postgres", 13, "e780de4582224bd0ab8ea001dd868af0c1c7db1629a3646e89951fa560b6fd6f"),
        ("postgres", 14, "fb7761a931aa780025832abddcf499918ce68e297902dddd1eb71854c782268b"),
        ("postgres", 15, "6e6784dd49bba3d91f0e53bff5bd6da5cb77b57137372d5df346e4b38440d156"),
        ("postgres", 16, "647f74c942890eb84883ed316ac5faea0adf48626c544759a7f65eb39b0f639b"),
        ("sqlite", 1, "072939ecc9428c5dc7666a7ee6756ed295eb844434977b8de32e44d8c9bd0845"),
        ("sqlite", 2, "22a4c8faffad382a8f9b5d9d3e9df2f928521acf8820d0c69692db8d6de94e58"),
        ("sqlite", 3, "c2e8a1a548b5f75b7e8a355f35573ef4c9c07f64c76261919b28d77c84347cdc"),
        ("sqlite", 4, "9db2fb563dc8e2509e6fcdd7ebce6b85196b59ce629521ebe401bf565e4d15f1"),
        ("sqlite", 5, "edcc3348dce246463cb953b023c83672c6e4d5e3114fdedd59f30c026bbf218a"),
        ("sqlite", 6, "2b2f13cdaf7dfb458fb16d5f79502d3969bc82436b958c6eab72a74fe988aee4"),
        ("sqlite", 7, "863ad475d6430629c99c059ee51bd4b4b3f160ae6e7934edf68c944dfa5b1029"),
        ("sqlite", 8, "50e4cfec51fe7ed01826f9dc362336422606fe4c68f282567c567614bf8ca20c"),
        ("sqlite", 9, "9a8fad4d4059b309e31e2548bf1af6e2a6b46b6953af97d5cbb28edcaf8d47d0"),
        ("sqlite", 10, "2739d63440e26b336f68e8eb0352745a7efcce99b413bbd5c335281eec113b87"),
        ("sqlite", 11, "9a5624c96f5da14b97876ffcb8304f2cf4b056d6fcfca789c4659cbe0211727e"),
        ("sqlite", 12, "f8a5fc9d23483776560139170102f324c69fe3acddc9853e77d060ce9d5c410c"),
        ("sqlite", 13, "7a42eb95ff552e9ec8c73a5a2c661ff1e437020c8ef1d86011e64e77e0897968"),
        ("sqlite", 14, "13ff3fd68720de37d21efb019a6ca9499b52ab455267d606ae036ab24eb15db6"),
        ("sqlite", 15, "5d346de58ef3c01773a5da833b44ff350176ecdd135c92d4f8ca6ae20a705166"),
        ("sqlite", 16, "38676032767ecf63f70867a85b22a424898716a16f09741b774342bd7bccac8c"),
    ];

    #[test]
    fn no_migration_has_changed_since_it_ran() {
        let named = |dialect, list: &[Migration]| -> Vec<_> {
            list.iter().map(|step| (dialect, step.number, step.checksum())).collect()
        };
        let now = [named("postgres", POSTGRES), named("sqlite", SQLITE)].concat();
        let ran = RAN.map(|(dialect, number, checksum)| (dialect, number, checksum.to_owned()));
        assert_eq!(now, ran);
    }

    #[test]
    fn both_dialects_have_the_same_numbers_and_names() {
        let names = |list: &[Migration]| list.iter().map(|step| (step.number, step.name)).collect::<Vec<_>>();
        assert_eq!(names(POSTGRES), names(SQLITE));
        for (index, step) in POSTGRES.iter().enumerate() {
            assert_eq!(usize::try_from(step.number), Ok(index + 1));
        }
    }
}
