//! `ringback endpoints list`.

use ringback::time::Timestamp;

use super::super::{page::Paging, value};
use crate::{
    client::{Connection, views::Endpoint},
    failure::Result,
    print::{Table, Tone},
};

/// List endpoints, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback endpoints list
  ringback endpoints list --tenant acme --json | jq -r '.items[].id'

Ends with 3 when there is none.")]
pub(super) struct List {
    /// Of this tenant
    #[arg(long, value_parser = value::tenant)]
    tenant: Option<String>,

    #[command(flatten)]
    paging: Paging,

    #[command(flatten)]
    connection: Connection,
}

impl List {
    /// Lists one page.
    pub(super) async fn run(self) -> Result<()> {
        let client = self.connection.open().await?;
        let of_any = self.tenant.is_none();
        let query = self.tenant.map(|tenant| ("tenant", tenant)).into_iter().collect();
        let show = |endpoints: &[Endpoint]| show(endpoints, of_any);
        self.paging.list(&client, "/v1/endpoints", query, "there is no endpoint", show).await
    }
}

/// With the tenants unless only one was asked for.
fn show(endpoints: &[Endpoint], of_any: bool) {
    let table = Table::new(["ENDPOINT", "TENANT", "KEY", "STATE", "SINCE", "WAITING", "SCHEME", "SELECTS", "TO"]);
    let mut table = table.toned("STATE", tone).only_if("TENANT", of_any);
    let now = Timestamp::now();
    for endpoint in endpoints {
        table.row([
            endpoint.id.clone(),
            endpoint.tenant.clone(),
            endpoint.key.clone().unwrap_or_default(),
            endpoint.state(),
            endpoint.health.as_ref().map(|health| health.since.relative_to(now)).unwrap_or_default(),
            endpoint.health.as_ref().map(|health| health.pending.to_string()).unwrap_or_default(),
            endpoint.scheme.name().to_owned(),
            endpoint.selects(),
            endpoint.url.clone(),
        ]);
    }
    table.print();
}

/// The colour of an endpoint's state.
fn tone(state: &str) -> Tone {
    match state {
        "enabled" | "ok" => Tone::Good,
        "idle" => Tone::Plain,
        "paused" => Tone::Pending,
        held if held.starts_with("held") => Tone::Pending,
        _ => Tone::Bad,
    }
}
