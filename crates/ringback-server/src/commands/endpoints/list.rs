//! `ringback endpoints list`.

use super::super::{page::Paging, value};
use crate::{
    client::{Connection, views::Endpoint},
    failure::Result,
    print::Table,
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
        let query = self.tenant.map(|tenant| ("tenant", tenant)).into_iter().collect();
        self.paging.list(&client, "/v1/endpoints", query, "there is no endpoint", show).await
    }
}

fn show(endpoints: &[Endpoint]) {
    let mut table = Table::new(["ENDPOINT", "TENANT", "KEY", "STATE", "SCHEME", "SELECTS", "TO"]);
    for endpoint in endpoints {
        table.row([
            endpoint.id.clone(),
            endpoint.tenant.clone(),
            endpoint.key.clone().unwrap_or_default(),
            endpoint.state(),
            endpoint.scheme.name().to_owned(),
            endpoint.selects(),
            endpoint.url.clone(),
        ]);
    }
    table.print();
}
