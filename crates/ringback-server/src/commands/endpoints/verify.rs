//! `ringback endpoints verify`.

use super::{One, test};
use crate::failure::Result;

/// Have the receiver of one endpoint prove that it wants what is sent there
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback endpoints verify ep_0198…
  ringback endpoints verify --tenant acme --key crm --wait

A signed event of type webhook.verification goes out with {\"challenge\": \"…\"}, also while the
endpoint is held. The endpoint is verified once an answer of success holds the challenge; `ringback
endpoints get` shows when. Another URL has to be verified anew.")]
pub(super) struct Verify {
    /// Wait for what becomes of it
    #[arg(long)]
    wait: bool,

    #[command(flatten)]
    one: One,
}

impl Verify {
    /// Sends the challenge, and waits for what becomes of it or says where to look.
    pub(super) async fn run(self) -> Result<()> {
        test::send(self.one, "/verify", None, self.wait).await
    }
}
