//! What it takes an open store to see: whether it takes writes, its clock, the receivers of its endpoints, its queue.

use ringback::{Engine, store::SharedStore};

use super::{Finding, Severity, clocks, egress, queue};
use crate::{
    configuration::Configuration,
    secrets::{self, Missing},
    stores::{self, Schema},
};

/// Nothing if the store or its key cannot be had, or no engine was ever opened on it: `check-config`'s look says so.
pub(super) async fn check(configuration: &Configuration) -> Vec<Finding> {
    let Ok(store) = stores::open(configuration, Schema::Check).await else { return Vec::new() };
    let mut findings = vec![writes(&store).await];
    let Ok(keys) = secrets::master_keys(configuration, Missing::Refuse) else { return findings };
    match Engine::knows_keys(&store, &keys).await {
        Ok(Some(true)) => {}
        // An engine that is opened on a new store would leave its key's mark there.
        Ok(None) => {
            findings.push(Finding::fine("queue", "no node has run on this database yet"));
            return findings;
        }
        Ok(Some(false)) | Err(_) => return findings,
    }
    let settings = stores::settings(configuration, keys);
    let allowed = settings.egress.clone();
    match Engine::open(store, settings).await {
        Ok(engine) => {
            findings.push(clocks::check(&engine).await);
            match engine.directory().await {
                Ok(directory) => findings.extend(egress::names(&directory, &allowed).await),
                Err(error) => findings.push(Finding::wrong("database", error.to_string())),
            }
            findings.extend(queue::check(&engine).await);
        }
        // A store that takes no writes is told already.
        Err(_) if findings.iter().any(|finding| finding.severity == Severity::Wrong) => {}
        Err(error) => findings.push(Finding::wrong("database", error.to_string())),
    }
    findings
}

async fn writes(store: &SharedStore) -> Finding {
    match store.probe().await {
        Ok(()) => Finding::fine("database", "it takes writes"),
        Err(error) => Finding::wrong("database", format!("it takes no writes: {error}"))
            .remedy("see that its disk has room, and that it is not read-only"),
    }
}
