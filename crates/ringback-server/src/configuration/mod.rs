//! The configuration. One table of keys ([`keys`]), read from four sources; the first that has a key wins:
//!
//! 1. flags: `--retention-events 30d`
//! 2. environment: `RINGBACK_RETENTION_EVENTS=30d`
//! 3. file: `ringback.toml`, or the one that `--config` names
//! 4. the table's own defaults, which `config.default.toml` shows
//!
//! The finding for a wrong value names its key, its source and what would be right; a value that another source overrides is
//! not checked. Messages never repeat secrets.

mod environment;
mod file;
mod flags;
mod keys;
mod nearest;
mod reference;
mod settings;
mod value;
mod value_files;
mod values;

use self::settings::Settings;
pub(crate) use self::{
    flags::{Flags, StoreFlags},
    keys::Configuration,
    reference::REFERENCE,
    settings::{Finding, Given},
    values::{AuthorityFile, DatabaseUrl, LogFormat, Secret},
};
use crate::{
    failure::{Failure, Result},
    print,
};

/// The configuration with all its findings.
#[derive(Debug)]
pub(crate) struct Examined {
    /// All values; `None` if one is wrong.
    pub(crate) configuration: Option<Configuration>,
    /// The values that a source gives.
    pub(crate) given: Vec<Given>,
    /// What is wrong.
    pub(crate) findings: Vec<Finding>,
    /// What is probably a mistake.
    pub(crate) warnings: Vec<String>,
}

impl Configuration {
    /// Reads all sources; wrong values are returned as findings.
    pub(crate) fn examine(flags: &Flags) -> Examined {
        let (mut settings, mut findings) = (Settings::default(), Vec::new());
        file::read(flags.file.as_deref(), &mut settings, &mut findings);
        let mut warnings = environment::read(std::env::vars_os(), &mut settings, &mut findings);
        flags.put_into(&mut settings);
        warnings.extend(value_files::resolve(&mut settings, &mut findings));
        let configuration = Self::from_settings(&settings, &mut findings);
        Examined { configuration, given: settings.given(), findings, warnings }
    }

