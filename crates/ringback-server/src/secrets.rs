//! The two secrets that a node starts with: the master key, and the operator's token.
//!
//! With SQLite both are created for a new database and kept beside it, readable by its owner alone. If one is missing
//! later it was lost: a new one in its place would open nothing, and hide the loss. With PostgreSQL several nodes must
//! have the same secrets, so the operator gives them.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use rand::RngExt as _;
use ringback::{Engine, seal::MasterKeys, store::SharedStore};

use crate::{
    configuration::{Configuration, DatabaseUrl, Secret},
    failure::{Failure, Result},
};

/// Whether a missing key or token file may be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The store is new, and this process is the first to use it.
    Make,
    /// The store has been in use, or this command only reads.
    Refuse,
}

impl Missing {
    /// Whether a process that serves may create missing files: only if the store is new.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn of(store: &SharedStore) -> Result<Self> {
        let is_new = Engine::is_new(store).await.map_err(Failure::failed)?;
        Ok(if is_new { Self::Make } else { Self::Refuse })
    }
}

/// The admin token, and whether Ringback may show it.
#[derive(Debug)]
pub(crate) enum AdminToken {
    /// The operator's own, never printed.
    Given(Secret),
    /// Created by Ringback and kept beside the database; printed at every start.
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
            let path = beside(database, "key");
            read_or_make(&path, missing, MasterKeys::generate_text, || lost_key(database, &path))?
        }
        (None, DatabaseUrl::Postgres(_)) => return Err(Failure::usage(required("master_key", "RINGBACK_MASTER_KEY"))),
    };
    let old: Vec<String> = configuration.old_master_keys.iter().map(|key| key.0.expose().to_owned()).collect();
    MasterKeys::parse(current.expose(), &old).map_err(|error| Failure::usage(format!("master_key: {error}")))
}

/// The file beside the database that has the master key. `None` if the operator gives the key.
pub(crate) fn key_file(configuration: &Configuration) -> Option<PathBuf> {
    match (&configuration.master_key, &configuration.database_url) {
        (None, DatabaseUrl::Sqlite(database)) => Some(beside(database, "key")),
        _ => None,
    }
}

/// Checks that all required secrets are given, before anything is created that would be left behind.
///
/// # Errors
/// [`Failure::Usage`] when it is not.
pub(crate) fn check_given(configuration: &Configuration) -> Result<()> {
    if configuration.admin_token.is_none() {
        database_for_made_token(configuration).map_err(Failure::usage)?;
    }
    match (&configuration.master_key, &configuration.database_url) {
        (None, DatabaseUrl::Postgres(_)) => Err(Failure::usage(required("master_key", "RINGBACK_MASTER_KEY"))),
        _ => Ok(()),
    }
}

/// Creates key and token of a new SQLite database, since the next command may be one that does not create them.
///
/// # Errors
/// When they cannot be created.
pub(crate) fn make_for_new(configuration: &Configuration) -> Result<()> {
    master_keys(configuration, Missing::Make)?;
    if configuration.admin_token.is_none() && database_for_made_token(configuration).is_ok() {
        admin_token(configuration, Missing::Make)?;
    }
    Ok(())
}

/// The token that may do everything.
///
/// # Errors
/// [`Failure::Usage`] when one is required and none is given, or the kept one is lost or not readable.
pub(crate) fn admin_token(configuration: &Configuration, missing: Missing) -> Result<AdminToken> {
    if let Some(token) = &configuration.admin_token {
        return Ok(AdminToken::Given(token.0.clone()));
    }
    let database = database_for_made_token(configuration).map_err(Failure::usage)?;
    let path = beside(database, "token");
    read_or_make(&path, missing, random_token, || lost_token(database, &path)).map(AdminToken::Generated)
}

/// The database beside which a token may be created, if none is given; or why one must be given.
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

fn lost_key(database: &Path, file: &Path) -> String {
    format!(
        "the key file {} is missing, and {} has data that it sealed: put it back, give the key as master_key, or, if it is \
         lost for good, `ringback rekey --key-is-lost` makes another, after which every endpoint needs a new secret",
        file.display(),
        database.display()
    )
}

fn lost_token(database: &Path, file: &Path) -> String {
    let (file, database) = (file.display(), database.display());
    format!(
        "the token file {file} is missing, and {database} is not new: put it back, give a token as --admin-token or \
         RINGBACK_ADMIN_TOKEN, or make another with `(umask 077; openssl rand -hex 32 > {file})`"
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

fn read_or_make(
    path: &Path,
    missing: Missing,
    make: impl FnOnce() -> String,
    lost: impl FnOnce() -> String,
) -> Result<Secret> {
    let unusable = |error: std::io::Error| Failure::usage(format!("{} cannot be used: {error}", path.display()));
    match fs::read_to_string(path) {
        Ok(text) => Ok(Secret::new(text.trim().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound && missing == Missing::Make => {
            keep(path, &make()).map_err(unusable)?;
            // Another process may have been faster: then its file counts.
            fs::read_to_string(path).map(|text| Secret::new(text.trim().to_owned())).map_err(unusable)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Failure::usage(lost())),
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
        let first = read_or_make(&path, Missing::Make, random_token, String::new).unwrap();
        let second = read_or_make(&path, Missing::Make, random_token, String::new).unwrap();
        assert_eq!(first, second);
        assert_eq!(first.expose().len(), 64);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_command_that_only_looks_makes_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.db.key");
        assert!(read_or_make(&path, Missing::Refuse, random_token, String::new).is_err());
        assert!(!path.exists());
    }
}
