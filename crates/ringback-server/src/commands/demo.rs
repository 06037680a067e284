//! `ringback demo`.

use crate::{
    demo::{self, Temper},
    failure::Result,
};

/// See in a minute what Ringback does, with everything real and nothing installed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback demo
  ringback demo --once
  ringback demo --once --without healthy     (a story that goes wrong, and a status that says so)

Nothing leaves this machine: the database is a temporary file, the receivers listen on 127.0.0.1.")]
pub(crate) struct Demo {
    /// End when the story does, with 0 only if every step came out as told
    #[arg(long)]
    once: bool,

    /// Leave a receiver out
    #[arg(long, value_name = "RECEIVER")]
    without: Vec<Temper>,
}

impl Demo {
    /// Tells the story.
    pub(crate) async fn run(self) -> Result<()> {
        demo::tell(&self.without, self.once).await
    }
}