    /// Reads a file's text alone.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn of_file(text: &str) -> std::result::Result<Self, Vec<String>> {
        let (mut settings, mut findings) = (Settings::default(), Vec::new());
        file::read_text("ringback.toml", text, &mut settings, &mut findings);
        match Self::from_settings(&settings, &mut findings) {
            Some(configuration) if findings.is_empty() => Ok(configuration),
            _ => Err(findings.iter().map(ToString::to_string).collect()),
        }
    }

    /// Reads all sources; warnings go to standard error at once.
    ///
    /// # Errors
    /// [`Failure::Usage`] with every finding of every source.
    pub(crate) fn load(flags: &Flags) -> Result<Self> {
        let examined = Self::examine(flags);
        for warning in examined.warnings {
            print::note(format_args!("warning: {warning}"));
        }
        match examined.configuration {
            Some(configuration) if examined.findings.is_empty() => Ok(configuration),
            _ => Err(Failure::Usage(examined.findings.iter().map(ToString::to_string).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a file's text, variables and flags as `load` does.
    fn read(file: &str, variables: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Configuration, Vec<String>> {
        let (mut settings, mut findings) = (Settings::default(), Vec::new());
        file::read_text("ringback.toml", file, &mut settings, &mut findings);
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        environment::read(variables, &mut settings, &mut findings);
        for (key, value) in flags {
            settings.put(key, settings::Source::Flag, (*value).to_owned());
        }
        value_files::resolve(&mut settings, &mut findings);
        match Configuration::from_settings(&settings, &mut findings) {
            Some(configuration) if findings.is_empty() => Ok(configuration),
            _ => Err(findings.iter().map(ToString::to_string).collect()),
        }
    }

    #[test]
    fn flags_go_over_environment_over_file_over_defaults() {
        let file = "lease = \"4s\"\nschema = \"of_file\"\nheader_prefix = \"file-\"\n";
        let variables = [("RINGBACK_LEASE", "5s"), ("RINGBACK_SCHEMA", "of_variable")];
        let read = read(file, &variables, &[("lease", "6s")]).unwrap();
        assert_eq!(read.lease.0.as_secs(), 6);
        assert_eq!(read.schema.0, "of_variable");
        assert_eq!(read.header_prefix.0, "file-");
        assert_eq!(read.shutdown_grace.0.as_secs(), 30);
    }

    #[test]
    fn a_wrong_value_names_key_source_and_what_would_be_right() {
        let findings = read("[retention]\nevents = \"7 days\"\n", &[("RINGBACK_BIND", "8080")], &[("lease", "12")]);
        let findings = findings.unwrap_err();
        assert_eq!(findings.len(), 3, "{findings:?}");
        let told = |words: &[&str]| findings.iter().any(|line| words.iter().all(|word| line.contains(word)));
        assert!(told(&["retention.events", "ringback.toml", "7 days", "ms s m h d"]), "{findings:?}");
        assert!(told(&["bind", "RINGBACK_BIND", "\"8080\"", "127.0.0.1:8080"]), "{findings:?}");
        assert!(told(&["lease", "--lease", "\"12\"", "12s"]), "{findings:?}");
    }

    #[test]
    fn the_reference_file_says_what_is_so_without_it() {
        let written = format!("{:?}", read(REFERENCE, &[], &[]).unwrap());
        assert_eq!(written, format!("{:?}", read("", &[], &[]).unwrap()));
        assert_eq!(written, format!("{:?}", Configuration::of_file(REFERENCE).unwrap()));
    }

    #[test]
    fn a_wrong_value_that_is_overruled_is_no_error() {
        assert!(read("bind = \"nonsense\"\n", &[("RINGBACK_BIND", "127.0.0.1:0")], &[]).is_ok());
    }

    #[test]
    fn an_unknown_key_of_the_file_is_an_error_naming_the_nearest() {
        let findings = read("[egress]\nalow = [\"127.0.0.0/8\"]\n", &[], &[]).unwrap_err();
        assert!(findings[0].contains("egress.alow") && findings[0].contains("egress.allow"), "{findings:?}");
    }

    #[test]
    fn an_unknown_variable_is_a_warning_and_tests_keep_theirs() {
        let (mut settings, mut findings) = (Settings::default(), Vec::new());
        let names = ["RINGBACK_BNID", "RINGBACK_TEST_POSTGRES", "PATH", "RINGBACK_TOKEN"];
        let variables = names.map(|name| (name.into(), "x".into()));
        let warnings = environment::read(variables, &mut settings, &mut findings);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("RINGBACK_BNID") && warnings[0].contains("RINGBACK_BIND"));
        assert!(findings.is_empty());
    }

    #[test]
    fn secrets_are_not_repeated_in_findings() {
        let findings =
            read("", &[("RINGBACK_MASTER_KEY", "hunter2"), ("RINGBACK_ADMIN_TOKEN", "short")], &[]).unwrap_err();
        assert_eq!(findings.len(), 2);
        assert!(!findings.concat().contains("hunter2") && !findings.concat().contains("\"short\""), "{findings:?}");
    }

    #[test]
    fn a_value_may_stand_in_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.into_os_string().into_string().unwrap()
        };
        let (token, key) = (write("token", "a-token-of-sixteen-letters\r\n"), write("key", &"ab".repeat(32)));
        let old = write("old", &format!("{}\n{}\n", "01".repeat(32), "02".repeat(32)));
        let url = write("url", "sqlite://of-a-file.db\n");
        let file = format!("admin_token_file = {token:?}\n");
        let variables = [("RINGBACK_MASTER_KEY_FILE", &*key), ("RINGBACK_OLD_MASTER_KEYS_FILE", &*old)];
        let configuration = read(&file, &variables, &[("database_url_file", &url)]).unwrap();
        assert_eq!(configuration.admin_token.unwrap().0.expose(), "a-token-of-sixteen-letters");
        assert_eq!(configuration.master_key.unwrap().0.expose(), "ab".repeat(32));
        assert_eq!(configuration.old_master_keys.len(), 2);
        assert_eq!(configuration.database_url, DatabaseUrl::Sqlite("of-a-file.db".into()));
        // One line end is the editor's; what is beyond belongs to the value, and makes it wrong.
        let two = write("two", "hunter2-hunter2-hunter2\n\n");
        let findings = read("", &[("RINGBACK_ADMIN_TOKEN_FILE", &two)], &[]).unwrap_err();
        assert!(findings[0].contains("RINGBACK_ADMIN_TOKEN_FILE") && findings[0].contains(&two), "{findings:?}");
        assert!(!findings[0].contains("hunter2"), "{findings:?}");
    }

    #[test]
    fn a_value_and_a_file_for_it_are_an_error_that_names_both() {
        for (file, variable, flag, named) in [
            ("", ("RINGBACK_MASTER_KEY", "k"), ("master_key_file", "/k"), ["RINGBACK_MASTER_KEY", "--master-key-file"]),
            (
                "master_key_file = '/k'",
                ("RINGBACK_MASTER_KEY", "k"),
                ("lease", "12s"),
                ["RINGBACK_MASTER_KEY", "master_key_file in ringback.toml"],
            ),
            (
                "admin_token = 'k'",
                ("RINGBACK_ADMIN_TOKEN_FILE", "/k"),
                ("lease", "12s"),
                ["admin_token in ringback.toml", "RINGBACK_ADMIN_TOKEN_FILE"],
            ),
        ] {
            let findings = read(file, &[variable], &[flag]).unwrap_err();
            assert!(named.iter().all(|name| findings[0].contains(name)), "{findings:?}");
        }
        let findings = read("", &[("RINGBACK_MASTER_KEY_FILE", "/nowhere/key")], &[]).unwrap_err();
        assert!(
            findings[0].contains("RINGBACK_MASTER_KEY_FILE") && findings[0].contains("/nowhere/key"),
            "{findings:?}"
        );
    }

    #[test]
    fn weights_are_a_table_in_the_file_and_a_list_elsewhere() {
        let weight = |configuration: Configuration, tenant: &str| configuration.tenant_weights.0.get(tenant).copied();
        assert_eq!(weight(read("[tenant_weights]\nacme = 4\n\"a.b\" = 2\n", &[], &[]).unwrap(), "a.b"), Some(2));
        assert_eq!(weight(read("tenant_weights = \"acme=3\"\n", &[], &[]).unwrap(), "acme"), Some(3));
        let variable = ("RINGBACK_TENANT_WEIGHTS", "acme=5,b=1");
        assert_eq!(weight(read("[tenant_weights]\nacme = 4\n", &[variable], &[]).unwrap(), "acme"), Some(5));
        for wrong in ["[tenant_weights]\nacme = 0\n", "[tenant_weights]\nacme = \"4\"\n", "[bind]\nacme = 4\n"] {
            assert_eq!(read(wrong, &[], &[]).unwrap_err().len(), 1, "{wrong}");
        }
    }

    #[test]
    fn lists_and_switches_are_read_in_both_notations() {
        let file =
            "old_master_keys = []\n[egress]\nallow = [\"127.0.0.0/8\", \"10.0.0.0/8:9000\"]\nallow_http = true\n";
        assert_eq!(read(file, &[], &[]).unwrap().egress_allow.len(), 2);
        let variables = [("RINGBACK_EGRESS_ALLOW", "127.0.0.0/8, ::1/128"), ("RINGBACK_EGRESS_ALLOW_HTTP", "true")];
        let read = read("", &variables, &[]).unwrap();
        assert_eq!(read.egress_allow.len(), 2);
        assert!(read.egress_allow_http);
    }
}
