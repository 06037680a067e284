//! `ringback discard DELIVERY…`: dead letters that nobody wants to have sent again.

use http::Method;
use ringback::id::DeliveryId;

use super::{each::each, value};
use crate::{
    client::{Client, Connection, segment, views::Delivery},
    failure::{Failure, Result},
    print::{self, plain},
};

/// Discard dead letters: they become cancelled, and are not sent again
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback discard dlv_0198…
  ringback discard $(ringback dead-letters --reason unroutable --json | jq -r '.items[].id')

The event and what was tried stay readable. The audit log names who did it. Ends with 3 when one
is no dead letter. The API's answer is empty, so --json prints nothing.")]
pub(crate) struct Discard {
    /// Dead letters to discard
    #[arg(value_name = "DELIVERY", required = true, value_parser = value::id::<DeliveryId>)]
    deliveries: Vec<String>,

    /// Print the API's answers
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

impl Discard {
    /// Discards each.
    pub(crate) async fn run(self) -> Result<()> {
        let client = self.connection.open().await?;
        each(&self.deliveries, "not every dead letter could be discarded", async |id| self.one(&client, id).await).await
    }

    async fn one(&self, client: &Client, id: &str) -> Result<()> {
        let path = format!("/v1/deliveries/{}", segment(id));
        let delivery: Delivery = client.get(&path, &[]).await?.accepted(self.json)?.read()?;
        if delivery.status != "dead" {
            return Err(Failure::NothingFound(format!("it is no dead letter, but {}", delivery.status)));
        }
        let path = format!("/v1/dead-letters/{}", segment(id));
        client.change(Method::DELETE, &path, None, None).await?.accepted(self.json)?;
        if !self.json {
            let reason = delivery.dead_reason.as_deref().unwrap_or("given up");
            print::line(plain(&format!("{id} to {} was dead ({reason}) and is cancelled now", delivery.to())));
        }
        Ok(())
    }
}
