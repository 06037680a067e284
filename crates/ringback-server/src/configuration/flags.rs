//! The first source: a flag for every key, made from the table of keys.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, value_parser};

use super::{
    keys::{self, Key},
    settings::{Settings, Source},
};

/// The flags that were given. Flatten it into a command that needs configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    /// The file that `--config` names.
    pub(super) file: Option<PathBuf>,
    /// Keys and texts.
    given: Vec<(&'static str, String)>,
}

impl Flags {
    fn read(matches: &ArgMatches, keys: impl Iterator<Item = &'static Key>) -> Self {
        let given = |key: &'static Key| Some((key.name, matches.get_one::<String>(key.name)?.clone()));
        Self { file: matches.get_one::<PathBuf>("config").cloned(), given: keys.filter_map(given).collect() }
    }

    /// Puts what was given into `settings`.
    pub(super) fn put_into(&self, settings: &mut Settings) {
        for (key, text) in &self.given {
            settings.put(key, Source::Flag, text.clone());
        }
    }
}

/// The same for commands that only open the store: all flags are taken, those that matter are shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct StoreFlags(pub(crate) Flags);

/// A key that such commands do not take: endpoints have a flag of this name, and nothing is disabled by a command's own engine.
const OF_SERVERS: &str = "disable_after";

fn of_stores() -> impl Iterator<Item = &'static Key> {
    keys::all().filter(|key| key.name != OF_SERVERS)
}

/// What it takes to open a store.
const STORE_KEYS: [&str; 4] = ["database_url", "schema", "master_key", "old_master_keys"];

impl Args for StoreFlags {
    fn augment_args(command: Command) -> Command {
        let hide = |arg: Arg, key: &Key| arg.hide(!STORE_KEYS.contains(&key.name));
        of_stores().fold(command.arg(config_file()), |command, key| command.arg(hide(flag(key), key)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for StoreFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(Flags::read(matches, of_stores())))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        keys::all().fold(command.arg(config_file()), |command, key| command.arg(flag(key)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self::read(matches, keys::all()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The heading of the flags in `--help`.
const HEADING: &str = "Configuration (also by RINGBACK_* variables and ringback.toml)";

fn config_file() -> Arg {
    Arg::new("config")
        .long("config")
        .value_name("FILE")
        .env("RINGBACK_CONFIG")
        .hide_env(true)
        .value_parser(value_parser!(PathBuf))
        .help("Read this file instead of ringback.toml")
        .help_heading(HEADING)
}

fn flag(key: &'static Key) -> Arg {
    let arg = Arg::new(key.name).long(key.flag()).value_name(key.value_name).help(key.help()).help_heading(HEADING);
    if key.is_switch {
        // `--egress-allow-http` alone means true.
        arg.num_args(0..=1).default_missing_value("true")
    } else {
        arg
    }
}
