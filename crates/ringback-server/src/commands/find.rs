//! `ringback find KEY`: "customer X says they never got the webhook for call Y". One screen says whether the platform
//! ever handed the event in, whom it was for and why not, what was sent when, what was answered, and what comes next.

use crate::{
    client::{
        Client, Connection,
        views::{Delivery, Event, Page},
    },
    failure::{Failure, Result},
    print::{self, Paint, moment, plain},
};

pub(crate) mod screen;

/// Find everything that happened to the events of a call
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback find call-42
  ringback find 1711646262471x768387119913843100 --tenant acme
  ringback find call-42 --json | jq -r '.items[].id'

Ends with 3 and says so when no event with this key is stored.")]
pub(crate) struct Find {
    /// The platform's own id for the thing: a session id, a call id
    #[arg(value_name = "KEY")]
    key: String,

    /// Only of this tenant
    #[arg(long)]
    tenant: Option<String>,

    /// Print the API's list of the events
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: Connection,
}

/// Most events shown in full: a key stands for one call, and a call has a handful of events.
const SHOWN_MAX: usize = 20;

/// Most deliveries of an event shown in full.
const DELIVERIES_MAX: usize = 20;

impl Find {
    /// Shows every event with the key, newest first.
    pub(crate) async fn run(self) -> Result<()> {
        let client = self.connection.open().await?;
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

    /// The explicit negative: what was looked through, so that "not there" can be believed.
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
        Ok(plain(&format!("no event with the key {key:?} was handed in for {of_whom}; {newest}")))
    }
}

async fn show(client: &Client, page: &Page<Event>) -> Result<()> {
    let paint = Paint::stdout();
    for (index, listed) in page.items.iter().enumerate() {
        let event: Event = client.get(&format!("/v1/events/{}", listed.id), &[]).await?.accepted(false)?.read()?;
        let mut deliveries = Vec::new();
        for delivery in event.deliveries.iter().take(DELIVERIES_MAX) {
            let path = format!("/v1/deliveries/{}", delivery.id);
            let delivery: Delivery = client.get(&path, &[]).await?.accepted(false)?.read()?;
            deliveries.push(delivery);
        }
        if index > 0 {
            print::line("");
        }
        screen::event(&event, paint);
        deliveries.iter().for_each(|delivery| screen::delivery(delivery, &event, paint));
        if event.deliveries.len() > DELIVERIES_MAX {
            let more = event.deliveries.len() - DELIVERIES_MAX;
            print::line(format!("  and {more} deliveries more: see GET /v1/deliveries?event_id={}", event.id));
        }
    }
    if page.next_cursor.is_some() {
        print::line("there are more events with this key: see --json and the API's cursor");
    }
    Ok(())
}
