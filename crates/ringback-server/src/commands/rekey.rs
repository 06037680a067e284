//! `ringback rekey`: seals everything anew under the current master key, so that older ones can be removed.

use std::time::{Duration, Instant};

use ringback::{
    Engine,
    audit::{Actor, Who},
    operate::rekey::Rekeyed,
    store::SharedStore,
};
use serde_json::json;

use crate::{
    configuration::{Configuration, StoreFlags},
    failure::{Failure, Result},
    print,
    secrets::{self, Missing},
    stores::{self, Schema},
};

/// Seal everything anew under the present master key
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  RINGBACK_MASTER_KEY=$new RINGBACK_OLD_MASTER_KEYS=$old ringback rekey
  ringback rekey --json

Nodes may go on working meanwhile. The order in which a key is changed:
  1. Add the new key to old_master_keys of every node, and restart them: all can read it.
  2. Make it the master_key of every node, with the one before among old_master_keys.
  3. Run this command with the same two settings, until it ends with 0.
  4. Remove the one before from old_master_keys.
It may be interrupted and run again: what the present key sealed is passed over. Pages of lists and
sessions of people that an old key sealed end when that key is removed.
Ends with 1 if something could not be opened by any key, or a node goes on sealing under an old one.")]
pub(crate) struct Rekey {
    /// Give up the key that sealed what is there: what no given key opens stays unreadable until it is replaced
    #[arg(long)]
    key_is_lost: bool,

    /// Print the counts as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    flags: StoreFlags,
}

/// Between two lines of progress.
const PACE: Duration = Duration::from_secs(1);

impl Rekey {
    /// Seals anew and prints the result.
    pub(crate) async fn run(self) -> Result<()> {
        let configuration = Configuration::load(&self.flags.0)?;
        let store = stores::open(&configuration, Schema::Check).await?;
        let by = Actor::from(Who::CommandLine);
        let missing = if self.key_is_lost { Missing::Make } else { Missing::Refuse };
        let keys = secrets::master_keys(&configuration, missing)?;
        if self.key_is_lost && Engine::forget_lost_key(&store, &keys, &by).await.map_err(Failure::failed)? {
            print::note("the lost key is given up; this one is the database's from now on");
        }
        let engine = Engine::open(SharedStore::clone(&store), stores::settings(&configuration, keys))
            .await
            .map_err(Failure::failed)?;
        let rekeyed = engine.rekey(&by, progress()).await.map_err(Failure::failed)?;
        self.tell(&rekeyed);
        outcome(&rekeyed)
    }

    fn tell(&self, rekeyed: &Rekeyed) {
        let Rekeyed { endpoints, destinations, requests, is_complete, .. } = rekeyed;
        if self.json {
            let report = json!({
                "resealed": rekeyed.resealed(),
                "unopened": rekeyed.unopened(),
                "complete": is_complete,
                "endpoints": {"resealed": endpoints.resealed, "unopened": endpoints.unopened},
                "destinations": {"resealed": destinations.resealed, "unopened": destinations.unopened},
                "requests": {"resealed": requests.resealed, "unopened": requests.unopened},
            });
            print::line(report.to_string());
            return;
        }
        print::line(format!(
            "{} rows re-sealed: {} of endpoints, {} of events with a destination of their own, {} of requests under an \
             Idempotency-Key",
            rekeyed.resealed(),
            endpoints.resealed,
            destinations.resealed,
            requests.resealed
        ));
        if rekeyed.unopened() == 0 && *is_complete {
            print::line("everything is sealed under the present key; older ones can be removed from old_master_keys");
        }
    }
}

/// The result for scripts: an error if older keys are still needed.
fn outcome(rekeyed: &Rekeyed) -> Result<()> {
    if !rekeyed.is_complete {
        return Err(Failure::failed(
            "something is sealed under an older key again and again: a running node still has it as its master_key; give \
             every node the present one, then run this again",
        ));
    }
    match rekeyed.unopened() {
        0 => Ok(()),
        count => Err(Failure::failed(format!(
            "{count} rows could not be opened ({} of endpoints, {} of events): put the key that sealed them among \
             old_master_keys and run this again, or give those endpoints new secrets",
            rekeyed.endpoints.unopened, rekeyed.destinations.unopened
        ))),
    }
}

/// Prints the progress on standard error, once a second.
fn progress() -> impl FnMut(&Rekeyed) + Send {
    let mut told = Instant::now();
    move |rekeyed| {
        if told.elapsed() < PACE {
            return;
        }
        told = Instant::now();
        let line = format!(
            "look {}: {} endpoints and {} destinations looked at, {} rows re-sealed",
            rekeyed.looks,
            rekeyed.endpoints.looked_at,
            rekeyed.destinations.looked_at,
            rekeyed.resealed()
        );
        print::note(line);
    }
}
