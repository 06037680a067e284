//! `ringback find KEY|ID`: "customer X says they never got the webhook for call Y". One screen shows whether the platform
//! emitted the event, which endpoints got it and why others did not, what was sent when, the answers, and what comes next.
//!
//! What a text stands for is the API's answer (`GET /v1/find`); this command only asks for the details that it shows.

use ringback::operate::find::Sought;

use super::{events, value, whole::Whole};
use crate::{
    client::{
        Client, Connection, segment,
        views::{Delivery, Endpoint, Event, Page, Replay},
    },
    failure::{Failure, Result},
    print::{self, Paint, moment, plain},
    screen,
};

/// Find everything that happened to the events of a call
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback find call-42
  ringback find 1711646262471x768387119913843100 --tenant acme
  ringback find evt_0198… | less
  ringback find dlv_0198…
  ringback find call-4                  # the keys that begin so
  ringback find call-42 --json | jq -r '.items[].id'

Ends with 3 and says so when nothing with this key or id is stored.")]
pub(crate) struct Find {
    /// The platform's own id for the thing, such as a session id or a call id, or its beginning; an idempotency key; or an id
    /// of Ringback's: evt_… dlv_… ep_… rpl_…
    #[arg(value_name = "KEY", value_parser = value::sought)]
    key: String,

    /// Only of this tenant; replays have none of their own
    #[arg(long, value_parser = value::tenant)]
    tenant: Option<String>,

    /// Print the API's answer
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

/// Most events shown in full: a key stands for one call, and a call has a handful of events.
const SHOWN_MAX: usize = 20;

/// The API's answer.
#[derive(Debug, serde::Deserialize)]
struct Found {
    items: Vec<Item>,
    nearest: Vec<String>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Item {
    Event(Box<Event>),
    Delivery(Box<Delivery>),
    Endpoint(Box<Endpoint>),
    Replay(Box<Replay>),
}

impl Find {
    /// Shows what has the id, or every event with the key, newest first.
    pub(crate) async fn run(self) -> Result<()> {
        let client = self.connection.open().await?;
        let mut query = vec![("q", self.key.clone())];
        query.extend(self.tenant.clone().map(|tenant| ("tenant", tenant)));
        let answer = client.get("/v1/find", &query).await?.accepted(self.json)?;
        if self.json {
            answer.print();
        }
        let found: Found = answer.read()?;
        if found.items.is_empty() {
            return Err(Failure::NothingFound(self.absence(&client, &found.nearest).await?));
        }
        if self.json { Ok(()) } else { self.show(&client, found.items).await }
    }

    /// The message if nothing was found: it says what was searched, so that people can believe it.
    async fn absence(&self, client: &Client, nearest: &[String]) -> Result<String> {
        let mut query = vec![("limit", "1".to_owned())];
        query.extend(self.tenant.clone().map(|tenant| ("tenant", tenant)));
        let newest: Page<Event> = client.get("/v1/events", &query).await?.accepted(false)?.read()?;
        let of_whom = self.tenant.as_ref().map_or_else(|| "any tenant".to_owned(), |tenant| format!("tenant {tenant}"));
        let newest = newest.items.first().map_or_else(
            || "no event at all is stored there".to_owned(),
            |event| format!("the newest event there was accepted at {}", moment::clock(event.accepted_at)),
        );
        let key = &self.key;
        let sought = match kind(key) {
            Some(kind) => format!("no {kind} with the id {key} and no event with that key is stored"),
            None => format!("no event with the key or idempotency key {key:?} was handed in"),
        };
        let beside = match nearest {
            [] => String::new(),
            keys => format!("; keys beside it: {}", keys.join(", ")),
        };
        Ok(plain(&format!("{sought} for {of_whom}; {newest}{beside}")))
    }

    async fn show(&self, client: &Client, items: Vec<Item>) -> Result<()> {
        let paint = Paint::stdout();
        let mut listed = Vec::new();
        for item in items {
            match item {
                Item::Event(event) => listed.push(*event),
                Item::Delivery(delivery) => show_delivery(client, &delivery.id, paint).await?,
                Item::Endpoint(endpoint) => screen::policy(&endpoint, None, paint),
                Item::Replay(replay) => show_replay(&self.key, &replay),
            }
        }
        if !listed.is_empty() && listed.iter().all(|event| self.is_only_its_beginning(event)) {
            print::note(format_args!("no event has the key {:?}; these keys begin with it", plain(&self.key)));
            events::show(&listed, self.tenant.is_none());
            return Ok(());
        }
        for (index, event) in listed.iter().take(SHOWN_MAX).enumerate() {
            if index > 0 {
                print::line("");
            }
            show_event(client, &event.id, paint).await?;
        }
        if listed.len() > SHOWN_MAX {
            print::line(plain(&format!("there are more events with this key: ringback events --key {}", self.key)));
        }
        Ok(())
    }

    fn is_only_its_beginning(&self, event: &Event) -> bool {
        let is_it = |text: &Option<String>| text.as_ref() == Some(&self.key);
        event.id != self.key && !is_it(&event.key) && !is_it(&event.idempotency_key)
    }
}

/// What kind of thing an id names; `None` for a key.
fn kind(text: &str) -> Option<&'static str> {
    match Sought::of(text)? {
        Sought::Event(_) => Some("event"),
        Sought::Delivery(_) => Some("delivery"),
        Sought::Endpoint(_) => Some("endpoint"),
        Sought::Replay(_) => Some("replay"),
        Sought::Key(_) => None,
    }
}

async fn show_event(client: &Client, id: &str, paint: Paint) -> Result<()> {
    let whole = Whole::load(client, id, false).await?;
    screen::event(&whole.event, paint);
    whole.show_deliveries(paint);
    Ok(())
}

async fn show_delivery(client: &Client, id: &str, paint: Paint) -> Result<()> {
    let path = format!("/v1/deliveries/{}", segment(id));
    let delivery: Delivery = client.get(&path, &[]).await?.accepted(false)?.read()?;
    let path = format!("/v1/events/{}", segment(&delivery.event_id));
    let event: Event = client.get(&path, &[]).await?.accepted(false)?.read()?;
    screen::head(&event, paint);
    screen::delivery(&delivery, &event, paint);
    Ok(())
}

fn show_replay(id: &str, replay: &Replay) {
    let Replay { state, matched, released, skipped, remaining, delivered, dead, .. } = replay;
    print::line(plain(&format!(
        "{id} {state}: {matched} matched, {released} released, {skipped} skipped, {remaining} remaining; so far {delivered} \
         delivered, {dead} dead again"
    )));
}
