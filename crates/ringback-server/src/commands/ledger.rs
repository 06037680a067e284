//! `ringback ledger`: what was accepted, what is owed, and what became of it.

use super::{span::Span, value};
use crate::{
    client::{Connection, views},
    failure::{Failure, Result},
    print, screen,
};

/// Count what was accepted and what became of it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback ledger
  ringback ledger --tenant acme --since 2026-01-01T00:00:00Z --until 2026-02-01T00:00:00Z
  ringback ledger --json | jq .deliveries.dead

Both lines add up, or it ends with 1. --since and --until go by when the events were accepted, for
deliveries as well; what retention has dropped counts by whole UTC days.")]
pub(crate) struct Ledger {
    /// Of this tenant
    #[arg(long, value_parser = value::tenant)]
    tenant: Option<String>,

    #[command(flatten)]
    span: Span,

    /// Print the API's answer
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

impl Ledger {
    /// Prints both sums.
    pub(crate) async fn run(self) -> Result<()> {
        let query: Vec<_> =
            self.tenant.map(|tenant| ("tenant", tenant)).into_iter().chain(self.span.fields()).collect();
        let answer = self.connection.open().await?.get("/v1/ledger", &query).await?.accepted(self.json)?;
        let ledger: views::Ledger = answer.read()?;
        if self.json {
            answer.print();
        } else {
            screen::ledger(&ledger).into_iter().for_each(print::line);
        }
        if ledger.adds_up() { Ok(()) } else { Err(Failure::failed("the ledger does not add up: something was lost")) }
    }
}
