//! `ringback events`: lists events, newest first.

use ringback::{store::EventState, time::Timestamp};

use super::{page::Paging, span::Span, value};
use crate::{
    client::{Connection, views::Event},
    failure::Result,
    print::{Table, Tone, bytes},
};

/// List events
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback events --tenant acme --since 1h
  ringback events --type call.ended --limit 200
  ringback events --metadata campaign=spring --since 7d
  ringback events --key call-42 --json | jq -r '.items[].id'

--since and --until go by when the events were accepted. Ends with 3 when there is none. `ringback
explain EVENT` shows what became of one, `ringback payload EVENT` what it holds.")]
pub(crate) struct Events {
    /// Of this tenant
    #[arg(long, value_parser = value::tenant)]
    tenant: Option<String>,

    /// Of this type
    #[arg(long = "type", value_name = "TYPE", value_parser = value::event_type)]
    event_type: Option<String>,

    /// With this key
    #[arg(long, value_parser = value::key)]
    key: Option<String>,

    /// With this entry among their metadata; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = value::entry)]
    metadata: Vec<(String, String)>,

    /// That became this in routing
    #[arg(long, value_parser = value::word::<EventState>())]
    state: Option<String>,

    #[command(flatten)]
    span: Span,

    #[command(flatten)]
    paging: Paging,

    #[command(flatten)]
    connection: Connection,
}

impl Events {
    /// Lists one page.
    pub(crate) async fn run(self) -> Result<()> {
        let of_any = self.tenant.is_none();
        let query = [("tenant", self.tenant), ("type", self.event_type), ("key", self.key), ("state", self.state)];
        let metadata = value::entries(&self.metadata)?;
        let names: Vec<_> = metadata.keys().map(|name| format!("metadata.{name}")).collect();
        let mut query: Vec<(&str, String)> =
            query.into_iter().filter_map(|(name, value)| Some((name, value?))).chain(self.span.fields()).collect();
        query.extend(names.iter().map(String::as_str).zip(metadata.values().map(|value| (*value).to_owned())));
        let client = self.connection.open().await?;
        let show = |events: &[Event]| show(events, of_any);
        self.paging.list(&client, "/v1/events", query, "no event matches", show).await
    }
}

/// With the tenants unless only one was asked for.
pub(super) fn show(events: &[Event], of_any: bool) {
    let now = Timestamp::now();
    let table = Table::new(["ACCEPTED", "STATE", "PAYLOAD", "TENANT", "TYPE", "KEY", "EVENT"]);
    let mut table = table.toned("STATE", tone).only_if("TENANT", of_any);
    for event in events {
        table.row([
            event.accepted_at.relative_to(now),
            event.state.clone(),
            if event.expunged_at.is_some() { "expunged".to_owned() } else { bytes(event.payload_bytes) },
            event.tenant.clone(),
            event.event_type.clone(),
            event.key.clone().unwrap_or_default(),
            event.id.clone(),
        ]);
    }
    table.print();
}

/// The colour of an event's state: what went to nobody is probably looked for.
fn tone(state: &str) -> Tone {
    match state {
        "unrouted" | "unmatched" => Tone::Pending,
        "duplicate" => Tone::Faint,
        _ => Tone::Plain,
    }
}
