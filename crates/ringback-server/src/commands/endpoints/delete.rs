//! `ringback endpoints delete`.

use http::Method;

use super::{One, seen::Seen};
use crate::{failure::Result, print};

/// Delete an endpoint: its pending deliveries are cancelled, its dead letters stay readable
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback endpoints delete ep_0198…

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
        let (client, path) = (self.one.client().await?, self.one.path(""));
        client.change(Method::DELETE, &path, None, self.seen.if_match).await?.accepted(self.one.json)?;
        if !self.one.json {
            print::line(format!("{} is deleted", self.one.endpoint));
        }
        Ok(())
    }
}
