//! `ringback endpoints pause` and `resume`.

use super::{One, path_of};
use crate::failure::Result;

/// Hold an endpoint's deliveries until it is resumed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback endpoints pause ep_0198…
  ringback endpoints pause --tenant acme --key crm
  ringback deliveries --endpoint-id ep_0198… --status pending

Nothing is lost: events still become deliveries, which wait. What was held for longer than
expires_after is a dead letter.")]
pub(super) struct Pause {
    #[command(flatten)]
    one: One,
}

/// Send what an endpoint's pause held
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback endpoints resume ep_0198…
  ringback endpoints resume --tenant acme --key crm")]
pub(super) struct Resume {
    #[command(flatten)]
    one: One,
}

impl Pause {
    /// Pauses it.
    pub(super) async fn run(self) -> Result<()> {
        switch(&self.one, "/pause").await
    }
}

impl Resume {
    /// Resumes it.
    pub(super) async fn run(self) -> Result<()> {
        switch(&self.one, "/resume").await
    }
}

async fn switch(one: &One, action: &str) -> Result<()> {
    let (client, id) = one.find().await?;
    let answer = client.post(&path_of(&id, action), None).await?.accepted(one.json)?;
    one.show(&answer)
}
