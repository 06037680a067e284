//! `ringback endpoints get`.

use super::{One, path_of};
use crate::failure::Result;

/// Show one endpoint and its policy
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback endpoints get ep_0198…
  ringback endpoints get --tenant acme --key crm
  ringback endpoints get ep_0198… --json | jq '.retry'")]
pub(super) struct Get {
    #[command(flatten)]
    one: One,
}

impl Get {
    /// Shows it.
    pub(super) async fn run(self) -> Result<()> {
        let (client, id) = self.one.find().await?;
        let answer = client.get(&path_of(&id, ""), &[]).await?.accepted(self.one.json)?;
        self.one.show(&answer)
    }
}
