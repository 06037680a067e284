//! `ringback replays`: replays by filter, newest first, and how far they are.

use ringback::{store::ReplayState, time::Timestamp};

use super::{filter::Moment, page::Paging, value};
use crate::{
    client::{Connection, views::Replay},
    failure::Result,
    print::Table,
};

/// List replays by filter
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback replays
  ringback replays --state running
  ringback replays --tenant acme --since 1d --json

Ends with 3 when there is none. `ringback replay --follow rpl_0198…` shows one until it has ended.")]
pub(crate) struct Replays {
    /// Only those in this state
    #[arg(long, value_parser = value::some_of(&ReplayState::ALL[1..]))]
    state: Option<String>,

    /// Only those whose filter names this tenant
    #[arg(long, value_parser = value::tenant)]
    tenant: Option<String>,

    /// Made from this moment on: 2026-01-31T02:30:00Z, or 2h for two hours ago
    #[arg(long, value_name = "WHEN")]
    since: Option<Moment>,

    /// Made before this moment
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,

    #[command(flatten)]
    paging: Paging,

    #[command(flatten)]
    connection: Connection,
}

impl Replays {
    /// Lists one page.
    pub(crate) async fn run(self) -> Result<()> {
        let moment = |moment: Option<Moment>| moment.map(|moment| moment.0.to_string());
        let query = [
            ("state", self.state),
            ("tenant", self.tenant),
            ("since", moment(self.since)),
            ("until", moment(self.until)),
        ];
        let query = query.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let client = self.connection.open().await?;
        self.paging.list(&client, "/v1/replays", query, "no replay matches", show).await
    }
}

fn show(replays: &[Replay]) {
    let now = Timestamp::now();
    let mut table = Table::new([
        "MADE",
        "STATE",
        "MATCHED",
        "RELEASED",
        "SKIPPED",
        "DELIVERED",
        "DEAD",
        "REPLAY",
        "FILTER",
        "NOTE",
    ]);
    for replay in replays {
        table.row([
            replay.created_at.map(|at| at.relative_to(now)).unwrap_or_default(),
            replay.state.clone(),
            replay.matched.to_string(),
            replay.released.to_string(),
            replay.skipped.to_string(),
            replay.delivered.to_string(),
            replay.dead.to_string(),
            replay.id.clone().unwrap_or_default(),
            conditions(replay),
            replay.note.clone().unwrap_or_default(),
        ]);
    }
    table.print();
}

/// `status=dead reason=exhausted`
fn conditions(replay: &Replay) -> String {
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    replay.filter.iter().map(|(name, value)| format!("{name}={}", text(value))).collect::<Vec<_>>().join(" ")
}
