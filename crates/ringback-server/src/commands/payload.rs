//! `ringback payload EVENT`: the exact bytes of an event's payload, or of the body that an endpoint gets; nothing else.

use std::io::IsTerminal as _;

use ringback::id::{EndpointId, EventId};

use super::value;
use crate::{
    client::{Connection, segment},
    failure::{Failure, Result},
    print,
};

/// Write an event's payload to standard output, byte for byte
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback payload evt_0198… > body.json
  ringback payload evt_0198… | jq .
  ringback payload evt_0198… | sha256sum
  ringback payload evt_0198… --sent --endpoint-id ep_0198… | jq .

These are the bytes as they were emitted, without a line's end behind them, and with --sent the
bytes that are signed and sent: the same, unless the endpoint's body makes something else of them.
On a terminal it refuses what is no plain text. Ends with 3 when there is no such event, or no such
delivery of it, with 1 when its payload was expunged or is no longer kept.")]
pub(crate) struct Payload {
    /// The event (evt_…)
    #[arg(value_name = "EVENT", value_parser = value::id::<EventId>)]
    event: String,

    /// The body of its requests instead, as the endpoint's body makes it now
    #[arg(long)]
    sent: bool,

    /// Whose requests (ep_…); may be left out where the event has one delivery
    #[arg(long, value_name = "ENDPOINT", requires = "sent", value_parser = value::id::<EndpointId>)]
    endpoint_id: Option<String>,

    /// Write to a terminal, too, what may disturb it
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    connection: Connection,
}

impl Payload {
    /// Writes it.
    pub(crate) async fn run(self) -> Result<()> {
        let path = format!("/v1/events/{}/payload", segment(&self.event));
        let which = self.sent.then(|| ("as", "sent".to_owned()));
        let endpoint = self.endpoint_id.map(|id| ("endpoint_id", id));
        let query: Vec<_> = which.into_iter().chain(endpoint).collect();
        let answer = self.connection.open().await?.get(&path, &query).await?.accepted(false)?;
        if !self.force && std::io::stdout().is_terminal() && print::disturbs_terminal(&answer.body) {
            return Err(Failure::failed(
                "the payload is no plain text and may disturb the terminal: send it elsewhere (> FILE), or give --force",
            ));
        }
        print::raw(&answer.body);
        Ok(())
    }
}
