//! `ringback top`: how much waits, what is held and who fails most, on one screen.

mod drawn;
mod screen;
mod snapshot;

use std::{io::IsTerminal as _, time::Duration};

use self::{
    screen::Screen,
    snapshot::{Ledgers, Snapshot},
};
use super::value;
use crate::{
    client::Connection,
    failure::{Failure, Result},
    print::{self, Paint},
    serve::signals::Signals,
};

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(2);

/// Watch the ledger, the backlog, held destinations and those that fail most
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback top
  ringback top --tenant acme
  ringback top --once
  ringback top --json | jq '.destinations[0]'

Looks every two seconds until Ctrl-C; without a terminal, and with --once or --json, once. The
ledger is that of the events of the last 24 hours; `ringback ledger` counts all. The destinations are
those of the dead letters of the last 24 hours, counted exactly, and of the newest 1,000 pending
deliveries, the worst first.")]
pub(crate) struct Top {
    /// Of this tenant
    #[arg(long, value_parser = value::tenant)]
    tenant: Option<String>,

    /// Look once and end
    #[arg(long)]
    once: bool,

    /// Look once, and print what was found as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

impl Top {
    /// Watches until a signal, or looks once.
    pub(crate) async fn run(self) -> Result<()> {
        let mut signals = Signals::listen()?;
        let client = self.connection.open().await?;
        let (tenant, mut ledgers) = (self.tenant.as_deref(), Ledgers::default());
        if self.json || self.once || !std::io::stdout().is_terminal() {
            let snapshot = Snapshot::take(&client, tenant, &mut ledgers).await?;
            if self.json {
                print::line(serde_json::to_string(&snapshot).map_err(Failure::failed)?);
            } else {
                drawn::lines(&snapshot, tenant, Paint::stdout()).into_iter().for_each(print::line);
            }
            return Ok(());
        }
        let screen = Screen::open();
        loop {
            let snapshot = tokio::select! {
                snapshot = Snapshot::take(&client, tenant, &mut ledgers) => snapshot?,
                () = signals.next() => return Ok(()),
            };
            screen.show(&drawn::lines(&snapshot, tenant, Paint::stdout()));
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = signals.next() => return Ok(()),
            }
        }
    }
}
