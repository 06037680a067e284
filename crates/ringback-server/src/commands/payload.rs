//! `ringback payload EVENT`: the exact bytes of an event's payload, and nothing else.

use std::io::IsTerminal as _;

use ringback::id::EventId;

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

These are the bytes that were signed and sent, without a line's end behind them. On a terminal it
refuses what is no plain text. Ends with 3 when there is no such event, with 1 when its payload
was expunged or is no longer kept.")]
pub(crate) struct Payload {
    /// The event (evt_…)
    #[arg(value_name = "EVENT", value_parser = value::id::<EventId>)]
    event: String,

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
        let answer = self.connection.open().await?.get(&path, &[]).await?.accepted(false)?;
        if !self.force && std::io::stdout().is_terminal() && print::disturbs_terminal(&answer.body) {
            return Err(Failure::failed(
                "the payload is no plain text and may disturb the terminal: send it elsewhere (> FILE), or give --force",
            ));
        }
        print::raw(&answer.body);
        Ok(())
    }
}
