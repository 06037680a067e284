//! `ringback endpoints delete`.

use super::One;
use crate::{failure::Result, print};

/// Delete an endpoint: its pending deliveries are cancelled, its dead letters stay readable
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback endpoints delete ep_0198…

To stop sending for a while without losing what is owed, `ringback endpoints pause`.")]
pub(super) struct Delete {
    #[command(flatten)]
    one: One,
}

impl Delete {
    /// Deletes it. The API has nothing to say about that, and neither has `--json`.
    pub(super) async fn run(self) -> Result<()> {
        self.one.client().await?.delete(&self.one.path("")).await?.accepted(self.one.json)?;
        if !self.one.json {
            print::line(format!("{} is deleted", self.one.endpoint));
        }
        Ok(())
    }
}
