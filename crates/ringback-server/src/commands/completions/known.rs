//! What only this Ringback knows: its tenants, and the ids and keys of its endpoints.

use std::{collections::BTreeSet, time::Duration};

use clap::{Arg, Command, Parser as _};
use clap_complete::{ArgValueCandidates, CompletionCandidate};

use crate::{
    client::{
        Connection,
        views::{Endpoint, Page},
    },
    failure::Result,
};

/// Nobody waits longer for a completion.
const PATIENCE: Duration = Duration::from_secs(2);

/// The command with candidates for the values that only a store knows.
pub(super) fn completed(command: Command) -> Command {
    of(command, false)
}

fn of(command: Command, is_of_endpoints: bool) -> Command {
    let is_of_endpoints = is_of_endpoints || command.get_name() == "endpoints";
    let command = command.mut_args(|arg| with_candidates(arg, is_of_endpoints));
    command.mut_subcommands(|command| of(command, is_of_endpoints))
}

fn with_candidates(arg: Arg, is_of_endpoints: bool) -> Arg {
    match arg.get_id().as_str() {
        "tenant" => arg.add(ArgValueCandidates::new(tenants)),
        "endpoint" | "endpoint_id" => arg.add(ArgValueCandidates::new(ids)),
        "endpoint_keys" => arg.add(ArgValueCandidates::new(keys)),
        "key" if is_of_endpoints => arg.add(ArgValueCandidates::new(keys)),
        _ => arg,
    }
}

fn tenants() -> Vec<CompletionCandidate> {
    let tenants: BTreeSet<_> = endpoints().into_iter().map(|endpoint| endpoint.tenant).collect();
    tenants.into_iter().map(CompletionCandidate::new).collect()
}

fn ids() -> Vec<CompletionCandidate> {
    let told = |endpoint: Endpoint| {
        let what = endpoint.name.or(endpoint.key).unwrap_or(endpoint.url);
        CompletionCandidate::new(endpoint.id).help(Some(format!("{}: {what}", endpoint.tenant).into()))
    };
    endpoints().into_iter().map(told).collect()
}

fn keys() -> Vec<CompletionCandidate> {
    let told = |endpoint: Endpoint| {
        let key = CompletionCandidate::new(endpoint.key?);
        Some(key.help(Some(format!("{}: {}", endpoint.tenant, endpoint.name.unwrap_or(endpoint.url)).into())))
    };
    endpoints().into_iter().filter_map(told).collect()
}

/// A page of endpoints; none if nobody answers in time.
fn endpoints() -> Vec<Endpoint> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Vec::new() };
    let asked = runtime.block_on(async { tokio::time::timeout(PATIENCE, ask()).await });
    let mut endpoints = asked.ok().and_then(Result::ok).map(|page| page.items).unwrap_or_default();
    endpoints.sort_by(|one, other| (&one.key, &one.id).cmp(&(&other.key, &other.id)));
    endpoints
}

/// The flags that say whom to ask, as they are without a command line: from the environment and the configuration.
#[derive(clap::Parser)]
struct Asking {
    #[command(flatten)]
    connection: Connection,
}

async fn ask() -> Result<Page<Endpoint>> {
    let asking = Asking::try_parse_from(["ringback"]).map_err(crate::failure::Failure::failed)?;
    let client = asking.connection.open().await?;
    let page = client.get("/v1/endpoints", &[("limit", "1000".to_owned())]).await?.accepted(false)?.read();
    crate::stores::close().await;
    page
}
