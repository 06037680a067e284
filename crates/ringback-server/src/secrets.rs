//! The two secrets that a node starts with: the master key, and the token of the one who runs it.
//!
//! On SQLite both are made when missing and kept beside the database, readable by its owner alone. On PostgreSQL
//! several nodes must agree on them, so the operator gives them.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use rand::RngExt as _;
use ringback::seal::MasterKeys;

use crate::{
    configuration::{Configuration, DatabaseUrl, Secret},
    failure::{Failure, Result},
};

/// Whether a missing key file may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The process that serves brings the store to life.
    Make,
    /// A command that only looks must not.
    Refuse,
}

/// The admin token, and whether it is ours to show.
#[derive(Debug)]
pub(crate) enum AdminToken {
    /// The operator's own, never printed.
    Given(Secret),
    /// Made by Ringback and kept beside the database: printed at every start.
    Generated(Secret),
}

impl AdminToken {
    /// The token itself.
    pub(crate) const fn secret(&self) -> &Secret {
        match self {
            Self::Given(secret) | Self::Generated(secret) => secret,
        }
    }
}

/// The keys that seal secrets at rest.
///
/// # Errors
/// [`Failure::Usage`] when there is no key, or it is not one.
pub(crate) fn master_keys(configuration: &Configuration, missing: Missing) -> Result<MasterKeys> {
    let current = match (&configuration.master_key, &configuration.database_url) {
        (Some(key), _) => key.0.clone(),
        (None, DatabaseUrl::Sqlite(database)) => {
            read_or_make(&beside(database, "key"), missing, MasterKeys::generate_text)?
        }
        (None, DatabaseUrl::Postgres(_)) => return Err(Failure::usage(required("master_key", "RINGBACK_MASTER_KEY"))),
    };
    let old: Vec<String> = configuration.old_master_keys.iter().map(|key| key.0.expose().to_owned()).collect();
    MasterKeys::parse(current.expose(), &old).map_err(|error| Failure::usage(format!("master_key: {error}")))
}

/// The token that may do everything.
///
/// # Errors
/// [`Failure::Usage`] when one is required and none is given, or the kept one is not readable.
pub(crate) fn admin_token(configuration: &Configuration) -> Result<AdminToken> {
    if let Some(token) = &configuration.admin_token {
        return Ok(AdminToken::Given(token.0.clone()));
    }
    let database = database_for_made_token(configuration).map_err(Failure::usage)?;
    read_or_make(&beside(database, "token"), Missing::Make, random_token).map(AdminToken::Generated)
}

/// Beside which database a token may be made where none was given; or why one must be given.
pub(crate) fn database_for_made_token(configuration: &Configuration) -> Result<&Path, String> {
    if !configuration.bind.ip().is_loopback() {
        let bind = configuration.bind;
        return Err(format!(
            "bind is {bind}, which others can reach, so admin_token must be given: `openssl rand -hex 32` makes one \
             for RINGBACK_ADMIN_TOKEN; or bind to 127.0.0.1"
        ));
    }
    match &configuration.database_url {
        DatabaseUrl::Sqlite(database) => Ok(database),
        DatabaseUrl::Postgres(_) => Err(required("admin_token", "RINGBACK_ADMIN_TOKEN")),
    }
}

fn required(key: &str, variable: &str) -> String {
    format!(
        "{key} is required with PostgreSQL, the same on every node: `openssl rand -hex 32` makes one for {variable}"
    )
}

/// 32 random bytes in hex.
pub(crate) fn random_token() -> String {
    hex::encode(rand::rng().random::<[u8; 32]>())
}

/// `ringback.db` and `key` make `ringback.db.key`.
fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

fn read_or_make(path: &Path, missing: Missing, make: impl FnOnce() -> String) -> Result<Secret> {
    let unusable = |error: std::io::Error| Failure::usage(format!("{} cannot be used: {error}", path.display()));
    match fs::read_to_string(path) {
        Ok(text) => Ok(Secret::new(text.trim().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound && missing == Missing::Make => {
            keep(path, &make()).map_err(unusable)?;
            // Another process may have been faster: what the file says counts.
            fs::read_to_string(path).map(|text| Secret::new(text.trim().to_owned())).map_err(unusable)
        }
        Err(error) => Err(unusable(error)),
    }
}

/// Writes a new file with mode 0600, whole or not at all; one that exists stays as it is.
fn keep(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".ringback-").tempfile_in(folder)?;
    writeln!(file, "{text}")?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_made_secret_is_kept_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = beside(&folder.path().join("r.db"), "token");
        let first = read_or_make(&path, Missing::Make, random_token).unwrap();
        let second = read_or_make(&path, Missing::Make, random_token).unwrap();
        assert_eq!(first, second);
        assert_eq!(first.expose().len(), 64);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_command_that_only_looks_makes_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.db.key");
        assert!(read_or_make(&path, Missing::Refuse, random_token).is_err());
        assert!(!path.exists());
    }
}
