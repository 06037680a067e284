//! Checks whether the database answers, has the schema of this program, and was sealed with the configured master key; and
//! whether the files of a SQLite database are private.

use std::path::Path;

use ringback::{Engine, seal::MasterKeys, store::SharedStore};
use ringback_sqlite::Options;

use super::finding::Finding;
use crate::{
    configuration::{Configuration, DatabaseUrl},
    exposed::exposed_beside,
    failure::Failure,
    secrets::{self, Missing},
    stores::{self, Schema},
};

/// Looks at database and master key.
pub(super) async fn check(configuration: &Configuration) -> Vec<Finding> {
    match &configuration.database_url {
        DatabaseUrl::Sqlite(path) if !path.exists() => absent(path, configuration),
        DatabaseUrl::Sqlite(path) => {
            let mut findings = present(configuration).await;
            findings.extend(exposed_beside(path).into_iter().map(|why| Finding::warning(None, why)));
            findings
        }
        DatabaseUrl::Postgres(_) => present(configuration).await,
    }
}

/// The findings for a SQLite file that does not exist: the first start creates it, and its key.
fn absent(path: &Path, configuration: &Configuration) -> Vec<Finding> {
    if let Some(trace) = Options::new(path).trace() {
        return vec![Finding::wrong("database_url", stores::lost(path, &trace))];
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Creating a file and removing it at once is the only proof that one can be created.
    let can_make = tempfile::Builder::new().prefix(".ringback-").tempfile_in(folder);
    let database = match can_make {
        Ok(_) => Finding::fine("database_url", format!("{} is made at the first start", path.display())),
        Err(error) => {
            let why = format!("{} cannot be made: {}: {error}", path.display(), folder.display());
            Finding::wrong("database_url", why)
        }
    };
    let mut findings = vec![database];
    if configuration.master_key.is_none() {
        findings.push(Finding::fine("master_key", "made beside the database at the first start"));
    }
    findings
}

async fn present(configuration: &Configuration) -> Vec<Finding> {
    match stores::open(configuration, Schema::Check).await {
        Ok(store) => {
            let fine = Finding::fine("database_url", "the database answers and has the schema of this program");
            let mut findings = vec![fine];
            findings.extend(secrets_of(configuration, &store).await);
            findings
        }
        Err(failure) => {
            // A wrong key is reported even while the database is away.
            let key = secrets::master_keys(configuration, Missing::Refuse).err();
            let wrong = Finding::wrong("database_url", words(failure));
            std::iter::once(wrong).chain(key.map(|failure| Finding::wrong("master_key", words(failure)))).collect()
        }
    }
}

/// A new database gets its key and token at the first start; one that is in use must have them.
async fn secrets_of(configuration: &Configuration, store: &SharedStore) -> Vec<Finding> {
    let is_new = match Missing::of(store).await {
        Ok(missing) => missing == Missing::Make,
        Err(failure) => return vec![Finding::wrong("database_url", words(failure))],
    };
    let is_sqlite = matches!(configuration.database_url, DatabaseUrl::Sqlite(_));
    let keys = secrets::master_keys(configuration, Missing::Refuse);
    let mut findings = match keys {
        Ok(keys) => sealed(&keys, configuration, store).await,
        Err(_) if is_new && is_sqlite => {
            vec![Finding::fine("master_key", "made beside the database at the first start")]
        }
        Err(failure) => vec![Finding::wrong("master_key", words(failure))],
    };
    // If no token can be made at all, the check of `bind` reports it.
    if configuration.admin_token.is_none() && secrets::database_for_made_token(configuration).is_ok() && !is_new {
        let lost = secrets::admin_token(configuration, Missing::Refuse).err();
        findings.extend(lost.map(|failure| Finding::wrong("admin_token", words(failure))));
    }
    findings
}

async fn sealed(keys: &MasterKeys, configuration: &Configuration, store: &SharedStore) -> Vec<Finding> {
    let mut findings = vec![master_key(keys, store).await];
    match Engine::needs_old_keys(store, keys).await {
        Ok(true) if !configuration.old_master_keys.is_empty() => {
            let why = "what is sealed may still need them: `ringback rekey` seals it anew, then they can be removed";
            findings.push(Finding::fine("old_master_keys", why));
        }
        Ok(false) if !configuration.old_master_keys.is_empty() => {
            let why = "no longer needed once `ringback rekey` has ended with status 0 and every node has the new key";
            findings.push(Finding::fine("old_master_keys", why));
        }
        _ => {}
    }
    match Engine::count_unreadable(store, keys).await {
        Ok(0) => {}
        Ok(count) => {
            let why = format!(
                "{count} endpoint{} cannot be read and {} held as unreadable: put the key that sealed {} among \
                 old_master_keys, or give {} a new secret",
                if count == 1 { "" } else { "s" },
                if count == 1 { "is" } else { "are" },
                if count == 1 { "it" } else { "them" },
                if count == 1 { "it" } else { "each" },
            );
            findings.push(Finding::warning(Some("master_key"), why));
        }
        Err(error) => findings.push(Finding::wrong("database_url", error.to_string())),
    }
    findings
}

async fn master_key(keys: &MasterKeys, store: &SharedStore) -> Finding {
    match Engine::knows_keys(store, keys).await {
        Ok(Some(true)) => Finding::fine("master_key", "the one that this database's secrets were sealed with"),
        Ok(Some(false)) => {
            let why = "not the one that this database's secrets were sealed with: give that one, or give it among \
                       old_master_keys";
            Finding::wrong("master_key", why)
        }
        Ok(None) => Finding::fine("master_key", "nothing is sealed in this database yet"),
        Err(error) => Finding::wrong("database_url", error.to_string()),
    }
}

fn words(failure: Failure) -> String {
    match failure {
        Failure::Failed(why) | Failure::NothingFound(why) => why,
        Failure::Usage(findings) => findings.join("; "),
    }
}
