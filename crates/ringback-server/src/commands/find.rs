//! `ringback find KEY|ID`: "customer X says they never got the webhook for call Y". One screen shows whether the platform
//! emitted the event, which endpoints got it and why others did not, what was sent when, the answers, and what comes next.

use ringback::id::{DeliveryId, EndpointId, EventId, ReplayId};

use super::{value, whole::Whole};
use crate::{
    client::{
        Answer, Client, Connection, segment,
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
  ringback find call-42 --json | jq -r '.items[].id'

Ends with 3 and says so when nothing with this key or id is stored.")]
pub(crate) struct Find {
    /// The platform's own id for the thing, such as a session id or a call id; or an id of Ringback's: evt_… dlv_… ep_… rpl_…
    #[arg(value_name = "KEY", value_parser = value::key)]
    key: String,

    /// Only of this tenant; replays have none of their own
    #[arg(long, value_parser = value::tenant)]
    tenant: Option<String>,

    /// Print the API's list of the events with a key, or its answer for an id
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

/// Most events shown in full: a key stands for one call, and a call has a handful of events.
const SHOWN_MAX: usize = 20;

impl Find {
    /// Shows what has the id, or every event with the key, newest first.
    pub(crate) async fn run(self) -> Result<()> {
        let client = self.connection.open().await?;
        if let Some(kind) = Kind::of(&self.key)
            && let Some(answer) = self.by_id(&client, kind).await?
        {
            return self.show_one(&client, kind, &answer).await;
        }
        let mut query = vec![("key", self.key.clone()), ("limit", SHOWN_MAX.to_string())];
        query.extend(self.tenant.clone().map(|tenant| ("tenant", tenant)));
        let answer = client.get("/v1/events", &query).await?.accepted(self.json)?;
        let page: Page<Event> = answer.read()?;
        if self.json {
            answer.print();
        }
        if page.items.is_empty() {
            return Err(Failure::NothingFound(self.absence(&client).await?));
        }
        if !self.json {
            show(&client, &page).await?;
        }
        Ok(())
    }

    /// The message if nothing was found: it says what was searched, so that people can believe it.
    async fn absence(&self, client: &Client) -> Result<String> {
        let mut query = vec![("limit", "1".to_owned())];
        query.extend(self.tenant.clone().map(|tenant| ("tenant", tenant)));
        let newest: Page<Event> = client.get("/v1/events", &query).await?.accepted(false)?.read()?;
        let of_whom = self.tenant.as_ref().map_or_else(|| "any tenant".to_owned(), |tenant| format!("tenant {tenant}"));
        let newest = newest.items.first().map_or_else(
            || "no event at all is stored there".to_owned(),
            |event| format!("the newest event there was accepted at {}", moment::clock(event.accepted_at)),
        );
        let key = &self.key;
        let sought = match Kind::of(key) {
            Some(kind) => format!("no {} with the id {key} and no event with that key is stored", kind.name()),
            None => format!("no event with the key {key:?} was handed in"),
        };
        let mut query = vec![("q", key.clone())];
        query.extend(self.tenant.clone().map(|tenant| ("tenant", tenant)));
        let beside: Beside = client.get("/v1/find", &query).await?.accepted(false)?.read()?;
        let beside = match beside.keys() {
            keys if keys.is_empty() => String::new(),
            keys => format!("; keys beside it: {}", keys.join(", ")),
        };
        Ok(plain(&format!("{sought} for {of_whom}; {newest}{beside}")))
    }

    /// The API's answer for an id; `None` if nothing has the id, or it belongs to another tenant.
    async fn by_id(&self, client: &Client, kind: Kind) -> Result<Option<Answer>> {
        let answer = match client.get(&kind.path(&self.key), &[]).await?.accepted(false) {
            Err(Failure::NothingFound(_)) => return Ok(None),
            answer => answer?,
        };
        let found: serde_json::Value = answer.read()?;
        let is_of = |tenant: &String| found.get("tenant").is_none_or(|owner| owner == tenant);
        Ok(Some(answer).filter(|_| self.tenant.as_ref().is_none_or(is_of)))
    }

    async fn show_one(&self, client: &Client, kind: Kind, answer: &Answer) -> Result<()> {
        let paint = Paint::stdout();
        if self.json {
            answer.print();
            return Ok(());
        }
        match kind {
            Kind::Event => {
                let whole = Whole::load(client, &self.key, false).await?;
                screen::event(&whole.event, paint);
                whole.show_deliveries(paint);
            }
            Kind::Delivery => {
                let delivery: Delivery = answer.read()?;
                let path = format!("/v1/events/{}", segment(&delivery.event_id));
                let event: Event = client.get(&path, &[]).await?.accepted(false)?.read()?;
                screen::head(&event, paint);
                screen::delivery(&delivery, &event, paint);
            }
            Kind::Endpoint => screen::policy(&answer.read::<Endpoint>()?, None, paint),
            Kind::Replay => show_replay(&self.key, &answer.read()?),
        }
        Ok(())
    }
}

/// What begins like a key that nothing has, or stands beside it.
#[derive(Debug, serde::Deserialize)]
struct Beside {
    items: Vec<Keyed>,
    nearest: Vec<String>,
}

#[derive(Debug, serde::Deserialize)]
struct Keyed {
    key: Option<String>,
}

impl Beside {
    /// The keys, each once.
    fn keys(self) -> Vec<String> {
        let mut keys: Vec<_> = self.items.into_iter().filter_map(|item| item.key).chain(self.nearest).collect();
        keys.dedup();
        keys
    }
}

/// The kind of object that an id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Event,
    Delivery,
    Endpoint,
    Replay,
}

impl Kind {
    /// The kind of an id; `None` if the text is no id: then it is a key.
    fn of(text: &str) -> Option<Self> {
        if text.parse::<EventId>().is_ok() {
            Some(Self::Event)
        } else if text.parse::<DeliveryId>().is_ok() {
            Some(Self::Delivery)
        } else if text.parse::<EndpointId>().is_ok() {
            Some(Self::Endpoint)
        } else {
            text.parse::<ReplayId>().is_ok().then_some(Self::Replay)
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Delivery => "delivery",
            Self::Endpoint => "endpoint",
            Self::Replay => "replay",
        }
    }

    fn path(self, id: &str) -> String {
        let list = match self {
            Self::Event => "events",
            Self::Delivery => "deliveries",
            Self::Endpoint => "endpoints",
            Self::Replay => "replays",
        };
        format!("/v1/{list}/{}", segment(id))
    }
}

fn show_replay(id: &str, replay: &Replay) {
    let Replay { state, matched, released, skipped, remaining, delivered, dead, .. } = replay;
    print::line(plain(&format!(
        "{id} {state}: {matched} matched, {released} released, {skipped} skipped, {remaining} remaining; so far {delivered} \
         delivered, {dead} dead again"
    )));
}

async fn show(client: &Client, page: &Page<Event>) -> Result<()> {
    let paint = Paint::stdout();
    for (index, listed) in page.items.iter().enumerate() {
        let whole = Whole::load(client, &listed.id, false).await?;
        if index > 0 {
            print::line("");
        }
        screen::event(&whole.event, paint);
        whole.show_deliveries(paint);
    }
    if page.next_cursor.is_some() {
        print::line("there are more events with this key: see --json and the API's cursor");
    }
    Ok(())
}
