//! Whether the database answers, has the schema of this program, and was sealed with the master key at hand.

use std::path::Path;

use ringback::{Engine, store::SharedStore};

use super::finding::Finding;
use crate::{
    configuration::{Configuration, DatabaseUrl},
    failure::Failure,
    secrets::{self, Missing},
    stores::{self, Schema},
};

/// Looks at database and master key.
pub(super) async fn check(configuration: &Configuration) -> Vec<Finding> {
    match &configuration.database_url {
        DatabaseUrl::Sqlite(path) if !path.exists() => absent(path, configuration),
        _ => present(configuration).await,
    }
}

/// A SQLite file is made at the first start, and its key with it.
fn absent(path: &Path, configuration: &Configuration) -> Vec<Finding> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A file that is taken away again at once is the only proof that one can be made.
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
        findings.push(Finding::fine("master_key", "made beside the database at the first start, unless it is there"));
    }
    findings
}

async fn present(configuration: &Configuration) -> Vec<Finding> {
    match stores::open(configuration, Schema::Check).await {
        Ok(store) => {
            let fine = Finding::fine("database_url", "the database answers and has the schema of this program");
            vec![fine, master_key(configuration, &store).await]
        }
        Err(failure) => {
            // What is wrong about the key is worth knowing even while the database is away.
            let key = secrets::master_keys(configuration, Missing::Refuse).err();
            let wrong = Finding::wrong("database_url", words(failure));
            std::iter::once(wrong).chain(key.map(|failure| Finding::wrong("master_key", words(failure)))).collect()
        }
    }
}

async fn master_key(configuration: &Configuration, store: &SharedStore) -> Finding {
    let keys = match secrets::master_keys(configuration, Missing::Refuse) {
        Ok(keys) => keys,
        Err(failure) => return Finding::wrong("master_key", words(failure)),
    };
    match Engine::knows_keys(store, &keys).await {
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
