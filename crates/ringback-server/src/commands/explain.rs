//! `ringback explain EVENT`: which endpoints got an event and why the others did not, how its deliveries ended, and by which
//! policy.

use std::collections::HashMap;

use ringback::id::EventId;

use super::{value, whole::Whole};
use crate::{
    client::{
        Client, Connection,
        views::{Endpoint, Event, Routing},
    },
    failure::{Failure, Result},
    print::{self, Paint, Table, plain},
    screen,
};

/// Explain why each endpoint did or did not get an event
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback explain evt_0198…
  ringback explain evt_0198… --json | jq '.routing'
  ringback find call-42 --json | jq -r '.items[].id' | xargs -n 1 ringback explain

Shows what routing decided by the configuration of that time, every delivery with its attempts,
and the policy that is in effect now. Ends with 3 when there is no such event.")]
pub(crate) struct Explain {
    /// The event (evt_…); `ringback find` gives it for a key
    #[arg(value_name = "EVENT", value_parser = event_id)]
    event: String,

    /// Print the API's answer
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

/// Most endpoints whose present state is looked up.
const ENDPOINTS_MAX: usize = 50;

impl Explain {
    /// Explains one event.
    pub(crate) async fn run(self) -> Result<()> {
        let client = self.connection.open().await?;
        let whole = Whole::load(&client, &self.event, self.json).await?;
        if self.json {
            whole.answer.print();
            return Ok(());
        }
        let paint = Paint::stdout();
        let endpoints = endpoints(&client, &whole.event).await?;
        screen::head(&whole.event, paint);
        verdicts(&whole.event, &endpoints, paint);
        whole.show_deliveries(paint);
        policies(&whole.event, &endpoints, paint);
        Ok(())
    }
}

/// An event's id. The error for other texts suggests `find`, since a key is the most likely mistake.
fn event_id(text: &str) -> Result<String, String> {
    value::id::<EventId>(text).map_err(|error| format!("{error}; if it is a key: ringback find {}", plain(text)))
}

/// The endpoints that routing decided about, as they are now, without deleted ones.
async fn endpoints(client: &Client, event: &Event) -> Result<HashMap<String, Endpoint>> {
    let mut endpoints = HashMap::new();
    for id in event.routing.iter().filter_map(|routing| routing.endpoint_id.as_ref()).take(ENDPOINTS_MAX) {
        match client.get(&format!("/v1/endpoints/{id}"), &[]).await?.accepted(false) {
            Ok(answer) => drop(endpoints.insert(id.clone(), answer.read()?)),
            Err(Failure::NothingFound(_)) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(endpoints)
}

fn verdicts(event: &Event, endpoints: &HashMap<String, Endpoint>, paint: Paint) {
    print::line("");
    print::line(paint.strong("Routing"));
    if event.routing.is_empty() {
        print::line(format!("  {}", without_verdicts(event)));
        return;
    }
    let mut table = Table::new(["  ENDPOINT", "VERDICT", "WHY"]);
    for routing in &event.routing {
        let now = routing.endpoint_id.as_ref().map(|id| endpoints.get(id));
        table.row([format!("  {}", name(routing)), routing.verdict.clone(), why(routing, event, now)]);
    }
    table.print();
}

fn without_verdicts(event: &Event) -> &'static str {
    match event.state.as_str() {
        "unrouted" => "not decided yet: a node that serves decides within a moment",
        "duplicate" => "not routed: the same event came before, and that one was",
        _ if event.deliveries.is_empty() => "the tenant had no endpoint at that time",
        _ => "it went to the destination that came with it, and to no endpoint",
    }
}

fn name(routing: &Routing) -> String {
    match (&routing.endpoint_id, &routing.endpoint_key) {
        (Some(id), Some(key)) => format!("{id} ({key})"),
        (Some(id), None) => id.clone(),
        (None, Some(key)) => format!("({key})"),
        (None, None) => "the destination of its own".to_owned(),
    }
}

/// Why an endpoint got the event or did not, and whether its present configuration would decide otherwise.
fn why(routing: &Routing, event: &Event, now: Option<Option<&Endpoint>>) -> String {
    let reason = match (routing.verdict.as_str(), routing.reason.as_deref()) {
        ("delivery", _) => match &routing.filter_failed {
            Some(why) => format!("it selected {}, and its filter failed: {why}", event.event_type),
            None => format!("it selected {}", event.event_type),
        },
        (_, Some(reason)) => screen::skipped_because(reason).to_owned(),
        (_, None) => "no reason is kept".to_owned(),
    };
    let now = match now {
        Some(None) => "; deleted since".to_owned(),
        Some(Some(endpoint)) if routing.reason.as_deref() == Some("type_not_selected") => {
            format!("; it selects {} now", endpoint.selects())
        }
        _ => String::new(),
    };
    format!("{reason}{now}")
}

fn policies(event: &Event, endpoints: &HashMap<String, Endpoint>, paint: Paint) {
    let owed = event.deliveries.iter().filter_map(|delivery| delivery.endpoint_id.as_ref());
    let mut shown = Vec::new();
    for id in owed {
        let Some(endpoint) = endpoints.get(id).filter(|_| !shown.contains(&id)) else { continue };
        shown.push(id);
        print::line("");
        screen::policy(endpoint, Some(event.accepted_at), paint);
    }
    if event.deliveries.iter().any(|delivery| delivery.endpoint_id.is_none()) {
        print::line("");
        print::line(paint.strong("Policy of the destination of its own"));
        print::line("  as it came with the event, over the preset external");
    }
}
