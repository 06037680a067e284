//! `ringback endpoints delete`.

use http::Method;

use super::{One, path_of, seen::Seen};
use crate::{failure::Result, print};

/// Delete an endpoint: its pending deliveries are cancelled, its dead letters stay readable
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback endpoints delete ep_0198…
  ringback endpoints delete --tenant acme --key crm

To stop sending for a while without losing what is owed, `ringback endpoints pause`.")]
pub(super) struct Delete {
    #[command(flatten)]
    seen: Seen,

    #[command(flatten)]
    one: One,
}

impl Delete {
    /// Deletes it. The API's answer is empty, so `--json` prints nothing.
    pub(super) async fn run(self) -> Result<()> {
        let (client, id) = self.one.find().await?;
        client.change(Method::DELETE, &path_of(&id, ""), None, self.seen.if_match).await?.accepted(self.one.json)?;
        if !self.one.json {
            print::line(format!("{id} is deleted"));
        }
        Ok(())
    }
}
